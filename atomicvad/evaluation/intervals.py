"""Intervals by bootstrap over clips and seeds, and paired differences between systems.

Whole clips are drawn, as windows and segments of one clip share their recordings. The sums that a
metric needs are kept by clip, so that thousands of resampled sets cost one matrix product. All
systems are evaluated on the same draws of clips, so that their differences are paired.
"""

import numpy as np
from scipy.stats import bootstrap

LEVELS = 256  # score levels of a coarse ranking, used for the spread only


def clip_draws(clips: int, resamples: int, seed: int = 0) -> np.ndarray:
    """How often each clip is drawn, ``[1 + resamples, clips]``; the first row is all ones.

    Of one clip there are no draws.
    """
    if clips == 1:
        resamples = 0  # one clip alone says nothing of others: no draws, and no intervals
    drawn = np.random.default_rng(seed).multinomial(clips, np.full(clips, 1 / clips), resamples)
    return np.concatenate([np.ones((1, clips)), drawn])


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """``part / whole``; NaN where ``whole`` is 0, as in draws without any speech."""
    return np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=whole > 0)


def ranking_counts(
    labels: np.ndarray,
    scores: np.ndarray,
    clips: np.ndarray,
    count: int,
    weights: np.ndarray | None = None,
) -> np.ndarray:
    """Counts of background and speech at every score, highest first: ``[2, clips, levels]``.

    Args:
        labels, scores, clips: of every item ``[n]``; ``count`` clips in total.
        weights: of the items ``[n]``, or ``None``.
    """
    values, level = np.unique(-np.asarray(scores), return_inverse=True)
    cell = (np.asarray(labels).astype(int) * count + clips) * len(values) + level
    return np.bincount(cell, weights, 2 * count * len(values)).reshape(2, count, len(values))


def coarsen(counts: np.ndarray, levels: int = LEVELS) -> np.ndarray:
    """The counts merged to at most ``levels`` levels of about the same number of items."""
    if counts.shape[2] <= levels:
        return counts
    items = np.cumsum(counts.sum(axis=(0, 1)))
    cuts = np.searchsorted(items, items[-1] * np.arange(levels) / levels)
    return np.add.reduceat(counts, np.unique(cuts), axis=2)


def ranking_metrics(
    counts: np.ndarray, draws: np.ndarray, fpr_target: float
) -> dict[str, np.ndarray]:
    """``auroc``, ``average_precision``, ``eer`` and ``tpr_at_fpr`` for every draw, ``[draws]``.

    Args:
        counts: of ``ranking_counts``.
        draws: of ``clip_draws``, ``[draws, clips]``.
    """
    false, true = (np.cumsum(draws @ part, axis=1) for part in counts)
    precision = true / np.maximum(true + false, 1e-12)
    zero = np.zeros((len(draws), 1))
    false = np.concatenate([zero, ratio(false, false[:, -1:])], axis=1)
    true = np.concatenate([zero, ratio(true, true[:, -1:])], axis=1)
    gained = np.diff(true)

    def crossing(excess: np.ndarray, values: np.ndarray) -> np.ndarray:
        """``values`` where ``excess`` crosses zero, interpolated."""
        after = np.maximum(np.argmax(excess >= 0, axis=1), 1)[:, np.newaxis]
        low, high = _at(excess, after - 1), _at(excess, after)
        share = np.divide(-low, high - low, out=np.zeros_like(low), where=high > low)
        return _at(values, after - 1) + share * (_at(values, after) - _at(values, after - 1))

    return {
        "auroc": (np.diff(false) * (true[:, 1:] + true[:, :-1]) / 2).sum(axis=1),
        "average_precision": (gained * precision).sum(axis=1),
        "eer": crossing(false + true - 1, false),
        "tpr_at_fpr": crossing(false - fpr_target, true),
    }


def _at(table: np.ndarray, places: np.ndarray) -> np.ndarray:
    """One value of every row."""
    return np.take_along_axis(table, places, 1)[:, 0]


