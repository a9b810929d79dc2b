"""Scenes hear all recordings evenly, and training may be validated on them."""

import numpy as np
import pandas as pd
import pytest

from atomicvad.audio.decode import decode
from atomicvad.corpora.clips import CLIP_START, find_clip, read_labels
from atomicvad.data.scenes import MOST_HEARD, Excerpts
from atomicvad.errors import AtomicVADError
from atomicvad.files import CLIP_LABELS
from atomicvad.model import build_features
from atomicvad.training.validation import scene_batches


class Recordings:
    """A store of noise: recordings of given lengths in s, by source."""

    def __init__(self, sources: dict[str, list[float]], kind: str = "speech"):
        rows = [(name, round(16000 * s)) for name, lengths in sources.items() for s in lengths]
        self.recordings = pd.DataFrame(rows, columns=["source", "samples"])
        self.recordings["split"], self.recordings["kind"] = "testing", kind
        self.read_rows: list[int] = []

    def read(self, row, start=0, samples=None):
        """Noise that names its recording."""
        length = self.recordings["samples"][row] if samples is None else samples
        if samples is not None:
            self.read_rows.append(row)
        return np.random.default_rng(row).normal(0, 0.1, length).astype(np.float32)


def drawn(store: Recordings, count: int, seconds: float, kind: str = "speech") -> np.ndarray:
    """How often each recording is drawn."""
    excerpts = Excerpts(store, "testing", kind, np.random.default_rng(0))
    for _ in range(count):
        excerpts.draw(round(16000 * seconds))
    return np.bincount(store.read_rows, minlength=len(store.recordings))


def test_speech_is_heard_twice_at_most_while_there_is_other_speech():
    store = Recordings({"large": [2.0] * 40, "small": [2.0] * 3})
    assert drawn(store, 60, 1).max() <= MOST_HEARD
    # When all have been heard twice, they are heard again, and again evenly.
    often = drawn(Recordings({"large": [2.0] * 4, "small": [2.0] * 3}), 70, 1)
    assert often.sum() == 70 and often.min() >= 7


def test_backgrounds_are_drawn_from_all_sources_alike_and_from_their_recordings_in_turn():
    store = Recordings({"large": [2.0] * 40, "small": [2.0] * 4}, kind="noise")
    often = drawn(store, 200, 1, "noise")
    assert 70 < often[40:].sum() < 130
    assert np.ptp(often[:40]) <= 1 and np.ptp(often[40:]) <= 1


def test_speech_that_is_too_short_is_not_drawn():
    often = drawn(Recordings({"a": [0.5] * 5 + [3.0] * 5}), 10, 2)
    assert often[:5].sum() == 0 and often[5:].sum() == 10
    with pytest.raises(AtomicVADError, match="no speech recording of 80000 samples"):
        drawn(Recordings({"a": [0.5]}), 1, 5)


def test_validation_windows_of_scenes_lie_within_one_segment(tiny, store):
    """A slow reference reads them one by one from the clips."""
    batches = scene_batches(tiny)
    features = np.concatenate([images for images, _ in batches])
    speech = np.concatenate([targets[:, 1] for _, targets in batches])
    folder, window, expected, truth = tiny.clips_folder("validation"), tiny.window_samples, [], []
    for name, rows in read_labels(folder / CLIP_LABELS).groupby("video_id"):
        waveform = decode(find_clip(folder, str(name)))
        for row in rows.itertuples():
            first = round((row.start - CLIP_START) * 16000)
            last = min(round((row.end - CLIP_START) * 16000), len(waveform))
            while first + window <= last:
                expected.append(waveform[first : first + window])
                truth.append(row.speech)
                first += window
    np.testing.assert_array_equal(speech, truth)
    reference = build_features(tiny)(np.array(expected)).numpy()
    np.testing.assert_allclose(features, reference, atol=0.05)
    assert 0 < speech.mean() < 1
