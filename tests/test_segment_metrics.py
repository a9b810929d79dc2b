"""Metrics of segments, beside what they are by hand."""

import numpy as np
import pandas as pd
import pytest

from atomicvad.evaluation.segments import (
    decisions,
    false_alarms,
    labelled_speech,
    match_counts,
    match_metrics,
    matches,
    segment_metrics,
)


def test_adjacent_speech_is_one_stretch():
    labels = pd.DataFrame(
        {
            "video_id": ["a"] * 5 + ["b"],
            "start": [900, 901, 902.5, 903, 904, 900],
            "end": [901, 902.5, 903, 904, 905, 902],
            "speech": [True, True, False, True, False, False],
        }
    )
    first, second = labelled_speech(labels)
    np.testing.assert_allclose(first, [[0, 2.5], [3, 4]])
    assert second.shape == (0, 2)


@pytest.mark.parametrize(
    ("true", "found", "expected"),
    [
        ([[1.0]], [[1.2]], 1),
        ([[1.0]], [[1.21]], 0),
        ([[1.0], [1.3]], [[1.15], [0.9]], 2),  # the nearest of all would leave one without
        ([[1.0, 2.0]], [[1.1, 2.5]], 0),
        ([], [[1.0]], 0),
    ],
)
def test_each_boundary_is_matched_once(true, found, expected):
    shape = (-1, len((true or found)[0]))
    assert matches(np.reshape(true, shape), np.reshape(found, shape)) == expected


def test_f1_and_alarms_by_hand():
    true = [np.array([[1.0, 2.0], [4.0, 5.0]])]
    found = [np.array([[1.1, 2.1], [3.0, 3.5], [4.1, 5.9]])]
    metrics = match_metrics(match_counts(true, found), np.ones((1, 1)))
    assert metrics["onset_f1"][0] == pytest.approx(2 * 2 / 5)
    assert metrics["offset_f1"][0] == metrics["segment_f1"][0] == pytest.approx(2 * 1 / 5)
    frames = np.array([1000])
    speech = decisions(true, frames)
    assert speech.sum() == 200 and speech[100] and not speech[99] and not speech[200]
    assert false_alarms(found, speech, ~speech, frames) == [1]
    kinds = {"noise": ~speech & (np.arange(1000) < 400), "music": ~speech & (np.arange(1000) > 399)}
    got = segment_metrics(true, found, speech, np.ones(1000, bool), kinds, frames, np.ones((1, 1)))
    assert got["false_alarms_per_hour noise"][0] == pytest.approx(1 / (3 / 3600))
    assert got["false_alarms_per_hour music"][0] == 0
    assert got["detection_error_rate"][0] == pytest.approx((0.1 + 0.1 + 0.5 + 0.1 + 0.9) / 2)
    assert got["false_share"][0] == pytest.approx((0.1 + 0.5 + 0.9) / 8)
