"""Figures of what becomes of the detector on a device."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from atomicvad.report.style import WIDTH


def instructions_figure(
    functions: pd.DataFrame,
    form: str,
    cores: Sequence[str] = ("Cortex-M0+", "Cortex-M4F"),
    least: float = 0.015,
) -> Figure:
    """Instructions of a mean call by function, on some cores.

    Args:
        functions: of ``device_functions.csv``.
        form: ``window`` or ``stream``.
        cores: with and without instructions for signal processing.
        least: share of a core's instructions below which a function is among the others.
    """
    rows = functions[(functions["form"] == form) & functions["core"].isin(cores)]
    wide = rows.pivot_table(index="function", columns="core", values="instructions", sort=False)
    wide = wide.fillna(0)
    small = (wide / wide.sum()).max(axis=1) < least
    wide = pd.concat([wide[~small], wide[small].sum().to_frame("all others").T])
    figure, axes = plt.subplots(figsize=(WIDTH, 0.24 * len(wide) + 1))
    height = 0.8 / len(wide.columns)
    for number, core in enumerate(wide):
        places = np.arange(len(wide)) + (number - (len(wide.columns) - 1) / 2) * height
        axes.barh(places, wide[core] / 1000, height, color=f"C{number}", label=core)
    axes.set_yticks(range(len(wide)), wide.index)
    axes.set_ylim(len(wide) - 0.5, -0.5)
    what = "a decision every 10 ms" if form == "stream" else "one window"
    axes.set_xlabel(f"instructions of a call, thousands ({what})")
    axes.legend(loc="lower right")
    return figure


def int8_figure(table: pd.DataFrame) -> Figure:
    """Decisions that 8 bits change, and AUROC beside that of float32; a point for every seed.

    Args:
        table: of ``device.int8.int8_costs``.
    """
    names = list(dict.fromkeys(table["quantised"]))[::-1]
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(WIDTH, 4.2))
    for place, name in enumerate(names):
        rows = table[table["quantised"] == name]
        spread = place + np.linspace(-0.2, 0.2, len(rows)) if len(rows) > 1 else [place]
        top.plot(100 * rows["share"], spread, "o", ms=3, color="C1", alpha=0.7)
        top.plot(100 * rows["share"].mean(), place, "|", ms=14, color="C1")
        label = ("float32", "8 bits") if place == 0 else (None, None)
        bottom.plot(rows["auroc_float"], spread, "s", ms=3, color="C0", alpha=0.7, label=label[0])
        bottom.plot(rows["auroc"], spread, "o", ms=3, color="C1", alpha=0.7, label=label[1])
    for axes in (top, bottom):
        axes.set_yticks(range(len(names)), names)
    top.set(xlabel="changed decisions (% of windows)", xlim=(0, None))
    bottom.set(xlabel="AUROC of windows")
    bottom.legend(loc="lower left")
    return figure
