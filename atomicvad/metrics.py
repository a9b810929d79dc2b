"""Numbers from scores, by scikit-learn."""

import numpy as np
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    f1_score,
    fbeta_score,
    precision_score,
    recall_score,
    roc_auc_score,
    roc_curve,
)

from atomicvad.errors import AtomicVADError

RANKING = ("auroc", "average_precision", "eer", "tpr_at_fpr")  # from scores
DECISION = ("accuracy", "balanced_accuracy", "precision", "recall", "f1", "f2")  # at a threshold
HARD = ("auroc_hard", "tpr_at_fpr_hard")  # as the released code computes them
Weights = np.ndarray | None  # durations of the items, or none
METRICS = (*RANKING, *DECISION, *HARD)


def tpr_at_fpr(
    labels: np.ndarray, scores: np.ndarray, fpr: float = 0.315, weights: Weights = None
) -> float:
    """True-positive rate where the false-positive rate is ``fpr``, between points of the ROC."""
    false, true, _ = roc_curve(labels, scores, sample_weight=weights)
    return float(np.interp(fpr, false, true))


def equal_error_rate(labels: np.ndarray, scores: np.ndarray, weights: Weights = None) -> float:
    """Where misses and false alarms are equally frequent, between points of the ROC."""
    false, true, _ = roc_curve(labels, scores, sample_weight=weights, drop_intermediate=False)
    excess = false + true - 1  # rises from -1 to 1
    after = int(np.argmax(excess >= 0))
    share = -excess[after - 1] / (excess[after] - excess[after - 1])
    return float(false[after - 1] + share * (false[after] - false[after - 1]))


def binary_metrics(
    labels: np.ndarray,
    scores: np.ndarray,
    threshold: float = 0.5,
    fpr_target: float = 0.315,
    weights: Weights = None,
) -> dict[str, float]:
    """All metrics of speech scores ``[n]`` against labels ``[n]`` (1 or True is speech).

    ``auroc`` and ``tpr_at_fpr`` come from the scores. ``auroc_hard`` and ``tpr_at_fpr_hard`` come
    from scores cut at ``threshold``, as the released code computes them: an "AUROC" that is in
    fact the balanced accuracy. ``weights`` are durations, or none.

    Raises:
        AtomicVADError: only one class, or scores that are not finite.
    """
    labels, scores = np.asarray(labels).astype(bool), np.asarray(scores, dtype=float)
    if labels.all() or not labels.any():
        raise AtomicVADError("metrics: expected speech and background, got one of them only")
    if not np.isfinite(scores).all():
        raise AtomicVADError("metrics: some scores are NaN or infinite")
    decisions = scores >= threshold
    among = {"sample_weight": weights}
    return {
        "auroc": float(roc_auc_score(labels, scores, **among)),
        "average_precision": float(average_precision_score(labels, scores, **among)),
        "eer": equal_error_rate(labels, scores, weights),
        "tpr_at_fpr": tpr_at_fpr(labels, scores, fpr_target, weights),
        "accuracy": float(accuracy_score(labels, decisions, **among)),
        "balanced_accuracy": float(balanced_accuracy_score(labels, decisions, **among)),
        "precision": float(precision_score(labels, decisions, zero_division=0, **among)),
        "recall": float(recall_score(labels, decisions, **among)),
        "f1": float(f1_score(labels, decisions, **among)),
        "f2": float(fbeta_score(labels, decisions, beta=2, **among)),
        "auroc_hard": float(roc_auc_score(labels, decisions, **among)),
        "tpr_at_fpr_hard": tpr_at_fpr(labels, decisions, fpr_target, weights),
    }
