"""Windows as the paper cuts them, and classes as it balances them."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from atomicvad.config import load_profile
from atomicvad.data.windows import balance, cut_windows, labelled_windows, windows_of
from atomicvad.errors import AtomicVADError


def fake_store(rows):
    """A store of recordings whose samples nobody reads."""
    columns = ["recording", "label", "split", "samples"]
    table = pd.DataFrame(rows, columns=columns)
    return SimpleNamespace(recordings=table.assign(speaker="", source=""))


def test_the_papers_windows():
    """Training: one window at 0.2 s of a command, back to 0.15 s steps of background. Testing:
    every 0.01 s; of a command those that begin between 0.2 s and its last possible start."""
    rows = [
        ("word", "speech", "training", 16000),
        ("short word", "speech", "training", 13000),
        ("noise", "background", "training", 32000),
        ("word of the test", "speech", "testing", 16000),
        ("noise of the test", "background", "testing", 11680),
        ("long", "speech", "training", 48000),
    ]
    windows = cut_windows(fake_store(rows), load_profile("paper"))
    offsets = {n: g["offset"].tolist() for n, g in windows.groupby("audio_filepath")}
    assert offsets["word"] == [0.2] and "short word" not in offsets
    np.testing.assert_allclose(offsets["noise"], np.arange(0, 1.37, 0.15))
    np.testing.assert_allclose(offsets["word of the test"], np.arange(0.2, 0.371, 0.01))
    np.testing.assert_allclose(offsets["noise of the test"], np.arange(0, 0.101, 0.01))
    assert offsets["long"] == [0.2], "the next, at 0.83 s, begins after 0.8 s"
    assert set(windows["duration"]) == {0.63}


def test_labelled_windows_lie_within_one_label():
    segments = [(0.0, 1.0, False), (1.0, 1.5, True), (1.5, 3.0, True), (3.0, 3.5, False)]
    starts, labels = labelled_windows(56000, segments, 10080, 1600)
    for start, label in zip(starts / 16000, labels, strict=True):
        low, high = (1.0, 3.0) if label == "speech" else (0.0, 1.0)
        assert low <= start and start + 0.63 <= high
    assert (labels == "speech").sum() == 14 and (labels == "background").sum() == 4


def windows(speech=10, background=25):
    rows = []
    for split in ("training", "validation", "testing"):
        for label, count in (("speech", speech), ("background", background)):
            rows += [(f"{label}{n}", label, "s", split) for n in range(count)]
    return pd.DataFrame(rows, columns=["audio_filepath", "label", "source", "split"])


COUNTS = {"training": 12, "validation": 8, "testing": 30}


@pytest.mark.parametrize(
    ("method", "drawn", "again"),
    [
        ("fixed", [12, 12, 8, 8, 30, 30], [0, 2, 0, 0, 5, 20]),
        ("over", [25] * 6, [0, 15] * 3),
        ("under", [10] * 6, [0] * 6),
        ("sources", [10, 10, 8, 8, 10, 10], [0] * 6),
    ],
)
def test_balance_and_what_is_drawn_again(method, drawn, again):
    chosen, report = balance(windows(), COUNTS, 42, method)
    assert report["drawn"].tolist() == drawn and report["drawn again"].tolist() == again
    counts = chosen.groupby(["split", "label"], sort=False).size()
    assert counts.tolist() == drawn
    for (_, _), group in chosen.groupby(["split", "label"]):
        times = group["audio_filepath"].value_counts()
        assert times.max() - times.min() <= 1, "none is drawn thrice before all are drawn twice"
    other, _ = balance(windows(), COUNTS, 42, method)
    assert chosen.equals(other), "seeded"


def test_the_seed_decides_which():
    first, second = (balance(windows(), COUNTS, seed, "under")[0] for seed in (1, 2))
    assert not first.equals(second)


def test_a_class_without_windows_is_named():
    table = windows()
    table = table[(table["split"] != "testing") | (table["label"] == "speech")]
    with pytest.raises(AtomicVADError, match=r"testing: .* 0 background and 10 speech"):
        balance(table, COUNTS, 1, "fixed")


def speech_with_pauses():
    """Noise bursts as if they were speech: 1 s, a pause of 60 ms, 0.5 s, a pause of 0.4 s, 1 s."""
    noise = np.random.default_rng(0).standard_normal(16000 * 4).astype(np.float32) * 0.1
    noise[16000:16960] = 0
    noise[24960:31360] = 0
    return noise[: 31360 + 16000]


def test_a_window_answers_for_its_centre():
    """Middle 100 ms in speech or in a pause; a gap as before a plosive is no pause."""
    waveform = speech_with_pauses()
    starts, labels = windows_of(waveform, "speech", 10080, 160, "centre")
    middles = (starts + 5040) / 16000
    pause = (middles > 24960 / 16000) & (middles < 31360 / 16000)
    assert set(labels[pause]) == {"background"} and set(labels[~pause]) == {"speech"}
    # No window whose middle lies on a border.
    borders = np.array([24960, 31360]) / 16000
    assert np.abs(middles[:, np.newaxis] - borders).min() >= 0.04
    # As a whole, no window of this recording is a pause.
    assert set(windows_of(waveform, "speech", 10080, 160)[1]) == {"speech"}


def test_centres_lie_within_labelled_segments():
    segments = [(0.0, 1.0, True), (1.0, 1.3, False), (1.3, 3.0, True)]
    starts, labels = labelled_windows(48000, segments, 10080, 160, "centre")
    middles = (starts + 5040) / 16000
    assert (np.diff(np.sort(starts)) >= 0).all() and starts.max() + 10080 <= 48000
    for middle, label in zip(middles, labels, strict=True):
        row = next(r for r in segments if r[0] <= middle < r[1])
        assert (label == "speech") == row[2]
        assert middle - 0.05 >= row[0] - 1e-6 and middle + 0.05 <= row[1] + 1e-6
    assert (labels == "background").sum() == 21  # 1.05 to 1.25 s, every 10 ms
