"""What the detector costs on microcontrollers: measured by emulation, into tables of a run."""

import tempfile
from pathlib import Path

import numpy as np

from atomicvad.config import Settings
from atomicvad.device.emulate.measure import Measured, measure
from atomicvad.device.emulate.signals import stream_signals, window_signals
from atomicvad.device.export.c import write_sources
from atomicvad.device.export.models import exportable_model
from atomicvad.device.integer.detector import pushed_logits, window_logits
from atomicvad.device.integer.weights import integer_weights
from atomicvad.errors import AtomicVADError
from atomicvad.files import DEVICE, DEVICE_FUNCTIONS, replacing
from atomicvad.scoring.named_models import find_model


def measure_device(settings: Settings, model: str) -> Measured:
    """Measure a detector on all cores, and write ``device.csv`` and ``device_functions.csv``.

    Args:
        settings: of the profile whose results the tables belong to.
        model: see ``scoring.named_models.find_model``.

    Raises:
        AtomicVADError: no such model, a compiler or an emulator is missing, the sources do not
            compile, or a core gives other outputs than the specification.
    """
    found = exportable_model(find_model(model, settings)[1])
    weights = integer_weights(found.get_weights())
    windows, hops = window_signals(), stream_signals()
    expected = {
        "window": window_logits(windows, weights),
        "stream": pushed_logits(hops, weights),
    }
    with tempfile.TemporaryDirectory() as folder:
        write_sources(weights, Path(folder))
        measured = measure(Path(folder), windows, hops)
    for (core, form), outputs in measured.outputs.items():
        if not np.array_equal(outputs, expected[form]):
            raise AtomicVADError(f"{core}, {form}: the outputs differ from the specification")
    for name, table in ((DEVICE, measured.costs), (DEVICE_FUNCTIONS, measured.functions)):
        with replacing(settings.results_folder / name) as path:
            table.to_csv(path, index=False, float_format="%.6g")
    return measured
