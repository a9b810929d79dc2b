"""The figures of recordings and features, from tables and arrays."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from atomicvad.audio.signal import SAMPLE_RATE
from atomicvad.report.style import KIND_COLORS, WIDTH


def corpus_minutes(recordings: pd.DataFrame) -> Figure:
    """Minutes of every source, by split and kind."""
    table = recordings.assign(minutes=recordings["samples"] / SAMPLE_RATE / 60)
    splits = ("training", "validation", "testing")
    counts = [table[table["split"] == split]["source"].nunique() for split in splits]
    figure, panels = plt.subplots(
        3, 1, figsize=(WIDTH, 1.2 + 0.18 * sum(counts)), height_ratios=counts, sharex=True
    )
    for axes, split in zip(panels, splits, strict=True):
        minutes = table[table["split"] == split].groupby(["kind", "source"])["minutes"].sum()
        minutes = minutes.sort_index(ascending=[True, False])
        # Dots: on a logarithmic axis a bar's length means nothing.
        names = [source for _, source in minutes.index]
        axes.scatter(minutes, names, s=22, color=[KIND_COLORS[kind] for kind, _ in minutes.index])
        axes.set_title(split)
        axes.set_ylim(-0.6, len(minutes) - 0.4)
    panels[-1].set(xlabel="minutes", xscale="log")
    panels[-1].xaxis.set_major_formatter("{x:g}")
    handles = [Rectangle((0, 0), 1, 1, color=color) for color in KIND_COLORS.values()]
    figure.legend(handles, list(KIND_COLORS), loc="outside upper right", ncols=3)
    return figure


def levels_and_bandwidth(table: pd.DataFrame) -> Figure:
    """Level against bandwidth, a dot a recording.

    Args:
        table: ``kind``, ``level_db`` (dBFS, RMS), ``bandwidth_hz`` (99.5 % of the energy below).
    """
    figure, axes = plt.subplots(figsize=(WIDTH * 0.75, 3))
    for kind, color in KIND_COLORS.items():
        group = table[table["kind"] == kind]
        axes.scatter(
            group["bandwidth_hz"] / 1000,
            group["level_db"],
            s=8,
            alpha=0.5,
            lw=0,
            color=color,
            label=kind,
        )
    axes.set(xlabel="bandwidth (kHz; 99.5 % of the energy lies below)", ylabel="level (dBFS, RMS)")
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), markerscale=2)
    return figure


def waveforms_and_features(rows: dict[str, tuple[np.ndarray, np.ndarray]]) -> Figure:
    """A row each: waveform and features beside it, named.

    Args:
        rows: name -> (waveform ``[samples]``, features ``[coefficient, frame]``).
    """
    figure, grid = plt.subplots(
        len(rows), 2, figsize=(WIDTH, 1.35 * len(rows) + 0.5), squeeze=False, sharex="col"
    )
    for (left, right), (name, (waveform, features)) in zip(grid, rows.items(), strict=True):
        left.plot(np.arange(len(waveform)) / 16, waveform, color="C0", lw=0.4)
        left.set_title(name, loc="left")
        left.set_ylabel("amplitude")
        # The zeroth coefficient is the level and would leave no colour for the others.
        shown = features[1:]
        limit = np.percentile(np.abs(shown), 99)
        image = right.imshow(
            shown,
            aspect="auto",
            origin="lower",
            vmin=-limit,
            vmax=limit,
            extent=(0, 640, 1, len(features)),
        )
        right.grid(False)
        right.set_ylabel("coefficient")
        figure.colorbar(image, ax=right, label="MFCC")
    grid[-1, 0].set_xlabel("time (ms)")
    grid[-1, 1].set_xlabel("time (ms)")
    return figure
