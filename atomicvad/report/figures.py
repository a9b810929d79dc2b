"""The figures: one function each, from tidy tables and arrays to a matplotlib ``Figure``."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from sklearn.metrics import roc_curve

from atomicvad.audio.signal import SAMPLE_RATE
from atomicvad.corpora.clips import CONDITIONS
from atomicvad.evaluation.systems import RELEASED
from atomicvad.report.style import CONDITION_COLORS, SEGMENT_COLORS, WIDTH
from atomicvad.report.tables import PAPER


def _band(
    axes: Axes, table: pd.DataFrame, column: str, color: str, label: str | None = None
) -> None:
    """Mean over seeds, their range, and a thin line for each seed."""
    wide = table.pivot(index="epoch", columns="seed", values=column)
    axes.fill_between(wide.index, wide.min(axis=1), wide.max(axis=1), color=color, alpha=0.2, lw=0)
    axes.plot(wide.index, wide, color=color, lw=0.5, alpha=0.5)
    axes.plot(wide.index, wide.mean(axis=1), color=color, label=label)


def training_curves(history: pd.DataFrame) -> Figure:
    """Loss, validation AUROC and learning rate at an epoch's end; mean and range over seeds."""
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(WIDTH, 2.3))
    _band(left, history, "loss", "C0", "training")
    _band(left, history, "val_loss", "C1", "validation")
    figure.legend(*left.get_legend_handles_labels(), loc="outside upper left", ncols=2)
    _band(middle, history, "val_auroc", "C1")
    rate = history.groupby("epoch")["learning_rate"].mean()
    right.plot(rate.index, 1000 * rate, color="C6")
    for axes, name in (
        (left, "focal loss"),
        (middle, "validation AUROC"),
        (right, "learning rate ($10^{-3}$)"),
    ):
        axes.set(xlabel="epoch", ylabel=name)
        axes.xaxis.get_major_locator().set_params(integer=True)
    return figure


def roc_by_condition(
    scores: dict[int, pd.Series], labels: pd.DataFrame, fpr_target: float
) -> Figure:
    """ROC by condition: mean over seeds, and their range.

    Args:
        scores: by seed, a score a segment (index: rows of ``labels``).
        labels: ``condition`` and ``speech`` of every segment.
        fpr_target: where the released code reads the true-positive rate; marked.
    """
    grid = np.linspace(0, 1, 401)
    figure, axes = plt.subplots(figsize=(3.4, 3.2))
    spoken = set(labels["condition"][labels["speech"]])
    for condition, color in CONDITION_COLORS.items():
        if condition != "all" and (condition not in spoken or len(spoken) == 1):
            continue  # not every test set has all of them
        curves = []
        for of_seed in scores.values():
            table = labels.loc[of_seed.index]
            judged = np.ones(len(table), bool)
            if condition != "all":
                judged = (~table["speech"] | (table["condition"] == condition)).to_numpy()
            false, true, _ = roc_curve(table["speech"][judged], of_seed[judged])
            curves.append(np.interp(grid, false, true))
        style = "--" if condition == "all" else "-"
        axes.fill_between(grid, np.min(curves, 0), np.max(curves, 0), color=color, alpha=0.15, lw=0)
        axes.plot(grid, np.mean(curves, 0), style, color=color, label=condition)
    axes.axvline(fpr_target, color="0.5", lw=0.8, ls=":")
    axes.annotate(f"FPR {fpr_target:g}", (fpr_target + 0.015, 0.05), fontsize=8, color="0.35")
    axes.set(
        xlabel="false-positive rate", ylabel="true-positive rate", xlim=(0, 1), ylim=(0, 1.005)
    )
    axes.legend(title="speech segments", loc="lower right", bbox_to_anchor=(1, 0.1))
    return figure


