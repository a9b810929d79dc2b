"""The figures: one function each, from tidy tables and arrays to a matplotlib ``Figure``."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.metrics import roc_curve

from atomicvad.config import Settings
from atomicvad.evaluation.tables import PAPER
from atomicvad.files import project_root, replacing

plt.style.use(Path(__file__).with_suffix("").with_name("atomicvad.mplstyle"))

CONDITIONS = {"all": "C6", "clean": "C0", "noise": "C1", "music": "C2"}
KINDS = {"speech": "C0", "noise": "C1", "music": "C2"}
SEGMENTS = {"background": "0.75", "clean": "C0", "noise": "C1", "music": "C2"}
WIDTH = 6.6  # inches: the text width of a page


def save(figure: Figure, folder: Path, name: str) -> Path:
    """Write ``name.pdf`` and ``name.png`` without dates; return the PNG's path."""
    for suffix, metadata in ((".pdf", {"CreationDate": None}), (".png", {"Software": None})):
        with replacing(folder / f"{name}{suffix}") as path:
            figure.savefig(path, format=suffix[1:], metadata=metadata)
    return folder / f"{name}.png"


def _band(axes, table: pd.DataFrame, column: str, color: str) -> None:
    """Mean over seeds, their range, and each seed thinly."""
    wide = table.pivot(index="epoch", columns="seed", values=column)
    axes.fill_between(wide.index, wide.min(axis=1), wide.max(axis=1), color=color, alpha=0.2, lw=0)
    axes.plot(wide.index, wide, color=color, lw=0.5, alpha=0.5)
    axes.plot(wide.index, wide.mean(axis=1), color=color)


def training_curves(history: pd.DataFrame) -> Figure:
    """Loss, validation AUROC and learning rate at an epoch's end; mean and range over seeds."""
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(WIDTH, 2.3))
    _band(left, history, "loss", "C0")
    _band(left, history, "val_loss", "C1")
    for y, (text, color) in enumerate((("training", "C0"), ("validation", "C1"))):
        left.text(0.95, 0.92 - 0.1 * y, text, color=color, transform=left.transAxes, ha="right")
    _band(middle, history, "val_auroc", "C1")
    rate = history.groupby("epoch")["learning_rate"].mean()
    right.plot(rate.index, rate, color="C6")
    right.ticklabel_format(axis="y", scilimits=(0, 0))
    for axes, name in (
        (left, "focal loss"),
        (middle, "validation AUROC"),
        (right, "learning rate"),
    ):
        axes.set(xlabel="epoch", ylabel=name)
        axes.xaxis.get_major_locator().set_params(integer=True)
    return figure


def roc_by_condition(scores: dict[int, pd.Series], labels: pd.DataFrame) -> Figure:
    """ROC by condition: mean over seeds, and their range.

    Args:
        scores: by seed, a score a segment (index: rows of ``labels``).
        labels: ``condition`` and ``speech`` of every segment.
    """
    grid = np.linspace(0, 1, 401)
    figure, axes = plt.subplots(figsize=(3.4, 3.2))
    for condition, color in CONDITIONS.items():
        if condition != "all" and not (labels["condition"] == condition).any():
            continue  # not every test set has all of them
        curves = []
        for of_seed in scores.values():
            table = labels.loc[of_seed.index]
            chosen = np.ones(len(table), bool)
            if condition != "all":
                chosen = (~table["speech"] | (table["condition"] == condition)).to_numpy()
            false, true, _ = roc_curve(table["speech"][chosen], of_seed[chosen])
            curves.append(np.interp(grid, false, true))
        style = "--" if condition == "all" else "-"
        axes.fill_between(grid, np.min(curves, 0), np.max(curves, 0), color=color, alpha=0.15, lw=0)
        axes.plot(grid, np.mean(curves, 0), style, color=color, label=condition)
    axes.axvline(0.315, color="0.5", lw=0.8, ls=":")
    axes.annotate("FPR 0.315", (0.33, 0.05), fontsize=8, color="0.35")
    axes.set(
        xlabel="false-positive rate", ylabel="true-positive rate", xlim=(0, 1), ylim=(0, 1.005)
    )
    axes.legend(title="speech segments", loc="lower right", bbox_to_anchor=(1, 0.1))
    return figure


