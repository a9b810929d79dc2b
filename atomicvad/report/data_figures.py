"""The figures of recordings and features, from tables and arrays."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from atomicvad.audio.signal import SAMPLE_RATE
from atomicvad.report.spectrograms import (
    BEFORE,
    draw_coefficients,
    draw_spectrogram,
    draw_waveform,
    loudest,
    mel_decibels,
)
from atomicvad.report.style import KIND_COLORS, WIDTH

DETAIL = 400  # samples of a detail: 25 ms


def corpus_minutes(recordings: pd.DataFrame) -> Figure:
    """Minutes of every source, by split and kind."""
    table = recordings.assign(minutes=recordings["samples"] / SAMPLE_RATE / 60)
    splits = ("training", "validation", "testing")
    counts = [
        len(table[table["split"] == split][["kind", "source"]].drop_duplicates())
        for split in splits
    ]
    figure, panels = plt.subplots(
        3, 1, figsize=(WIDTH, 1.2 + 0.18 * sum(counts)), height_ratios=counts, sharex=True
    )
    for axes, split in zip(panels, splits, strict=True):
        minutes = table[table["split"] == split].groupby(["kind", "source"])["minutes"].sum()
        minutes = minutes.sort_index(ascending=[True, False])
        # Dots: on a logarithmic axis a bar's length means nothing.
        rows = range(len(minutes))
        axes.scatter(minutes, rows, s=22, color=[KIND_COLORS[kind] for kind, _ in minutes.index])
        axes.set_yticks(rows, [source for _, source in minutes.index])
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
    """A row each: waveform, mel spectrogram and MFCC side by side, named.

    Args:
        rows: name -> (waveform at 16 kHz, ``[samples]``, features ``[coefficient, frame]``).
    """
    figure, grid = plt.subplots(
        len(rows), 3, figsize=(WIDTH, 1.35 * len(rows) + 0.5), squeeze=False, sharex="col"
    )
    spectrograms = [mel_decibels(waveform) for waveform, _ in rows.values()]
    top = loudest(spectrograms)
    for panels, decibels, (name, (waveform, features)) in zip(
        grid, spectrograms, rows.items(), strict=True
    ):
        draw_waveform(panels[0], waveform)
        panels[0].set_title(name, loc="left", parse_math=False)
        colours = draw_spectrogram(panels[1], decibels, top)
        figure.colorbar(colours, ax=panels[1], label="dB")
        figure.colorbar(draw_coefficients(panels[2], features), ax=panels[2], label="MFCC")
    for axes in grid[-1]:
        axes.set_xlabel("time (s)")
    return figure


def waveform_changes(waveforms: dict[str, np.ndarray]) -> Figure:
    """A row each: waveform, a detail of it, and mel spectrogram; over the first one, in grey.

    Args:
        waveforms: by name, 16 kHz, ``[samples]`` each.
    """
    before = next(iter(waveforms.values()))
    levels = np.convolve(np.square(before), np.ones(DETAIL), "valid")
    start = int(np.argmax(levels))
    figure, grid = plt.subplots(
        len(waveforms), 3, figsize=(WIDTH, 1.35 * len(waveforms) + 0.5), squeeze=False, sharex="col"
    )
    spectrograms = [mel_decibels(waveform) for waveform in waveforms.values()]
    top = loudest(spectrograms)
    for panels, decibels, (name, waveform) in zip(
        grid, spectrograms, waveforms.items(), strict=True
    ):
        draw_waveform(panels[0], waveform, before)
        panels[0].set_title(name, loc="left", parse_math=False)
        times = np.arange(start, start + DETAIL) / SAMPLE_RATE * 1000
        panels[1].plot(times, before[start : start + DETAIL], color=BEFORE, lw=1.2)
        panels[1].plot(times, waveform[start : start + DETAIL], color="C0", lw=0.9)
        panels[1].set(ylabel="amplitude", xlim=(times[0], times[-1]))
        figure.colorbar(draw_spectrogram(panels[2], decibels, top), ax=panels[2], label="dB")
    for axes, label in zip(grid[-1], ("time (s)", "time (ms)", "time (s)"), strict=True):
        axes.set_xlabel(label)
    most = 1.05 * max(float(np.max(np.abs(waveform))) for waveform in waveforms.values())
    for axes in grid[:, :2].flat:
        axes.set_ylim(-most, most)
    return figure


def masked_features(features: dict[str, np.ndarray]) -> Figure:
    """MFCC side by side, named; what is masked is black.

    Args:
        features: by name, ``[coefficient, frame]``; of masked arrays, what is hidden.
    """
    figure, panels = plt.subplots(
        1, len(features), figsize=(WIDTH, 2.3), squeeze=False, sharex=True, sharey=True
    )
    for axes, (name, shown) in zip(panels[0], features.items(), strict=True):
        image = draw_coefficients(axes, shown)
        axes.set(title=name, xlabel="time (s)")
    figure.colorbar(image, ax=panels, label="MFCC")
    return figure
