"""The figures that compare systems; one function each, as in ``figures``."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from atomicvad.corpora.clips import CONDITIONS
from atomicvad.evaluation.systems import OURS, TITLES, title, titles
from atomicvad.report.style import CONDITION_MARKERS, PHONE, WIDTH, lines, wrapped


def auroc_by_system(
    systems: pd.DataFrame, protocol: str = "swi-median", narrow: bool = False
) -> Figure:
    """AUROC of every system by condition, with 95 % intervals over clips and seeds.

    ``narrow`` is for a phone: the legend stands where the worse systems leave room.
    """
    aurocs = systems[(systems["protocol"] == protocol) & (systems["metric"] == "auroc")]
    best_first = aurocs[aurocs["condition"] == "all"].sort_values("value")["system"].tolist()
    size = (PHONE if narrow else WIDTH, 0.9 + 0.42 * len(best_first))
    figure, axes = plt.subplots(figsize=size)
    conditions = [name for name in CONDITIONS if (aurocs["condition"] == name).any()]
    for number, condition in enumerate(conditions):
        marker, color = CONDITION_MARKERS[condition]
        rows = aurocs[aurocs["condition"] == condition].set_index("system").reindex(best_first)
        place = np.arange(len(rows)) + 0.27 - 0.18 * number
        bars = [rows["value"] - rows["low"], rows["high"] - rows["value"]]
        axes.errorbar(
            rows["value"], place, xerr=np.abs(bars), fmt=marker, color=color, ms=4, capsize=2,
            lw=1, label=condition,
        )  # fmt: skip
    named = titles(systems)
    axes.set_yticks(range(len(best_first)), [wrapped(named[name]) for name in best_first])
    for label, name in zip(axes.get_yticklabels(), best_first, strict=True):
        label.set_fontweight("bold" if name == OURS else "normal")
    axes.set(xlabel="AUROC of segments", ylim=(-0.5, len(best_first) - 0.5))
    axes.legend(title="speech", loc="upper left", bbox_to_anchor=(0 if narrow else 1, 1))
    return figure


def reliability(curves: dict[str, list[dict[str, np.ndarray]]]) -> Figure:
    """Share of speech among segments against their score, a line a system.

    Args:
        curves: by system, one of ``calibration.reliability_curve`` for every member.
    """
    figure, axes = plt.subplots(figsize=(WIDTH, 3.4))
    axes.plot([0, 1], [0, 1], color="0.6", lw=0.8, ls=":")
    looks = lines({name: title(name, len(members)) for name, members in curves.items()})
    for name, look in looks.items():
        members = curves[name]
        table = pd.concat(pd.DataFrame(curve) for curve in members).groupby(level=0)
        middle, low, high = table.mean(), table["share"].min(), table["share"].max()
        axes.plot(middle["probability"], middle["share"], **look)
        if len(members) > 1:
            color = look["color"]
            axes.fill_between(middle["probability"], low, high, color=color, alpha=0.15, lw=0)
    axes.set(xlabel="score of a segment", ylabel="share with speech", xlim=(0, 1), ylim=(0, 1.01))
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), handlelength=3.5)
    return figure


def latencies(systems: pd.DataFrame, protocol: str = "frame-causal") -> Figure:
    """Onset and offset latency: median and 95th percentile, from past audio alone."""
    table = systems[systems["protocol"] == protocol]
    wide = table.pivot_table(index="system", columns="metric", values="value", sort=False)
    figure, axes = plt.subplots(figsize=(WIDTH, 0.9 + 0.42 * len(wide)))
    for name, marker, color, shift in (("onset", "o", "C0", -0.13), ("offset", "s", "C1", 0.13)):
        if f"{name}_latency_p50" not in wide:
            continue  # in no clip does speech begin, or end, or nobody noticed it
        half, most = wide[f"{name}_latency_p50"], wide[f"{name}_latency_p95"]
        places = np.arange(len(wide)) + shift
        axes.hlines(places, half, most, color=color, lw=1)
        axes.plot(half, places, marker, color=color, ms=4, label=f"{name}, median")
        axes.plot(most, places, "|", color=color, ms=8, mew=2, label="95th percentile")
    axes.set(xlabel="latency (s), decided from past audio alone")
    axes.set_xlim(left=0)
    named = titles(systems)
    axes.set_yticks(range(len(wide)), [wrapped(named[name]) for name in wide.index])
    axes.invert_yaxis()
    if axes.has_data():
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def atlas_map(atlas: pd.DataFrame) -> Figure:
    """Share of pieces decided correctly, cases by systems."""
    cases = atlas.drop_duplicates("case")[["group", "case"]]
    names = [name for name in TITLES if name in set(atlas["system"])]
    wide = atlas.pivot(index="case", columns="system", values="right").loc[cases["case"], names]
    figure, axes = plt.subplots(figsize=(WIDTH, 2.3 + 0.19 * len(wide)))
    image = axes.imshow(100 * wide.to_numpy(), aspect="auto", vmin=0, vmax=100)
    for row, column in np.ndindex(wide.shape):
        value = 100 * wide.iat[row, column]
        if np.isnan(value):
            continue
        color = "k" if value > 55 else "w"
        text = str(int(value + 0.5))  # halves up, as browsers round them
        axes.text(column, row, text, ha="center", va="center", color=color, fontsize=8)
    named = titles(atlas)
    axes.set_xticks(range(len(names)), [named[name] for name in names], rotation=30, ha="left")
    axes.xaxis.tick_top()
    axes.set_xlabel("system")
    axes.set_yticks(range(len(wide)), wide.index)
    axes.grid(False)
    for group, rows in cases.reset_index(drop=True).groupby("group", sort=False):
        first, last = rows.index[[0, -1]]
        axes.axhline(last + 0.5, color="w", lw=3)
        axes.annotate(
            group.replace(" in ", "\nin "), (1.02, (first + last) / 2),
            xycoords=axes.get_yaxis_transform(), va="center", fontweight="bold",
        )  # fmt: skip
    figure.colorbar(
        image, ax=axes, label="pieces decided correctly (%)", orientation="horizontal", shrink=0.6
    )
    return figure