def decision_counts(
    labels: np.ndarray,
    decisions: np.ndarray,
    clips: np.ndarray,
    count: int,
    weights: np.ndarray | None = None,
) -> np.ndarray:
    """Counts by decision, label and clip, ``[2, 2, clips]``: ((TN, FN), (FP, TP)).

    Args:
        labels, decisions, clips: of every item ``[n]``; ``count`` clips in total.
        weights: of the items ``[n]``, or ``None``.
    """
    labels, decisions = np.asarray(labels).astype(int), np.asarray(decisions).astype(int)
    cell = (decisions * 2 + labels) * count + clips
    return np.bincount(cell, weights, 4 * count).reshape(2, 2, count)


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """``part / whole``; 0 where ``whole`` is 0."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def decision_metrics(
    counts: np.ndarray, draws: np.ndarray, fpr_target: float
) -> dict[str, np.ndarray]:
    """The metrics of decisions, and those of the released code, for every draw, ``[draws]``.

    Args:
        counts: of ``decision_counts``.
        draws: of ``clip_draws``, ``[draws, clips]``.
    """
    (tn, fn), (fp, tp) = np.moveaxis(counts @ draws.T, -1, -1)
    recall, precision, fpr = ratio(tp, tp + fn), _share(tp, tp + fp), ratio(fp, fp + tn)
    below = _share(recall * fpr_target, fpr)
    above = recall + (1 - recall) * _share(fpr_target - fpr, 1 - fpr)
    return {
        "accuracy": _share(tp + tn, tp + tn + fp + fn),
        "balanced_accuracy": (recall + 1 - fpr) / 2,
        "precision": precision,
        "recall": recall,
        "f1": _share(2 * tp, 2 * tp + fp + fn),
        "f2": _share(5 * tp, 5 * tp + fp + 4 * fn),
        "auroc_hard": (recall + 1 - fpr) / 2,
        "tpr_at_fpr_hard": np.where(fpr >= fpr_target, below, above),
    }


def over_seeds(values: np.ndarray, seed: int = 1) -> np.ndarray:
    """Means over resampled seeds: ``[seeds, 1 + resamples]`` -> ``[1 + resamples]``.

    The first column, of the clips as they are, is averaged over all seeds.
    """
    seeds, columns = values.shape
    drawn = np.random.default_rng(seed).integers(seeds, size=(seeds, columns))
    drawn[:, 0] = np.arange(seeds)
    return np.take_along_axis(values, drawn, axis=0).mean(axis=0)


def interval(resampled: np.ndarray) -> tuple[float, float]:
    """95 % percentile interval of the draws, without the first one; NaN if none is finite."""
    kept = resampled[1:][np.isfinite(resampled[1:])]
    if not len(kept):
        return float("nan"), float("nan")
    low, high = np.percentile(kept, [2.5, 97.5])
    return float(low), float(high)


def interval_of_mean(values: np.ndarray) -> tuple[float, float]:
    """95 % percentile interval of the mean over seeds by bootstrap; ``values``: ``[seeds]``."""
    mean = float(np.mean(values))
    if len(values) < 2 or np.ptp(values) == 0:
        return mean, mean
    result = bootstrap(
        (values,), np.mean, n_resamples=10_000, method="percentile", rng=np.random.default_rng(0)
    )
    return interval(np.concatenate([[mean], result.bootstrap_distribution]))


def paired_difference(first: np.ndarray, second: np.ndarray) -> dict[str, float]:
    """``first - second`` on the same draws of clips, with its interval and a two-sided p value."""
    difference = first - second
    low, high = interval(difference)
    drawn = difference[1:][np.isfinite(difference[1:])]
    if not len(drawn):
        return {"difference": float(difference[0]), "low": low, "high": high, "p": float("nan")}
    tail = min((drawn <= 0).mean(), (drawn >= 0).mean())
    p = min(1.0, 2 * max(tail, 1 / len(drawn)))
    return {"difference": float(difference[0]), "low": low, "high": high, "p": float(p)}