def auroc_by_seed(
    metrics: pd.DataFrame,
    summary: pd.DataFrame,
    reference: pd.DataFrame | None = None,
    protocol: str = "swi-median",
) -> Figure:
    """AUROC of every seed by condition, with mean and 95 % interval; released ones beside.

    Args:
        metrics, summary: of a run, as collated.
        reference: the summary of the reference; its means are drawn beside the run's.
    """
    keys = ["protocol", "metric"]
    metrics = metrics[(metrics[keys] == [protocol, "auroc"]).all(axis=1)]
    summary = summary[(summary[keys] == [protocol, "auroc"]).all(axis=1)]
    conditions = [name for name in CONDITIONS if (metrics["condition"] == name).any()]
    figure, axes = plt.subplots(figsize=(WIDTH, 2.8))
    looks = {
        "atomicvad": ("C0", -0.15, "o", "this companion"),
        "released": ("C1", 0.15, "s", "released"),
    }
    for variant, (color, offset, marker, name) in looks.items():
        for place, condition in enumerate(conditions):
            mask = (metrics["variant"] == variant) & (metrics["condition"] == condition)
            values = metrics["value"][mask]
            if values.empty:
                continue
            row = summary[
                (summary["variant"] == variant) & (summary["condition"] == condition)
            ].iloc[0]
            spread = np.linspace(-0.06, 0.06, len(values)) if len(values) > 1 else np.zeros(1)
            count = f"{len(values)} of {RELEASED}" if variant == "released" else len(values)
            label = f"{name} ({count})" if place == 0 else None
            axes.plot(
                place + offset + spread, values, marker, ms=3, color=color, alpha=0.6, label=label
            )
            bars = [[row["mean"] - row["low"]], [row["high"] - row["mean"]]]
            axes.errorbar(
                place + offset + 0.13, row["mean"], bars, fmt="_", color=color, ms=7, capsize=3
            )
    if reference is not None:
        rows = reference[
            (reference[[*keys, "variant"]] == [protocol, "auroc", "atomicvad"]).all(axis=1)
        ].set_index("condition")
        places = [number for number, name in enumerate(conditions) if name in rows.index]
        rows = rows.loc[[conditions[number] for number in places]]
        bars = [rows["mean"] - rows["low"], rows["high"] - rows["mean"]]
        axes.errorbar(
            np.array(places) - 0.32, rows["mean"], bars, fmt="D", color="C2", ms=4, capsize=3,
            label=f"the reference ({rows['n'].iloc[0]})",
        )  # fmt: skip
    axes.axhline(
        PAPER["auroc"],
        color="0.5",
        lw=0.8,
        ls=":",
        label="the paper, AVA-Speech\n(another test set)",
    )
    axes.set_xticks(range(len(conditions)), conditions)
    dataset = metrics["dataset"].iloc[0]
    axes.set(
        xlabel="speech segments (against all without speech)",
        ylabel=f"AUROC of segments, {dataset}",
    )
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def timeline(
    waveform: np.ndarray,
    segments: pd.DataFrame,
    scores: pd.DataFrame,
    start: float,
    seconds: float,
    window_seconds: float,
) -> Figure:
    """A stretch of a clip: waveform, labels, and the window scores of all seeds.

    Args:
        waveform: of the stretch, beginning at ``start`` (s, in the labels' time).
        segments: ``start, end, condition``; scores: ``segment, window_start,
            probability, seed``.
        window_seconds: length of a window, whose score is drawn at its centre.
    """
    figure, (top, bottom) = plt.subplots(
        2, 1, sharex=True, figsize=(WIDTH, 3.2), height_ratios=(1, 1.6)
    )
    time = start + np.arange(len(waveform)) / SAMPLE_RATE
    top.plot(time[::16], waveform[::16], color="0.3", lw=0.3, rasterized=True)
    top.set(ylabel="amplitude")
    top.grid(False)
    for row in segments.itertuples():
        if row.end > start and row.start < start + seconds:
            top.axvspan(row.start, row.end, color=SEGMENT_COLORS[row.condition], alpha=0.35, lw=0)
            bottom.axvspan(
                row.start, row.end, color=SEGMENT_COLORS[row.condition], alpha=0.15, lw=0
            )
    # No window reaches over two segments, so no line does.
    for _, of_segment in scores.groupby("segment"):
        spread = of_segment.groupby("window_start")["probability"].agg(["min", "mean", "max"])
        centre = spread.index + window_seconds / 2
        bottom.fill_between(centre, spread["min"], spread["max"], color="C6", alpha=0.3, lw=0)
        bottom.plot(centre, spread["mean"], color="C6", marker=".", ms=2, lw=1)
    bottom.axhline(0.5, color="0.4", lw=0.8, ls=":")
    bottom.set(xlabel="time (s)", ylabel="P(speech)", xlim=(start, start + seconds), ylim=(0, 1))
    names = {
        "background": "no speech",
        "clean": "clean speech",
        "noise": "speech in noise",
        "music": "speech in music",
    }
    here = [name for name in names if (segments["condition"] == name).any()]
    handles = [Rectangle((0, 0), 1, 1, color=SEGMENT_COLORS[n], alpha=0.35) for n in here]
    figure.legend(handles, [names[n] for n in here], loc="outside upper center", ncols=4)
    return figure


def activation_curves(weights: dict[int, dict[str, np.ndarray]]) -> Figure:
    """The learned GGCU of both blocks, a line a seed.

    Args:
        weights: by seed, ``{"b1": [w1, w2, b1, b2], "b2": […]}``.
    """
    x = np.linspace(-5, 5, 501)
    figure, panels = plt.subplots(1, 2, figsize=(WIDTH, 2.4))
    colors = plt.get_cmap("cividis")(np.linspace(0, 0.95, len(weights)))
    for axes, block in zip(panels, ("b1", "b2"), strict=True):
        for color, (seed, of_seed) in zip(colors, weights.items(), strict=True):
            w1, w2, b1, b2 = of_seed[block]
            axes.plot(x, (w1 * x + b1) * np.cos(w2 * x + b2), color=color, lw=1, label=str(seed))
        axes.set(title=f"block {block[1]}", xlabel="input", ylabel="GGCU(input)")
    figure.legend(*panels[0].get_legend_handles_labels(), title="seed", loc="outside right center")
    return figure
