"""Peak memory of training by size of the corpus; it should not grow."""

import resource
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from atomicvad.config import Settings
from atomicvad.data.store import AudioStore
from atomicvad.files import RECORDINGS, SAMPLES
from atomicvad.training.batches import TrainingBatches, WindowSet
from benchmarks.timing import Row
from benchmarks.training import Fit, open_profile, training_batches

WINDOWS = 48_000


def noise_store(folder: Path, gigabytes: float) -> AudioStore:
    """A store with one long recording of noise per class."""
    samples = int(gigabytes * 2**30 / 2)
    noise = np.random.default_rng(0).integers(-3000, 3000, 1 << 24).astype("<i2")
    with open(folder / SAMPLES, "wb") as file:
        for first in range(0, samples, len(noise)):
            file.write(noise[: samples - first].tobytes())
    half = samples // 2
    rows = [
        {"recording": "speech/0", "start": 0, "samples": half},
        {"recording": "noise/0", "start": half, "samples": samples - half},
    ]
    pd.DataFrame(rows).to_csv(folder / RECORDINGS, index=False)
    return AudioStore(folder)


def peak_of_open() -> list[Row]:
    """Peak memory of this process after an epoch on the open recordings."""
    settings = open_profile()
    fit = Fit(training_batches(settings), settings)
    fit.steps(fit.batches.steps)
    return [("peak_memory_gb", _peak(), "GB")]


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def peak(settings: Settings, gigabytes: float) -> list[Row]:
    """Peak memory of this process after training on windows from all parts of a corpus."""
    with tempfile.TemporaryDirectory() as folder:
        store = noise_store(Path(folder), gigabytes)
        half = store.recordings["samples"].iloc[0]
        offsets = np.linspace(0, half - settings.window_samples, WINDOWS // 2)
        manifest = pd.DataFrame(
            {
                "audio_filepath": np.repeat(["speech/0", "noise/0"], WINDOWS // 2),
                "offset": np.tile(offsets / settings.sample_rate, 2),
                "label": np.repeat(["speech", "background"], WINDOWS // 2),
            }
        )
        fit = Fit(TrainingBatches(WindowSet(manifest, store, settings), settings, 0), settings)
        fit.steps(fit.batches.steps)
    return [(f"peak_memory_gb_corpus_{gigabytes:g}_gb", _peak(), "GB")]
