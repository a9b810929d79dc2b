"""A run folder: one seed trained, scored and recorded; ``metrics.csv`` comes last."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
from filelock import FileLock, Timeout

from atomicvad import provenance
from atomicvad.config import Settings
from atomicvad.data import SCENES, dataset_of, prepare
from atomicvad.errors import AtomicVADError
from atomicvad.evaluation.metrics import metrics_table
from atomicvad.evaluation.protocols import PROTOCOLS, model_score, read_labels, score_segments
from atomicvad.files import RUN_FILES, remove_unfinished, replacing
from atomicvad.progress import FILE, tell_progress


def score_scenes(model, settings: Settings) -> dict[str, pd.DataFrame]:
    """Window scores of the test scenes, by protocol."""
    folder = settings.data_folder / SCENES["testing"]
    labels = read_labels(folder / "labels.csv")
    score = model_score(model)
    return {name: score_segments(score, folder, labels, settings, name) for name in PROTOCOLS}


def scene_metrics(windows: dict[str, pd.DataFrame], settings: Settings, **ids) -> pd.DataFrame:
    """Metrics on the test scenes, long and tidy."""
    labels = read_labels(settings.data_folder / SCENES["testing"] / "labels.csv")
    return metrics_table(labels, windows, settings, dataset=dataset_of(settings), **ids)


def copy_labels(settings: Settings) -> None:
    """The scenes' labels beside the results: figures need no audio then."""
    labels = settings.data_folder / SCENES["testing"] / "labels.csv"
    with replacing(settings.results_folder / "scenes.csv") as path:
        path.write_bytes(labels.read_bytes())


def save_scores(windows: dict[str, pd.DataFrame], path: Path) -> None:
    """Window scores as a compressed ``.npz``: ``<protocol>/segment`` and the other columns."""
    arrays = {
        f"{protocol}/{column}": table[column].to_numpy()
        for protocol, table in windows.items()
        for column in ("segment", "window_start", "probability")
    }
    for name, array in arrays.items():
        if name.endswith("/segment"):
            arrays[name] = array.astype(np.int32)
    with replacing(path) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file, **arrays)


def load_scores(path: Path) -> dict[str, pd.DataFrame]:
    """What ``save_scores`` wrote."""
    with np.load(path, allow_pickle=False) as stored:
        return {
            protocol: pd.DataFrame(
                {
                    column: stored[f"{protocol}/{column}"]
                    for column in ("segment", "window_start", "probability")
                }
            )
            for protocol in PROTOCOLS
        }


@contextmanager
def holding(folder: Path) -> Iterator[None]:
    """Hold a run folder, so that no other process is at work in it.

    Raises:
        AtomicVADError: another process holds it. (The system frees the lock of one that died.)
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise AtomicVADError(f"{folder}: another process is at work on this seed") from None
    try:
        yield
    finally:
        lock.release()


def run_seed(settings: Settings, seed: int) -> pd.DataFrame:
    """Train and score one seed, unless that is done; return its metrics.

    Writes ``RUN_FILES`` into the run folder, then the stamp that says what they were made from.

    Raises:
        AtomicVADError: another process holds the run folder.
    """
    folder = settings.run_folder(seed)
    with holding(folder):
        if not provenance.is_done(settings, seed):
            _run(settings, seed, folder)
    return pd.read_csv(folder / "metrics.csv")


def missing_seeds(settings: Settings) -> list[int]:
    """Seeds of a profile that have no table yet."""
    return [s for s in settings.seeds if not (settings.run_folder(s) / "metrics.csv").is_file()]


def _run(settings: Settings, seed: int, folder: Path) -> None:
    from atomicvad.training import train

    (folder / ".stamp").unlink(missing_ok=True)
    (folder / "metrics.csv").unlink(missing_ok=True)
    for name in (*RUN_FILES, "checkpoint.npz", FILE):
        remove_unfinished(folder / name)
    store = prepare(settings)
    started = time.perf_counter()
    model, _ = train(settings, seed, store, folder)
    trained = time.perf_counter()
    finished = len(settings.training.trials) + settings.training.epochs
    tell_progress(settings, seed, folder, finished, "is scored on the scenes")
    windows = score_scenes(model, settings)
    copy_labels(settings)
    save_scores(windows, folder / "scores.npz")
    metrics = scene_metrics(windows, settings, seed=seed, variant="atomicvad")
    seconds = {"training": trained - started, "evaluation": time.perf_counter() - trained}
    with replacing(folder / "run.json") as path:
        path.write_text(json.dumps(provenance.run_record(settings, seed, seconds), indent=1) + "\n")
    with replacing(folder / "metrics.csv") as path:
        metrics.to_csv(path, index=False)
    provenance.write_stamp(folder / ".stamp", provenance.run_fingerprint(settings, seed))
    for name in ("checkpoint.npz", FILE):
        (folder / name).unlink(missing_ok=True)
