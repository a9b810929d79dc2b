"""Thresholds chosen on validation clips, and the calibration of probabilities."""

import numpy as np
from sklearn.metrics import roc_curve

BINS = 10


def best_threshold(labels: np.ndarray, scores: np.ndarray) -> float:
    """The threshold with the highest balanced accuracy (Youden's J), in the unit of the scores.

    It lies halfway to the next lower score, so that it does not equal a score.
    """
    false, true, thresholds = roc_curve(labels, scores, drop_intermediate=False)
    best = int(np.argmax(true - false))
    below = thresholds[min(best + 1, len(thresholds) - 1)]
    return float((thresholds[best] + below) / 2) if np.isfinite(thresholds[best]) else float(below)


def reliability_counts(
    labels: np.ndarray, probabilities: np.ndarray, clips: np.ndarray, count: int
) -> np.ndarray:
    """Number of items, number with speech, and summed probability: ``[3, clips, BINS]``.

    Args:
        labels, probabilities, clips: of every item ``[n]``; ``count`` clips in total.
    """
    bins = np.minimum((np.asarray(probabilities) * BINS).astype(int), BINS - 1)
    cell, size = clips * BINS + bins, count * BINS
    sums = [np.bincount(cell, values, size) for values in (None, labels, probabilities)]
    return np.array(sums).reshape(3, count, BINS)


def expected_calibration_error(counts: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Mean gap between probability and share of speech over the bins, for every draw: ``[draws]``.

    Bins have equal widths and are weighted by their items (Naeini et al. 2015, AAAI).
    """
    items, speech, probability = (draws @ part for part in counts)
    return np.abs(speech - probability).sum(axis=1) / items.sum(axis=1)


def reliability_curve(counts: np.ndarray) -> dict[str, np.ndarray]:
    """Mean probability and share of speech of every bin, ``[BINS]``; NaN for empty bins."""
    items, speech, probability = counts.sum(axis=1)
    items = np.where(items > 0, items, np.nan)
    return {"probability": probability / items, "share": speech / items}