def auroc_by_seed(metrics: pd.DataFrame, summary: pd.DataFrame, protocol="swi-median") -> Figure:
    """AUROC of every seed by condition, with mean and 95 % interval; released ones beside."""
    keys = ["protocol", "metric"]
    metrics = metrics[(metrics[keys] == [protocol, "auroc"]).all(axis=1)]
    summary = summary[(summary[keys] == [protocol, "auroc"]).all(axis=1)]
    figure, axes = plt.subplots(figsize=(WIDTH, 2.8))
    looks = {
        "atomicvad": ("C0", -0.15, "o", "this companion"),
        "released": ("C1", 0.15, "s", "released"),
    }
    for variant, (color, offset, marker, name) in looks.items():
        for place, condition in enumerate(CONDITIONS):
            mask = (metrics["variant"] == variant) & (metrics["condition"] == condition)
            values = metrics["value"][mask]
            if values.empty:
                continue
            row = summary[
                (summary["variant"] == variant) & (summary["condition"] == condition)
            ].iloc[0]
            spread = np.linspace(-0.06, 0.06, len(values)) if len(values) > 1 else np.zeros(1)
            label = f"{name} ({len(values)})" if place == 0 else None
            axes.plot(
                place + offset + spread, values, marker, ms=3, color=color, alpha=0.6, label=label
            )
            bars = [[row["mean"] - row["low"]], [row["high"] - row["mean"]]]
            axes.errorbar(
                place + offset + 0.13, row["mean"], bars, fmt="_", color=color, ms=7, capsize=3
            )
    axes.axhline(
        PAPER["auroc"],
        color="0.5",
        lw=0.8,
        ls=":",
        label="the paper, AVA-Speech\n(another test set)",
    )
    axes.set_xticks(range(len(CONDITIONS)), CONDITIONS)
    dataset = metrics["dataset"].iloc[0]
    axes.set(xlabel="speech segments (against all without speech)", ylabel=f"AUROC, SWI, {dataset}")
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def timeline(
    waveform: np.ndarray,
    segments: pd.DataFrame,
    scores: pd.DataFrame,
    start: float,
    seconds: float = 40.0,
    sample_rate: int = 16000,
) -> Figure:
    """A stretch of a clip: waveform, labels, and the window scores of all seeds.

    Args:
        waveform: of the stretch, beginning at ``start`` (s, in the labels' time).
        segments: ``start, end, condition``; scores: ``segment, window_start,
            probability, seed``.
    """
    figure, (top, bottom) = plt.subplots(
        2, 1, sharex=True, figsize=(WIDTH, 3.2), height_ratios=(1, 1.6)
    )
    time = start + np.arange(len(waveform)) / sample_rate
    top.plot(time[::16], waveform[::16], color="0.3", lw=0.3, rasterized=True)
    top.set(ylabel="amplitude")
    top.grid(False)
    for row in segments.itertuples():
        if row.end > start and row.start < start + seconds:
            top.axvspan(row.start, row.end, color=SEGMENTS[row.condition], alpha=0.35, lw=0)
            bottom.axvspan(row.start, row.end, color=SEGMENTS[row.condition], alpha=0.15, lw=0)
    # No window reaches over two segments, so no line does.
    for _, of_segment in scores.groupby("segment"):
        spread = of_segment.groupby("window_start")["probability"].agg(["min", "mean", "max"])
        centre = spread.index + 0.315
        bottom.fill_between(centre, spread["min"], spread["max"], color="C6", alpha=0.3, lw=0)
        bottom.plot(centre, spread["mean"], color="C6", marker=".", ms=2, lw=1)
    bottom.axhline(0.5, color="0.4", lw=0.8, ls=":")
    bottom.set(xlabel="time (s)", ylabel="P(speech)", xlim=(start, start + seconds), ylim=(0, 1))
    handles = [plt.Rectangle((0, 0), 1, 1, color=c, alpha=0.35) for c in SEGMENTS.values()]
    names = ["no speech", "clean speech", "speech in noise", "speech in music"]
    figure.legend(handles, names, loc="outside upper center", ncols=4)
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


def corpus_minutes(recordings: pd.DataFrame) -> Figure:
    """Minutes of every source, by split and kind."""
    table = recordings.assign(minutes=recordings["samples"] / 16000 / 60)
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
        axes.scatter(minutes, names, s=22, color=[KINDS[kind] for kind, _ in minutes.index])
        axes.set_title(split)
        axes.set_ylim(-0.6, len(minutes) - 0.4)
    panels[-1].set(xlabel="minutes", xscale="log")
    panels[-1].xaxis.set_major_formatter("{x:g}")
    handles = [plt.Rectangle((0, 0), 1, 1, color=color) for color in KINDS.values()]
    figure.legend(handles, list(KINDS), loc="outside upper right", ncols=3)
    return figure


def levels_and_bandwidth(table: pd.DataFrame) -> Figure:
    """Level against bandwidth, a dot a recording.

    Args:
        table: ``kind``, ``level_db`` (dBFS, RMS), ``bandwidth_hz`` (99.5 % of the energy below).
    """
    figure, axes = plt.subplots(figsize=(WIDTH * 0.75, 3))
    for kind, color in KINDS.items():
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


def draw_results(settings: Settings) -> list[Path]:
    """Every figure of the results, from the files in ``results/<profile>/`` alone."""
    from atomicvad import results, system_figures

    folder = project_root() / "figures" / settings.profile
    metrics = pd.read_csv(settings.results_folder / "metrics.csv")
    summary = pd.read_csv(settings.results_folder / "summary.csv")
    labels = results.scene_labels(settings)
    drawn = {
        "training_curves": training_curves(results.histories(settings)),
        "roc_by_condition": roc_by_condition(results.segment_scores(settings), labels),
        "auroc_by_seed": auroc_by_seed(metrics, summary),
    }
    stretch = results.scene_stretch(settings, seconds=40)
    if len(stretch["waveform"]):  # without audio the committed one stays
        drawn["timeline"] = timeline(**stretch)
    systems = results.read_systems(settings)
    drawn["auroc_by_system"] = system_figures.auroc_by_system(systems)
    drawn["reliability"] = system_figures.reliability(results.reliability_curves(settings))
    drawn["latencies"] = system_figures.latencies(systems)
    if (atlas := settings.results_folder / "atlas.csv").is_file():
        drawn["atlas"] = system_figures.atlas_map(pd.read_csv(atlas))
    if settings.model.activation == "ggcu":
        drawn["activation_curves"] = activation_curves(results.activation_weights(settings))
    paths = [save(figure, folder, name) for name, figure in drawn.items()]
    for figure in drawn.values():
        plt.close(figure)
    return paths
