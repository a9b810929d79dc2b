"""An evaluation as lines for a terminal, and the words that its page uses, too."""

import pandas as pd

from atomicvad.evaluation.labelled_audio import METRICS, Evaluation
from atomicvad.report.text import counted, with_interval
from atomicvad.runs.evaluation import Outcome

TITLES = {
    "auroc": "AUROC",
    "average_precision": "average precision",
    "eer": "equal error rate",
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "f2": "F2",
}
SHORT = dict(zip(METRICS, ("AUROC", "AP", "EER", "TPR", "acc", "bal", "prec", "rec", "F1", "F2"),
                 strict=True))  # fmt: skip
ITEMS = {"window": "windows", "segment": "segments", "frame": "frames"}


def title(metric: str, evaluation: Evaluation) -> str:
    """A metric's name in words."""
    if metric == "tpr_at_fpr":
        return f"TPR at FPR {evaluation.fpr_target:g}"
    return TITLES[metric]


def heading(evaluation: Evaluation) -> str:
    """What the numbers rest on, in one line."""
    support = evaluation.support
    return (
        f"{counted(support['recordings'], 'recording')}, {support['seconds']:,.1f} s labelled: "
        f"{counted(support['speech'], evaluation.unit)} of speech, "
        f"{support['background']:,} of background; threshold {evaluation.threshold:g}"
    )


def summary(outcome: Outcome) -> str:
    """Files, seconds and speed in one line."""
    evaluation, speed = outcome.evaluation, outcome.audio_seconds / max(outcome.seconds, 1e-9)
    line = (
        f"{counted(evaluation.support['recordings'], 'file')}, {outcome.audio_seconds:,.1f} s "
        f"scored by {counted(len(evaluation.models), 'model')} in {outcome.seconds:.1f} s: "
        f"{speed:,.0f} times real time"
    )
    return line + (f"; {counted(outcome.left_out, 'file')} left out" if outcome.left_out else "")


def notes(evaluation: Evaluation) -> list[str]:
    """What is missing among the numbers, and why: a line each."""
    found = []
    if only := evaluation.only_class:
        rest = "" if only == "speech" else ", precision, recall, F1 and F2"
        found.append(
            f"{only} only, one class: no AUROC, average precision, equal error rate, TPR at an "
            f"FPR, balanced accuracy{rest}"
        )
    if evaluation.support["recordings"] == 1:
        found.append("one recording: no intervals, which are drawn over recordings")
    return found


def metric_rows(evaluation: Evaluation) -> list[list[str]]:
    """A row a metric: its name, the value with its interval and, of several models, the range."""
    main = "mean" if evaluation.has_mean else evaluation.models[0]
    keyed = evaluation.table.set_index(["metric", "model"])
    rows = []
    for metric in evaluation.wide():
        row = keyed.loc[(metric, main)]
        rows.append([title(metric, evaluation), with_interval(row.value, row.low, row.high)])
        if evaluation.has_mean:
            rows[-1] += [f"{keyed.loc[(metric, name)].value:.3f}" for name in ("min", "max")]
    return rows


def main_column(evaluation: Evaluation) -> str:
    """Whose values ``metric_rows`` has: of several models their mean, or the first one."""
    if evaluation.has_mean:
        return "mean"
    return evaluation.models[0] if len(evaluation.models) > 1 else "value"


def confusion_table(evaluation: Evaluation) -> pd.DataFrame:
    """A row a model: how many items of each class were taken for which."""
    names = {
        ("speech", "speech"): "speech found",
        ("speech", "background"): "speech missed",
        ("background", "speech"): "false alarms",
        ("background", "background"): "background right",
    }
    table = evaluation.confusion
    keys = pd.Series(zip(table["label"], table["decision"], strict=True)).map(names)
    wide = table.assign(cell=keys).pivot(index="model", columns="cell", values="items")
    return wide.loc[evaluation.models, list(names.values())]


def as_text(evaluation: Evaluation) -> str:
    """Tables of the metrics, of the models one by one, and of their decisions."""
    rows = metric_rows(evaluation)
    extremes = ["min", "max"] if evaluation.has_mean else []
    head = ["", f"{main_column(evaluation)} [95 %]", *extremes]
    parts = [heading(evaluation), *notes(evaluation), "", _aligned([head, *rows])]
    if len(evaluation.models) > 1:
        wide = evaluation.wide().loc[evaluation.models]
        cells = [[f"{value:.3f}" for value in row] for row in wide.to_numpy()]
        lines = [[name, *row] for name, row in zip(wide.index, cells, strict=True)]
        parts += ["", _aligned([["", *(SHORT[name] for name in wide)], *lines])]
    counts = confusion_table(evaluation)
    lines = [[name, *(f"{n:,}" for n in row)] for name, row in zip(counts.index, counts.to_numpy(),
                                                                  strict=True)]  # fmt: skip
    parts += ["", _aligned([["", *counts.columns], *lines])]
    return "\n".join(parts)


def _aligned(rows: list[list[str]]) -> str:
    """Columns two blanks apart: the first begins, the others end under each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            [row[0].ljust(widths[0])]
            + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        ).rstrip()
        for row in rows
    )
