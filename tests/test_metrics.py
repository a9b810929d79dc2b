"""Metrics mean what their names say; the released code's have names of their own."""

import numpy as np
import pandas as pd
import pytest

from atomicvad.errors import AtomicVADError
from atomicvad.evaluation.metrics import METRICS, binary_metrics, metrics_table


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


def test_conditions_share_the_background(tiny):
    labels = pd.DataFrame(
        {
            "condition": ["background", "background", "clean", "noise", "music"],
            "speech": [False, False, True, True, True],
        }
    )
    windows = pd.DataFrame({"segment": range(5), "probability": [0.1, 0.5, 0.9, 0.3, 0.05]})
    table = metrics_table(labels, {"swi": windows}, tiny, seed=1, variant="v", dataset="d")
    chosen = table[(table["metric"] == "auroc") & (table["protocol"] == "swi-median")]
    found = dict(zip(chosen["condition"], chosen["value"], strict=True))
    assert found == pytest.approx({"all": 0.5, "clean": 1.0, "noise": 0.5, "music": 0.0})


def test_a_condition_without_segments_is_named(tiny):
    labels = pd.DataFrame({"condition": ["background", "clean"], "speech": [False, True]})
    windows = pd.DataFrame({"segment": [0, 1], "probability": [0.1, 0.9]})
    with pytest.raises(AtomicVADError, match="condition noise"):
        metrics_table(labels, {"swi": windows}, tiny, seed=1, variant="v", dataset="d")
