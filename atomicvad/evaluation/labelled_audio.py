"""Metrics of several models on labelled recordings, by model and over models, with intervals.

Intervals are by bootstrap over recordings and, over models, also over these.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.metrics import roc_curve

from atomicvad.config import LABELS, Settings
from atomicvad.evaluation import intervals
from atomicvad.evaluation.items import ClipSet, Items
from atomicvad.evaluation.systems import ENSEMBLE
from atomicvad.metrics import DECISION, RANKING, binary_metrics

# What an item is, and the protocol that scores it.
PROTOCOL_OF = {"window": "swi-window", "segment": "swi-median", "frame": "frame"}
METRICS = (*RANKING, *DECISION)
OF_SPEECH = ("precision", "recall", "f1", "f2")  # say nothing where there is no speech
SUPPORT = ("speech", "background", "recordings", "seconds")
OVER = ("mean", "min", "max")  # over models
COLUMNS = ["model", "unit", "metric", "value", "low", "high"]
GROUPS = 2000  # of recordings that are drawn together, at most
POINTS = 400  # of a ROC curve that is drawn


@dataclass(frozen=True)
class Evaluation:
    """The numbers of all models on the same items.

    Attributes:
        table: columns ``COLUMNS``, a row a number; ``OVER`` stand for models where there are
            several beside the ensemble. ``low`` and ``high`` bound the 95 % interval.
        confusion: ``model``, ``label``, ``decision``, ``items``.
        curves: false- and true-positive rates by model; empty where there is one class.
        support: what the numbers rest on, by ``SUPPORT``.
    """

    models: list[str]
    unit: str
    threshold: float
    fpr_target: float
    table: pd.DataFrame
    confusion: pd.DataFrame
    curves: dict[str, tuple[np.ndarray, np.ndarray]]
    support: dict[str, float]

    @property
    def only_class(self) -> str:
        """The one class that the items have; empty if they have both."""
        present = [label for label in LABELS if self.support[label]]
        return present[0] if len(present) == 1 else ""

    @property
    def rows(self) -> list[str]:
        """The models, then ``OVER`` where there are several."""
        return [*self.models, *(OVER if self.has_mean else ())]

    @property
    def has_mean(self) -> bool:
        """Whether there are numbers over models: the ensemble is none of those that it averages."""
        return len(self.models) - self.models.count(ENSEMBLE) > 1

    def wide(self) -> pd.DataFrame:
        """Values by model (rows) and metric, in order; those that there are."""
        wide = self.table.pivot(index="model", columns="metric", values="value")
        return wide.loc[self.rows, [name for name in METRICS if name in wide]]


def evaluate_labelled(
    models: list[str],
    scores: dict[str, np.ndarray],
    labels: pd.DataFrame,
    settings: Settings,
    unit: str,
    threshold: float,
) -> Evaluation:
    """All metrics of all models on the items of one kind.

    Args:
        models: names, one for each column of the scores.
        scores, labels: of ``scoring.labelled_audio``.
        unit: of ``PROTOCOL_OF``.
        threshold: probability from which on an item is taken for speech.
    """
    clips, evaluation = ClipSet(settings, labels), settings.evaluation
    groups = min(clips.count, GROUPS)
    group = np.random.default_rng(0).permutation(clips.count) % groups
    draws = intervals.clip_draws(groups, evaluation.resamples)
    values: dict[str, list[np.ndarray]] = {}
    rows: list[tuple] = []
    confusion: list[tuple] = []
    curves: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for number, name in enumerate(models):
        items = clips.items(scores, "atomicvad", number, PROTOCOL_OF[unit])
        probabilities = expit(items.scores.astype(float))
        found = _metrics(items, group[items.clip], draws, threshold, evaluation.fpr_target)
        for metric, of_draws in found.items():
            if name != ENSEMBLE:
                values.setdefault(metric, []).append(of_draws)
            rows.append((name, unit, metric, of_draws[0], *intervals.interval(of_draws)))
        counted = pd.crosstab(items.speech, probabilities >= threshold)
        confusion += [
            (name, label, decision, int(counted.get(bool(d), {}).get(bool(true), 0)))
            for true, label in enumerate(LABELS)
            for d, decision in enumerate(LABELS)
        ]
        if "auroc" in found:
            curves[name] = _curve(items.speech, probabilities)
        support = {
            "speech": int(items.speech.sum()),
            "background": int((~items.speech).sum()),
            "recordings": clips.count,
            "seconds": round(float(clips.lengths.sum()), 3),
        }
        rows += [(name, unit, key, count, np.nan, np.nan) for key, count in support.items()]
    rows += _over_models(values, unit)
    return Evaluation(
        models,
        unit,
        threshold,
        evaluation.fpr_target,
        pd.DataFrame(rows, columns=COLUMNS),
        pd.DataFrame(confusion, columns=["model", "label", "decision", "items"]),
        curves,
        support,
    )


def _over_models(values: dict[str, list[np.ndarray]], unit: str) -> list[tuple]:
    """Rows of the mean with its interval, the least and the greatest value of every metric.

    There are none of a single model.
    """
    rows: list[tuple] = []
    for metric, of_models in values.items():
        if len(of_models) == 1:
            continue
        stacked = np.stack(of_models)
        mean = intervals.over_seeds(stacked)
        rows.append(("mean", unit, metric, mean[0], *intervals.interval(mean)))
        rows.append(("min", unit, metric, stacked[:, 0].min(), np.nan, np.nan))
        rows.append(("max", unit, metric, stacked[:, 0].max(), np.nan, np.nan))
    return rows


def _metrics(
    items: Items, group: np.ndarray, draws: np.ndarray, threshold: float, fpr_target: float
) -> dict[str, np.ndarray]:
    """The metrics of one model for every draw, ``[draws]``; the first is of all items.

    With one class alone, what needs both is left out.

    Args:
        group: of every item, ``[items]``: what is drawn together.
        draws: of ``intervals.clip_draws``, ``[draws, groups]``.
    """
    speech, count = items.speech, draws.shape[1]
    probabilities = expit(items.scores.astype(float))
    counts = intervals.decision_counts(speech, probabilities >= threshold, group, count)
    of_decisions = intervals.decision_metrics(counts, draws, fpr_target)
    found = {name: of_decisions[name] for name in DECISION}
    if not speech.any() or speech.all():
        del found["balanced_accuracy"]
        return {k: v for k, v in found.items() if speech.any() or k not in OF_SPEECH}
    exact = binary_metrics(speech, probabilities, threshold, fpr_target)
    # The exact value, with the spread of a coarse ranking: its memory does not grow with the items.
    shares = np.linspace(0, 1, intervals.LEVELS + 1)[1:-1]
    levels = np.searchsorted(np.unique(np.quantile(items.scores, shares)), items.scores, "right")
    coarse = intervals.ranking_counts(speech, levels, group, count)
    spread = intervals.ranking_metrics(coarse, draws, fpr_target)
    ranking = {n: np.clip(spread[n] - spread[n][0] + exact[n], 0, 1) for n in RANKING}
    return ranking | found


def _curve(speech: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """False- and true-positive rates of a ROC curve, at most ``POINTS`` of them."""
    false, true, _ = roc_curve(speech, scores)
    if len(false) > POINTS:
        kept = np.unique(np.linspace(0, len(false) - 1, POINTS).astype(int))
        false, true = false[kept], true[kept]
    return false, true
