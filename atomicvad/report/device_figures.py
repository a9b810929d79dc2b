"""Figures of what becomes of the detector on a device."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from atomicvad.report.style import WIDTH


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
