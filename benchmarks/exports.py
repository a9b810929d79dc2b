"""Exports against our own scoring, and what 8 bits cost: ``python -m benchmarks.exports``.

On windows of the testing split, for the reference's seeds and the released checkpoints where they
are: ``results/exports.csv``, ``results/int8_costs.csv``, ``figures/open/int8_costs`` and the tables
in REPRODUCING.md. About 5 minutes on two cores.
"""

from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import onnxruntime
import pandas as pd
from scipy.special import expit
from tqdm import tqdm

from atomicvad.config import Settings, load_profile
from atomicvad.device.export.models import exportable_model
from atomicvad.device.export.onnx import MODEL as ONNX_MODEL
from atomicvad.device.export.onnx import onnx_model
from atomicvad.device.export.tflite import MODEL as TFLITE_MODEL
from atomicvad.device.export.tflite import NETWORK, run_tflite, tflite_model, tflite_network
from atomicvad.device.int8 import int8_costs, split_windows
from atomicvad.files import WEIGHTS
from atomicvad.report.device_figures import int8_figure
from atomicvad.report.style import save
from atomicvad.scoring.logits import logit_score
from atomicvad.scoring.released_checkpoints import released_checkpoints
from benchmarks.published import publish

WINDOWS = 2000


def outputs(model: keras.Model, windows: np.ndarray) -> Iterator[tuple[str, int, np.ndarray]]:
    """Each file of an export: its name, its bytes, its probabilities of speech of ``windows``."""
    content = onnx_model(model).SerializeToString(deterministic=True)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    yield ONNX_MODEL, len(content), session.run(["probabilities"], {"waveform": windows})[0][:, 1]
    content = tflite_model(model)
    yield TFLITE_MODEL, len(content), run_tflite(content, windows)
    content, features = tflite_network(model), model.layers[1]
    yield (
        NETWORK,
        len(content),
        run_tflite(content, (features(w[None])[0].numpy() for w in windows)),
    )


def agreement(settings: Settings) -> pd.DataFrame:
    """Bytes, changed decisions and the largest difference of probabilities, by model and file."""
    paths: list[Path] = [settings.run_folder(seed) / WEIGHTS for seed in settings.seeds]
    windows, _ = split_windows(settings, "testing", WINDOWS)
    rows = []
    for path in tqdm([*paths, *released_checkpoints()], desc="exports", unit="model"):
        model = exportable_model(path)
        ours = expit(logit_score(model)(windows)[:, 0])
        name = path.parent.name if path.name == WEIGHTS else path.stem
        for file, size, probabilities in outputs(model, windows):
            flips = int(((probabilities >= 0.5) != (ours >= 0.5)).sum())
            largest = float(np.abs(probabilities - ours).max())
            rows.append((name, file, size, len(windows), flips, 1e6 * largest))
    columns = ("model", "file", "bytes", "windows", "flips", "largest_difference_1e-6")
    return pd.DataFrame(rows, columns=columns)


def agreement_table(table: pd.DataFrame) -> str:
    """The table in REPRODUCING.md: the worst model of each file."""
    lines = [
        "| file | bytes | models | changed decisions | largest difference of a probability |",
        "|---|---|---|---|---|",
    ]
    for file, rows in table.groupby("file", sort=False):
        largest = rows["largest_difference_1e-6"].max()
        lines.append(
            f"| `{file}` | {rows['bytes'].max():,} | {len(rows)} | {rows['flips'].sum()} of "
            f"{rows['windows'].sum():,} | {largest:.0f}e-6 |"
        )
    return "\n".join(lines)


def int8_table(table: pd.DataFrame) -> str:
    """The table in REPRODUCING.md: mean and range over seeds."""
    lines = [
        "| on 8 bits | changed decisions (mean; least, most) | AUROC of windows | in float32 |",
        "|---|---|---|---|",
    ]
    for name, rows in table.groupby("quantised", sort=False):
        share, auroc = 100 * rows["share"], rows["auroc"]
        lines.append(
            f"| {name} | {share.mean():.1f} % ({share.min():.1f}, {share.max():.1f}) | "
            f"{auroc.mean():.3f} ({auroc.min():.3f}, {auroc.max():.3f}) | "
            f"{rows['auroc_float'].mean():.3f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure both, write the tables and the figure."""
    settings = load_profile("open").reference
    table = agreement(settings)
    publish(table, "exports", agreement_table(table))
    costs = int8_costs(settings, settings.seeds)
    publish(costs, "int8_costs", int8_table(costs))
    save(int8_figure(costs), settings.figures_folder, "int8_costs")


if __name__ == "__main__":
    main()
