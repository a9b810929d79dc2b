"""Metrics mean what their names say; the released code's have names of their own."""

import numpy as np
import pytest

from atomicvad.errors import AtomicVADError
from atomicvad.metrics import METRICS, binary_metrics


def test_auroc_is_the_share_of_ordered_pairs():
    generator = np.random.default_rng(0)
    labels = generator.random(80) < 0.4
    scores = (generator.random(80) + 0.3 * labels).round(2)
    pairs = [(s > b) + 0.5 * (s == b) for s in scores[labels] for b in scores[~labels]]
    assert binary_metrics(labels, scores)["auroc"] == pytest.approx(np.mean(pairs))


def test_hard_auroc_is_the_balanced_accuracy():
    labels = np.array([0, 0, 0, 1, 1])
    scores = np.array([0.1, 0.2, 0.9, 0.8, 0.4])
    metrics = binary_metrics(labels, scores)
    assert metrics["auroc_hard"] == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert metrics["f2"] == pytest.approx(5 * 1 / (5 * 1 + 4 * 1 + 1))
    assert set(metrics) == set(METRICS)


def test_one_class_or_nan_is_an_error():
    with pytest.raises(AtomicVADError, match="one of them only"):
        binary_metrics([1, 1], [0.2, 0.3])
    with pytest.raises(AtomicVADError, match="NaN"):
        binary_metrics([0, 1], [0.2, np.nan])


def test_equal_error_rate_is_where_both_errors_meet():
    labels = np.array([0] * 4 + [1] * 4)
    assert binary_metrics(labels, labels)["eer"] == 0
    assert binary_metrics(labels, [0.1, 0.2, 0.3, 0.8, 0.4, 0.5, 0.6, 0.7])["eer"] == 0.25


def test_weights_count_an_item_as_often_as_they_say():
    generator = np.random.default_rng(1)
    labels, scores = generator.random(60) < 0.5, generator.random(60).round(2)
    weights = generator.integers(1, 4, 60)
    repeated = binary_metrics(np.repeat(labels, weights), np.repeat(scores, weights))
    weighted = binary_metrics(labels, scores, weights=weights)
    assert weighted == pytest.approx(repeated)
