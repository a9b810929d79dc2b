"""From run folders to tables: all seeds together, with their spread."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import bootstrap

from atomicvad.config import Settings
from atomicvad.errors import AtomicVADError
from atomicvad.files import project_root, replacing

KEYS = ["variant", "dataset", "protocol", "condition", "metric"]
# What the paper prints for AVA-Speech (another test set), from its abstract.
PAPER = {"auroc": 0.903, "f2": 0.891}
TABLE_START, TABLE_END = "<!-- table:start -->", "<!-- table:end -->"


def _seed_table(settings: Settings, name: str, **options) -> pd.DataFrame:
    """One CSV of every seed, with a column ``seed``.

    Raises:
        AtomicVADError: names the seeds that have no such file.
    """
    paths = {seed: settings.run_folder(seed) / name for seed in settings.seeds}
    missing = [str(seed) for seed, path in paths.items() if not path.is_file()]
    if missing:
        raise AtomicVADError(
            f"{settings.results_folder}: no {name} of seed {', '.join(missing)}; "
            f"make train PROFILE={settings.profile} SEED={missing[0]}"
        )
    tables = [pd.read_csv(path, **options).assign(seed=seed) for seed, path in paths.items()]
    return pd.concat(tables, ignore_index=True)


def histories(settings: Settings) -> pd.DataFrame:
    """The training histories of all seeds."""
    return _seed_table(settings, "history.csv")


def released_metrics(settings: Settings) -> pd.DataFrame:
    """Metrics of the released checkpoints on the same scenes; empty where there are none.

    They are computed where ``$ATOMICVAD_PUBLISHED`` names the checkpoints' folder and the scenes
    are there, and otherwise read from the table that such a computation left.
    """
    path = settings.results_folder / "released.csv"
    folder = os.environ.get("ATOMICVAD_PUBLISHED")
    if folder and (settings.data_folder / ".prepared").is_file():
        table = _score_released(settings, Path(folder))
        with replacing(path) as temporary:
            table.to_csv(temporary, index=False)
    return pd.read_csv(path) if path.is_file() else pd.DataFrame()


def _score_released(settings: Settings, folder: Path) -> pd.DataFrame:
    from atomicvad.model import load_model
    from atomicvad.run import scene_metrics, score_scenes

    tables = []
    for number, path in enumerate(sorted(folder.glob("*.keras"))):
        windows = score_scenes(load_model(path), settings)
        tables.append(scene_metrics(windows, settings, seed=number, variant="released"))
    if not tables:
        raise AtomicVADError(f"ATOMICVAD_PUBLISHED: {folder}: no .keras files in it")
    return pd.concat(tables, ignore_index=True)


def window_scores(settings: Settings, protocol: str = "swi") -> dict[int, pd.DataFrame]:
    """Window scores of every seed: ``segment``, ``window_start``, ``probability``."""
    from atomicvad.run import load_scores

    return {
        seed: load_scores(settings.run_folder(seed) / "scores.npz")[protocol]
        for seed in settings.seeds
    }


def segment_scores(settings: Settings, protocol: str = "swi") -> dict[int, pd.Series]:
    """A score a segment (the median of its windows'), by seed."""
    from atomicvad.evaluation import metrics

    tables = window_scores(settings, protocol)
    return {seed: metrics.segment_scores(table, "median") for seed, table in tables.items()}


def scene_labels(settings: Settings) -> pd.DataFrame:
    """The test scenes' labels: a copy lies beside the results, so that no audio is needed."""
    from atomicvad.evaluation.protocols import read_labels

    return read_labels(settings.results_folder / "scenes.csv")


def activation_weights(settings: Settings) -> dict[int, dict[str, np.ndarray]]:
    """The four scalars (w1, w2, b1, b2) of both GGCUs, by seed."""
    from atomicvad.model import load_model
    from atomicvad.training import new_model

    found, model = {}, new_model(settings)
    for seed in settings.seeds:
        load_model(settings.run_folder(seed) / "model.keras", model)
        network = model.get_layer("network")
        found[seed] = {
            block: np.concatenate([weight.numpy() for weight in layer.weights])
            for block in ("b1", "b2")
            for layer in [network.get_layer(f"{block}_activation")]
        }
    return found


def interval(values: np.ndarray) -> tuple[float, float]:
    """95 % percentile bootstrap interval of the mean over seeds."""
    if len(values) < 2 or np.ptp(values) == 0:
        return float(np.mean(values)), float(np.mean(values))
    result = bootstrap(
        (values,), np.mean, n_resamples=10_000, method="percentile", rng=np.random.default_rng(0)
    )
    return float(result.confidence_interval.low), float(result.confidence_interval.high)


def summarise(metrics: pd.DataFrame) -> pd.DataFrame:
    """Mean, standard deviation (n - 1) and 95 % interval over seeds of every number."""
    rows = []
    for key, group in metrics.groupby(KEYS, sort=False):
        values = group["value"].to_numpy()
        low, high = interval(values)
        std = values.std(ddof=1) if len(values) > 1 else 0.0
        row = dict(zip(KEYS, key, strict=True))
        rows.append(
            row | {"mean": values.mean(), "std": std, "low": low, "high": high, "n": len(values)}
        )
    return pd.DataFrame(rows)


def all_metrics(settings: Settings) -> pd.DataFrame:
    """The table of every seed and released checkpoint, as collated."""
    return pd.read_csv(settings.results_folder / "metrics.csv")


def collate(settings: Settings) -> pd.DataFrame:
    """All seeds and the released checkpoints; writes ``metrics.csv`` and ``summary.csv``.

    Returns:
        The summary as it stands in the file, so that text made from either is the same.
    """
    metrics = pd.concat(
        [_seed_table(settings, "metrics.csv"), released_metrics(settings)], ignore_index=True
    )
    summary = summarise(metrics)
    for name, table in (("metrics.csv", metrics), ("summary.csv", summary)):
        with replacing(settings.results_folder / name) as path:
            table.to_csv(path, index=False, float_format="%.6f")
    return pd.read_csv(settings.results_folder / "summary.csv")


def headline(summary: pd.DataFrame, protocol: str = "swi-median") -> pd.DataFrame:
    """The main table: a row a condition and system, a column a metric, as text with spread."""
    chosen = summary[
        (summary["protocol"] == protocol) & summary["metric"].isin(["auroc", "f2", "tpr_at_fpr"])
    ]
    text = chosen.apply(
        lambda r: f"{r['mean']:.3f} ± {r['std']:.3f} [{r['low']:.3f}, {r['high']:.3f}]", axis=1
    )
    table = chosen.assign(text=text).pivot(
        index=["condition", "variant"], columns="metric", values="text"
    )
    order = [
        (condition, variant)
        for condition in ("all", "clean", "noise", "music")
        for variant in ("atomicvad", "released")
        if (condition, variant) in table.index
    ]
    return table.loc[order, ["auroc", "f2", "tpr_at_fpr"]]


def protocol_table(summary: pd.DataFrame) -> pd.DataFrame:
    """AUROC from scores and as the released code has it, by protocol and system."""
    chosen = summary[
        (summary["condition"] == "all") & summary["metric"].isin(["auroc", "auroc_hard"])
    ]
    text = chosen.apply(lambda row: f"{row['mean']:.3f} ± {row['std']:.3f}", axis=1)
    return chosen.assign(text=text).pivot(
        index="protocol", columns=["variant", "metric"], values="text"
    )


def scene_stretch(settings: Settings, seconds: float) -> dict:
    """The first ``seconds`` of the first scene: what ``figures.timeline`` draws."""
    from atomicvad.data import SCENES
    from atomicvad.data.audio import decode
    from atomicvad.data.scenes import CLIP_START
    from atomicvad.evaluation.protocols import find_clip

    labels = scene_labels(settings)
    clip = labels["video_id"].iloc[0]
    waveform = np.zeros(0, np.float32)
    folder = settings.data_folder / SCENES["testing"]
    if folder.is_dir():  # without audio the scores are drawn alone
        waveform = decode(find_clip(folder, clip))[: round(seconds * settings.sample_rate)]
    tables = [table.assign(seed=seed) for seed, table in window_scores(settings).items()]
    scores = pd.concat(tables)
    return {
        "waveform": waveform,
        "segments": labels[labels["video_id"] == clip],
        "scores": scores[scores["segment"].map(labels["video_id"]) == clip],
        "start": CLIP_START,
        "seconds": seconds,
    }


def markdown_table(summary: pd.DataFrame) -> str:
    """The README's table, with the paper's own figures in a row of their own."""
    names = {"atomicvad": "this companion", "released": "released checkpoints"}
    counts = summary.groupby("variant")["n"].first()
    lines = [
        "| scenes: speech segments | system | AUROC | F2 | TPR at FPR 0.315 |",
        "|---|---|---|---|---|",
    ]
    for (condition, variant), row in headline(summary).iterrows():
        system = f"{names[variant]} ({counts[variant]})"
        cells = " | ".join(row.fillna(""))
        lines.append(f"| {condition} | {system} | {cells} |")
    paper = f"{PAPER['auroc']:.3f} | {PAPER['f2']:.3f}"
    lines.append(f"| *AVA-Speech, another test set* | *the paper (primary source)* | {paper} | |")
    return "\n".join(lines)


def write_readme_table(summary: pd.DataFrame) -> None:
    """Put the table between its marks in README.md."""
    path = project_root() / "README.md"
    before, rest = path.read_text(encoding="utf-8").split(TABLE_START)
    after = rest.split(TABLE_END)[1]
    with replacing(path) as temporary:
        table = f"{TABLE_START}\n{markdown_table(summary)}\n{TABLE_END}"
        temporary.write_text(before + table + after, encoding="utf-8")
