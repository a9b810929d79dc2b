"""Metrics of scores against labels, computed by scikit-learn."""

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

RANKING = ("auroc", "average_precision", "eer", "tpr_at_fpr")  # no threshold
DECISION = ("accuracy", "balanced_accuracy", "precision", "recall", "f1", "f2")  # at a threshold
HARD = ("auroc_hard", "tpr_at_fpr_hard")  # as the released code computes them
Weights = np.ndarray | None  # durations of the items; None: all weigh the same
METRICS = (*RANKING, *DECISION, *HARD)


def tpr_at_fpr(
    labels: np.ndarray, scores: np.ndarray, fpr: float = 0.315, weights: Weights = None
) -> float:
    """True-positive rate at the false-positive rate ``fpr``, interpolated on the ROC curve."""
    false, true, _ = roc_curve(labels, scores, sample_weight=weights)
    return float(np.interp(fpr, false, true))


def equal_error_rate(labels: np.ndarray, scores: np.ndarray, weights: Weights = None) -> float:
    """Rate at which misses and false alarms are equal, interpolated on the ROC curve."""
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

    ``auroc`` and ``tpr_at_fpr`` are computed from the scores. ``auroc_hard`` and
    ``tpr_at_fpr_hard`` are computed from decisions at ``threshold``, as in the released code: this
    "AUROC" is the balanced accuracy. ``weights`` are durations ``[n]``, or ``None``.

    Raises:
        AtomicVADError: only one class, or scores that are not finite.
    """
    labels, scores = np.asarray(labels).astype(bool), np.asarray(scores, dtype=float)
    if labels.all() or not labels.any():
        raise AtomicVADError("metrics: expected speech and background, got one of them only")
    if not np.isfinite(scores).all():
        raise AtomicVADError("metrics: some scores are NaN or infinite")
    decisions = scores >= threshold
    weighting = {"sample_weight": weights}
    return {
        "auroc": float(roc_auc_score(labels, scores, **weighting)),
        "average_precision": float(average_precision_score(labels, scores, **weighting)),
        "eer": equal_error_rate(labels, scores, weights),
        "tpr_at_fpr": tpr_at_fpr(labels, scores, fpr_target, weights),
        "accuracy": float(accuracy_score(labels, decisions, **weighting)),
        "balanced_accuracy": float(balanced_accuracy_score(labels, decisions, **weighting)),
        "precision": float(precision_score(labels, decisions, zero_division=0, **weighting)),
        "recall": float(recall_score(labels, decisions, **weighting)),
        "f1": float(f1_score(labels, decisions, **weighting)),
        "f2": float(fbeta_score(labels, decisions, beta=2, **weighting)),
        "auroc_hard": float(roc_auc_score(labels, decisions, **weighting)),
        "tpr_at_fpr_hard": tpr_at_fpr(labels, decisions, fpr_target, weights),
    }
