"""What the detector costs on microcontrollers: measured by emulation, into tables of a run."""

import tempfile
from pathlib import Path

import numpy as np

from atomicvad.config import Settings
from atomicvad.device.emulate.host import HostDetector
from atomicvad.device.emulate.measure import Measured, measure
from atomicvad.device.emulate.signals import stream_signals, window_signals
from atomicvad.errors import AtomicVADError
from atomicvad.files import DEVICE, DEVICE_FUNCTIONS, replacing


def measure_device(settings: Settings, sources: Path) -> Measured:
    """Measure the detector on all cores, and write ``device.csv`` and ``device_functions.csv``.

    Args:
        settings: of the profile whose results the tables belong to.
        sources: a folder with ``atomicvad.c``, its headers, and the weights.

    Raises:
        AtomicVADError: a compiler or an emulator is missing, the sources do not compile, or a core
            gives other outputs than this computer.
    """
    windows, hops = window_signals(), stream_signals()
    with tempfile.TemporaryDirectory() as folder:
        host = HostDetector(sources, Path(folder))
        expected = {"window": host.windows(windows), "stream": host.stream(hops)}
    measured = measure(sources, windows, hops)
    for (core, form), outputs in measured.outputs.items():
        if not np.array_equal(outputs, expected[form]):
            raise AtomicVADError(f"{core}, {form}: other outputs than on this computer")
    for name, table in ((DEVICE, measured.costs), (DEVICE_FUNCTIONS, measured.functions)):
        with replacing(settings.results_folder / name) as path:
            table.to_csv(path, index=False, float_format="%.6g")
    return measured
