"""Numbers from scores, by scikit-learn; long tidy tables."""

import numpy as np
import pandas as pd
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    fbeta_score,
    precision_score,
    recall_score,
    roc_auc_score,
    roc_curve,
)

from atomicvad.config import Settings
from atomicvad.errors import AtomicVADError

METRICS = (
    *("auroc", "tpr_at_fpr", "accuracy", "precision", "recall", "f1", "f2"),
    *("auroc_hard", "tpr_at_fpr_hard"),
)
COLUMNS = (
    *("profile", "seed", "variant", "dataset"),
    *("protocol", "condition", "metric", "value"),
)


def tpr_at_fpr(labels: np.ndarray, scores: np.ndarray, fpr: float = 0.315) -> float:
    """True-positive rate where the false-positive rate is ``fpr``, between points of the ROC."""
    false_positives, true_positives, _ = roc_curve(labels, scores)
    return float(np.interp(fpr, false_positives, true_positives))


def binary_metrics(
    labels: np.ndarray, scores: np.ndarray, threshold: float = 0.5, fpr_target: float = 0.315
) -> dict[str, float]:
    """All metrics of speech scores ``[n]`` against labels ``[n]`` (1 or True is speech).

    ``auroc`` and ``tpr_at_fpr`` come from the scores. ``auroc_hard`` and ``tpr_at_fpr_hard`` come
    from scores cut at ``threshold``, as the released code computes them: an "AUROC" that is in
    fact the balanced accuracy.

    Raises:
        AtomicVADError: only one class, or scores that are not finite.
    """
    labels, scores = np.asarray(labels).astype(bool), np.asarray(scores, dtype=float)
    if labels.all() or not labels.any():
        raise AtomicVADError("metrics: expected speech and background, got one of them only")
    if not np.isfinite(scores).all():
        raise AtomicVADError("metrics: some scores are NaN or infinite")
    decisions = scores >= threshold
    return {
        "auroc": float(roc_auc_score(labels, scores)),
        "tpr_at_fpr": tpr_at_fpr(labels, scores, fpr_target),
        "accuracy": float(accuracy_score(labels, decisions)),
        "precision": float(precision_score(labels, decisions, zero_division=0)),
        "recall": float(recall_score(labels, decisions)),
        "f1": float(f1_score(labels, decisions)),
        "f2": float(fbeta_score(labels, decisions, beta=2)),
        "auroc_hard": float(roc_auc_score(labels, decisions)),
        "tpr_at_fpr_hard": tpr_at_fpr(labels, decisions, fpr_target),
    }


def segment_scores(windows: pd.DataFrame, aggregate: str) -> pd.Series:
    """One score a segment: the ``median`` or ``mean`` of its windows'; indexed by segment."""
    return windows.groupby("segment")["probability"].agg(aggregate)


def metrics_table(
    labels: pd.DataFrame, windows: dict[str, pd.DataFrame], settings: Settings, **ids
) -> pd.DataFrame:
    """Metrics of one system on one set, in the long form of ``COLUMNS``.

    Args:
        labels: from ``protocols.read_labels``.
        windows: by protocol, from ``protocols.score_segments``.
        ids: ``seed``, ``variant``, ``dataset``.

    A condition's speech segments are compared with all segments without speech. Protocols are
    ``swi-median``, ``swi-mean``, ``spi-median``, ``spi-mean`` (a score a segment), and
    ``swi-window``, ``spi-window`` (each window by itself).
    """
    rows = []
    for protocol, table in windows.items():
        by_protocol = {
            f"{protocol}-{name}": segment_scores(table, name) for name in ("median", "mean")
        }
        by_protocol[f"{protocol}-window"] = table.set_index("segment")["probability"]
        for name, scores in by_protocol.items():
            of_scores = labels.loc[scores.index]
            for condition in ("all", "clean", "noise", "music"):
                if condition != "all" and not (labels["condition"] == condition).any():
                    continue  # not every test set has all of them
                chosen = ~of_scores["speech"] | (of_scores["condition"] == condition)
                if condition == "all":
                    chosen[:] = True
                if of_scores["speech"][chosen].nunique() < 2:
                    raise AtomicVADError(
                        f"{name}, condition {condition}: expected segments with and without speech"
                    )
                metrics = binary_metrics(
                    of_scores["speech"][chosen],
                    scores[chosen.to_numpy()],
                    settings.evaluation.threshold,
                    settings.evaluation.fpr_target,
                )
                rows += [
                    ids | {"protocol": name, "condition": condition, "metric": m, "value": v}
                    for m, v in metrics.items()
                ]
    return pd.DataFrame(rows).assign(profile=settings.profile)[list(COLUMNS)]
