"""The figures of the real recordings; one function each, as in ``figures``."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from atomicvad.evaluation.real import PAUSE_EDGES, TURN_EDGES, group_names
from atomicvad.evaluation.systems import OURS, TITLES, titles
from atomicvad.report.real_tables import AGAINST, AMI, SOUNDS
from atomicvad.report.style import WIDTH, lines, wrapped


def _rows(table: pd.DataFrame, corpus: str, metric: str) -> pd.DataFrame:
    keys = ["corpus", "protocol", "metric"]
    return table[(table[keys] == [corpus, "frame", metric]).all(axis=1)]


def real_auroc(table: pd.DataFrame) -> Figure:
    """AUROC of frames of every system with 95 % intervals: meetings, and sounds without speech."""
    sounds = _rows(table, SOUNDS, "auroc")
    series = {
        "the meetings": _rows(table, AMI, "auroc"),
        "their speech against\nsounds without speech": sounds[sounds["group"] == AGAINST],
    }
    order = series["the meetings"].sort_values("value")["system"].tolist()
    figure, axes = plt.subplots(figsize=(WIDTH, 0.9 + 0.42 * len(order)))
    for number, (name, of_corpus) in enumerate(series.items()):
        rows = of_corpus.set_index("system").reindex(order)
        bars = np.abs([rows["value"] - rows["low"], rows["high"] - rows["value"]])
        axes.errorbar(
            rows["value"], np.arange(len(order)) + 0.12 - 0.24 * number, xerr=bars, label=name,
            fmt="os"[number], color=f"C{number}", ms=4, capsize=2, lw=1,
        )  # fmt: skip
    named = titles(table)
    axes.set_yticks(range(len(order)), [wrapped(named[name]) for name in order])
    for label, name in zip(axes.get_yticklabels(), order, strict=True):
        label.set_fontweight("bold" if name == OURS else "normal")
    axes.set(xlabel="AUROC of frames", ylim=(-0.5, len(order) - 0.5))
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def _lines(
    axes: Axes,
    rows: pd.DataFrame,
    kind: str,
    edges: tuple[float, ...],
    seconds: dict[str, float],
) -> None:
    """A line a system over groups of lengths; its own interval for ours alone."""
    groups = group_names(edges)
    places, named = np.arange(len(groups)), titles(rows)
    looks = lines({name: named[name] for name in TITLES if name in named})
    for name, look in looks.items():
        of_system = rows[rows["system"] == name].set_index("group")
        of_system = of_system.reindex([f"{kind} {group}" for group in groups])
        axes.plot(places, of_system["value"], **look)
        if name == OURS:
            axes.fill_between(
                places, of_system["low"], of_system["high"], color=look["color"], alpha=0.12, lw=0
            )
    amounts = [f"{seconds.get(f'{kind} {group}', 0):.3g}" for group in groups]
    names = [group.removesuffix(" s") for group in groups]
    axes.set_xticks(places, [f"{a}\n({b} s)" for a, b in zip(names, amounts, strict=True)])
    axes.set(xlabel=f"length of {kind} (s; how much there is)", ylim=(0, 1.02))


def real_lengths(table: pd.DataFrame, seconds: dict[str, float]) -> Figure:
    """Recall by length of turn and false share by length of pause, at the tuned thresholds.

    Args:
        seconds: how much there is of each group, see ``real_tables.seconds_of``.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.4))
    _lines(left, _rows(table, AMI, "recall_tuned"), "turns", TURN_EDGES, seconds)
    _lines(right, _rows(table, AMI, "false_share_tuned"), "pauses", PAUSE_EDGES, seconds)
    left.set(ylabel="share of speech found")
    right.set(ylabel="share taken for speech")
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def real_categories(table: pd.DataFrame) -> Figure:
    """Share of each category of sounds without speech that is taken for speech, tuned."""
    rows = _rows(table, SOUNDS, "false_share_tuned")
    wide = rows.pivot(index="group", columns="system", values="value")
    names = [name for name in TITLES if name in wide.columns]
    order = wide[names].mean(axis=1).drop("all").sort_values(ascending=False).index
    wide = 100 * wide.loc[["all", *order], names]
    figure, axes = plt.subplots(figsize=(WIDTH, 1.9 + 0.24 * len(wide)))
    image = axes.imshow(wide.to_numpy(), aspect="auto", vmin=0, vmax=100)
    for row, column in np.ndindex(wide.shape):
        value = wide.iat[row, column]
        color = "k" if value > 55 else "w"
        axes.text(column, row, f"{value:.0f}", ha="center", va="center", color=color, fontsize=8)
    named = titles(table)
    axes.set_xticks(range(len(names)), [named[name] for name in names], rotation=30, ha="left")
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(wide)), wide.index)
    axes.grid(False)
    axes.axhline(0.5, color="w", lw=3)
    axes.set(xlabel="system", ylabel="sounds without speech")
    figure.colorbar(
        image, ax=axes, label="frames taken for speech (%)", orientation="horizontal", shrink=0.6
    )
    return figure
