"""The pictures of an evaluation, as drawings that take the colours of a light or a dark page."""

import io

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from atomicvad.evaluation.labelled_audio import Evaluation
from atomicvad.report import style  # noqa: F401  how every figure looks
from atomicvad.report.evaluation_text import ITEMS, confusion_table

MOST_NAMED = 7  # curves with a colour and a name of their own
INK = "#101010"  # of numbers on light cells, on whatever page
# Black becomes the page's own colour of text.
LOOK = """<style>svg{color:#1b1b1b;fill:currentColor}
@media (prefers-color-scheme:dark){svg{color:#e6e6e6}}</style>"""


def roc(evaluation: Evaluation) -> Figure:
    """ROC curves of all models; dots: at the threshold; dashed: the released code's FPR."""
    figure, axes = plt.subplots(figsize=(4.2, 4.0))
    named = len(evaluation.curves) <= MOST_NAMED
    counts = confusion_table(evaluation)
    for number, (name, (false, true)) in enumerate(evaluation.curves.items()):
        color = f"C{number}" if named else "C0"
        width, alpha = (1.4, 1.0) if named else (0.7, 0.6)
        label = name if named else None
        axes.plot(false, true, color=color, lw=width, alpha=alpha, label=label)
        of_model = counts.loc[name]
        axes.plot(
            of_model["false alarms"] / evaluation.support["background"],
            of_model["speech found"] / evaluation.support["speech"],
            "o", color=color, ms=4,
        )  # fmt: skip
    axes.axvline(evaluation.fpr_target, color="0.5", lw=0.8, ls="--")
    axes.set(
        xlabel="false-positive rate", ylabel="true-positive rate",
        xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), aspect="equal",
    )  # fmt: skip
    if named:
        axes.legend(loc="lower right")
    return figure


def roc_description(evaluation: Evaluation) -> str:
    """What the ROC curves show, for those who do not see them."""
    auroc = evaluation.wide().loc[evaluation.models, "auroc"]
    values = f"AUROC {auroc.iloc[0]:.3f}"
    if len(auroc) > 1:
        values = f"AUROC from {auroc.min():.3f} to {auroc.max():.3f}, {auroc.mean():.3f} on average"
    return f"ROC curves of {', '.join(evaluation.models)}: {values}"


def confusion(evaluation: Evaluation, model: str) -> Figure:
    """The confusion matrix of a model: items, and their share of the true class."""
    counts = _matrix(evaluation, model)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure, axes = plt.subplots(figsize=(2.7, 2.3))
    axes.pcolormesh(shares, vmin=0, vmax=1, edgecolors="0.5", lw=0.8)
    for row, column in np.ndindex(2, 2):
        axes.text(
            column + 0.5, row + 0.5, f"{counts[row, column]:,}\n{shares[row, column]:.1%}",
            ha="center", va="center", color=INK if shares[row, column] > 0.55 else "#fefefe",
        )  # fmt: skip
    axes.set_xticks([0.5, 1.5], ["speech", "background"])
    axes.set_yticks([0.5, 1.5], ["speech", "background"], rotation=90, va="center")
    axes.set(xlabel="decision", ylabel="label", title=model, aspect="equal")
    axes.invert_yaxis()
    axes.grid(False)
    axes.tick_params(length=0)
    return figure


def confusion_description(evaluation: Evaluation, model: str) -> str:
    """What the confusion matrix shows, in words."""
    (found, missed), (alarms, right) = _matrix(evaluation, model)
    what = ITEMS[evaluation.unit]
    return (
        f"Confusion matrix of {model}: of {found + missed:,} {what} of speech {found:,} were "
        f"found and {missed:,} missed; of {alarms + right:,} {what} of background {right:,} were "
        f"right and {alarms:,} taken for speech"
    )


def _matrix(evaluation: Evaluation, model: str) -> np.ndarray:
    """Items ``[2, 2]``: labelled and taken, speech first."""
    found, missed, alarms, right = confusion_table(evaluation).loc[model]
    return np.array([[found, missed], [alarms, right]])


def as_svg(figure: Figure) -> bytes:
    """A figure as SVG without date and background, black in the colour of the page's text."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    plt.close(figure)
    text = buffer.getvalue().decode().replace("#000000", "currentColor")
    return text.replace("<defs>", f"{LOOK}<defs>", 1).encode()
