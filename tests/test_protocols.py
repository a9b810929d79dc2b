"""Windows lie where the protocols say, and batching changes no score."""

import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from atomicvad.errors import AtomicVADError
from atomicvad.evaluation.protocols import (
    model_score,
    read_labels,
    score_segments,
    speech_probabilities,
    step_of,
    window_starts,
)
from atomicvad.model import build_model, build_network

WINDOW, STEP = 10080, 1260


@given(st.integers(0, 10**6), st.integers(1, 10**5))
@settings(max_examples=200, deadline=None)
def test_windows_cover_a_segment_and_stay_within_it(start, length):
    starts = window_starts(start, start + length, WINDOW, STEP)
    assert starts[0] == start
    assert (np.diff(starts) > 0).all() and (np.diff(starts) <= STEP).all()
    if length >= WINDOW:
        assert starts[-1] == start + length - WINDOW
    else:
        assert len(starts) == 1


def test_steps_are_the_papers(tiny):
    assert step_of("swi", tiny) == 1260
    assert step_of("spi", tiny) == 10080
    with pytest.raises(AtomicVADError, match="'frame'"):
        step_of("frame", tiny)


def energy(windows):
    return np.square(windows).mean(axis=1)


def slow_scores(waveform, segments, step):
    """A segment and a window at a time, straight from the definition."""
    scores = []
    for start, end in segments:
        piece = waveform[round((start - 900) * 16000) : round((end - 900) * 16000)]
        position, last = 0, len(piece) - WINDOW
        while True:
            window = np.zeros(WINDOW, np.float32)
            heard = piece[position : position + WINDOW]
            window[: len(heard)] = heard
            scores.append(np.mean(window**2))
            if position >= last:
                break
            position = min(position + step, last)
    return scores


@pytest.mark.parametrize("protocol", ["swi", "spi"])
def test_scores_equal_the_slow_reference(protocol, tmp_path, tiny):
    waveform = np.random.default_rng(0).uniform(-0.5, 0.5, 16000 * 12).astype(np.float32)
    (tmp_path / "audio").mkdir()
    soundfile.write(tmp_path / "audio" / "clip.wav", waveform, 16000, subtype="FLOAT")
    segments = [(900.0, 900.4), (900.4, 901.03), (901.03, 905.5), (905.5, 912.0)]
    labels = ["NO_SPEECH", "CLEAN_SPEECH", "NO_SPEECH", "SPEECH_WITH_NOISE"]
    rows = [f"clip,{a},{b},{name}" for (a, b), name in zip(segments, labels, strict=True)]
    (tmp_path / "labels.csv").write_text("\n".join(rows) + "\n")
    table = read_labels(tmp_path / "labels.csv")
    scores = score_segments(energy, tmp_path, table, tiny, protocol)
    expected = slow_scores(waveform, segments, step_of(protocol, tiny))
    np.testing.assert_allclose(scores["probability"], expected, atol=1e-6)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("clip,900.0,901.0", "expected 4 fields, got 3"),
        ("clip,900.0,x,NO_SPEECH", "expected two numbers"),
        ("clip,901.0,900.0,NO_SPEECH", "start <= end"),
        ("clip,nan,900.0,NO_SPEECH", "start <= end"),
        ("clip,900.0,901.0,SPEECH", "'SPEECH'"),
    ],
)
def test_a_bad_label_is_named_with_its_line(line, said, tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text(f"clip,900.0,901.0,NO_SPEECH\n{line}\n")
    with pytest.raises(AtomicVADError) as caught:
        read_labels(path)
    assert f"{path}:2" in str(caught.value) and said in str(caught.value)


def test_repeated_and_empty_rows_are_dropped_by_id_and_time(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text(
        "a,900.0,901.0,NO_SPEECH\na,900.0,901.0,NO_SPEECH\na,901.0,901.0,NO_SPEECH\n"
        "a,901.0,902.0,CLEAN_SPEECH\n"
    )
    table = read_labels(path)
    pd.testing.assert_series_equal(table["start"], pd.Series([900.0, 901.0], name="start"))
    assert list(table["speech"]) == [False, True]


def test_a_missing_clip_is_named(tmp_path, tiny):
    (tmp_path / "labels.csv").write_text("lost,900.0,901.0,NO_SPEECH\n")
    with pytest.raises(AtomicVADError, match="no clip lost"):
        score_segments(energy, tmp_path, read_labels(tmp_path / "labels.csv"), tiny)


@pytest.mark.parametrize(
    ("waveform", "overlap", "said"),
    [
        (np.zeros((16000, 2), np.float32), 0.5, "got float32 [16000, 2]"),
        (np.zeros(16000, np.int16), 0.5, "got int16 [16000]"),
        (np.zeros(0, np.float32), 0.5, "got float32 [0]"),
        (np.full(16000, np.nan, np.float32), 0.5, "NaN"),
        (np.zeros(16000, np.float32), 1.0, "overlap: expected 0 up to less than 1"),
    ],
)
def test_a_waveform_that_cannot_be_scored_is_one_clear_line(waveform, overlap, said):
    with pytest.raises(AtomicVADError) as caught:
        speech_probabilities(None, waveform, overlap)
    assert said in str(caught.value)


def test_scores_are_the_models_own():
    model = build_model(build_network(seed=3))
    waveforms = np.random.default_rng(0).standard_normal((7, 10080)).astype(np.float32) * 0.1
    waveforms[1] *= 1e-3
    expected = model(waveforms, training=False).numpy()[:, 1]
    np.testing.assert_allclose(model_score(model)(waveforms), expected, atol=1e-5)
