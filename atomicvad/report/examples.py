"""Examples to look at and listen to: windows of recordings in which something can be heard."""

import math
from collections.abc import Sequence
from itertools import islice, zip_longest

import numpy as np
from scipy.signal import butter, sosfilt

from atomicvad.audio.signal import SAMPLE_RATE, SILENCE_DB, mean_power
from atomicvad.config import Settings
from atomicvad.data.manifest import read_split
from atomicvad.data.store import AudioStore
from atomicvad.model import build_features

TRIED = 8  # windows of a source, of which the clearest is shown
ABOVE = butter(2, 100, "highpass", fs=SAMPLE_RATE, output="sos")
USUAL_DB = -20.0  # dBFS: loud enough to hear, with room for more
MOST_PEAKS = 3  # samples near the greatest value, unless it is clipped
# Waveform and features by name.
Rows = dict[str, tuple[np.ndarray, np.ndarray]]


def _with_features(waveforms: dict[str, np.ndarray], settings: Settings) -> Rows:
    layer = build_features(settings)
    return {
        name: (waveform, layer(waveform[np.newaxis]).numpy()[0, :, :, 0])
        for name, waveform in waveforms.items()
    }


def example_windows(store: AudioStore, split: str, settings: Settings, most: int = 6) -> Rows:
    """The clearest of some windows of up to ``most`` sources of a split, both classes in turn.

    Sources of which nothing can be heard are left out.
    """
    windows = read_split(settings.data_folder, split, store)
    numbers = {name: index for index, name in enumerate(store.recordings["recording"])}
    tried = windows.groupby(["label", "source"]).sample(TRIED, replace=True, random_state=1)
    found: dict[str, list[tuple[str, np.ndarray]]] = {"background": [], "speech": []}
    for (label, _), rows in tried.groupby(["label", "source"]):
        waveforms = [
            store.read(
                numbers[row.audio_filepath],
                round(row.offset * settings.sample_rate),
                settings.window_samples,
            )
            for row in rows.itertuples()
        ]
        best = clearest(waveforms)
        if audible_level(waveforms[best]) > SILENCE_DB:
            found[label].append((rows["audio_filepath"].iloc[best], waveforms[best]))
    pairs = zip_longest(*found.values())
    shown = {
        f"{label}: {one[0]}": one[1]
        for pair in pairs
        for label, one in zip(found, pair, strict=True)
        if one is not None
    }
    return _with_features(dict(islice(shown.items(), most)), settings)


def decibels(waveform: np.ndarray) -> float:
    """Level of a waveform in dBFS (RMS)."""
    return 10 * math.log10(mean_power(waveform))


def audible_level(waveform: np.ndarray) -> float:
    """Level in dBFS (RMS) of what lies above 100 Hz; small loudspeakers play no more."""
    return decibels(sosfilt(ABOVE, waveform))


def clearest(waveforms: Sequence[np.ndarray]) -> int:
    """Which is nearest to a usual level, of those that are not clipped, or of all if all are.

    A clipped waveform meets its greatest value again and again.
    """
    distances = []
    for waveform in waveforms:
        sizes = np.abs(waveform)
        is_clipped = np.count_nonzero(sizes >= 0.999 * sizes.max()) > MOST_PEAKS
        distances.append((is_clipped, abs(audible_level(waveform) - USUAL_DB)))
    return distances.index(min(distances))
