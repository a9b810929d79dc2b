"""A run folder: one seed trained, and scored; each stage is done when its stamp says so.

Training leaves ``history.csv``, ``model.keras`` and ``run.json``; scoring leaves ``scores.npz``
and, last of all, ``metrics.csv``. To score anew never trains.
"""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pandas as pd
from filelock import FileLock, Timeout

from atomicvad import provenance
from atomicvad.config import Settings
from atomicvad.data import SCENES, dataset_of, prepare
from atomicvad.errors import AtomicVADError
from atomicvad.evaluation.judge import scene_judge, seed_metrics
from atomicvad.evaluation.protocols import score_set
from atomicvad.evaluation.scores import load_scores, record_scenes, save_scores
from atomicvad.files import RUN_FILES, remove_unfinished, replacing
from atomicvad.progress import FILE


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
        for name in (*RUN_FILES, "checkpoint.npz", FILE):  # of processes that were killed here
            remove_unfinished(folder / name)
        yield
    finally:
        lock.release()


def missing_seeds(settings: Settings) -> list[int]:
    """Seeds of a profile that have no table yet."""
    return [s for s in settings.seeds if not (settings.run_folder(s) / "metrics.csv").is_file()]


def require_seeds(settings: Settings) -> None:
    """Every seed of the profile has its table.

    Raises:
        AtomicVADError: names those that have none.
    """
    if missing := missing_seeds(settings):
        raise AtomicVADError(
            f"{settings.results_folder}: no table of seed {', '.join(map(str, missing))}; "
            f"make train PROFILE={settings.profile} SEED={missing[0]}"
        )


def run_seed(settings: Settings, seed: int) -> pd.DataFrame:
    """Train and score one seed, each unless that is done; return its metrics.

    Writes ``RUN_FILES`` into the run folder, and the stamps that say what they were made from.

    Raises:
        AtomicVADError: another process holds the run folder.
    """
    train_seed(settings, seed)
    score_seeds(settings, [seed])
    return pd.read_csv(settings.run_folder(seed) / "metrics.csv")


def train_seed(settings: Settings, seed: int) -> Path:
    """Train one seed, unless that is done; return its run folder.

    A table of scores that is there is of other weights, and is removed.

    Raises:
        AtomicVADError: another process holds the run folder.
    """
    folder = settings.run_folder(seed)
    with holding(folder):
        if not provenance.is_trained(settings, seed):
            _train(settings, seed, folder)
    return folder


def _train(settings: Settings, seed: int, folder: Path) -> None:
    from atomicvad.training import train

    for name in (".stamp", ".scores", "metrics.csv"):
        (folder / name).unlink(missing_ok=True)
    store = prepare(settings)
    started = time.perf_counter()
    train(settings, seed, store, folder)
    seconds = {"training": time.perf_counter() - started}
    with replacing(folder / "run.json") as path:
        path.write_text(json.dumps(provenance.run_record(settings, seed, seconds), indent=1) + "\n")
    provenance.write_stamp(folder / ".stamp", provenance.run_fingerprint(settings, seed))
    for name in ("checkpoint.npz", FILE):
        (folder / name).unlink(missing_ok=True)


def score_models(models: list, settings: Settings) -> dict:
    """Logits of several detectors on both sets of scenes; features are computed once for all."""
    from atomicvad.evaluation.scoring import logit_score

    score = logit_score(*models)
    folders = {split: settings.data_folder / name for split, name in SCENES.items()}
    return {split: score_set(score, folder, settings) for split, folder in folders.items()}


def member_scores(sets: dict, member: int) -> dict:
    """One member's columns of scores."""
    return {
        split: {key: v[:, member] if v.ndim == 2 else v for key, v in table.items()}
        for split, table in sets.items()
    }


def score_seeds(settings: Settings, seeds: list[int]) -> list[int]:
    """Score the weights of ``seeds`` together, those that need it; return these.

    Raises:
        AtomicVADError: a seed has no weights, or another process holds its folder.
    """
    stale = [seed for seed in seeds if not provenance.is_scored(settings, seed)]
    if not stale:
        return []
    from atomicvad.model import load_model
    from atomicvad.training import new_model

    prepare(settings)
    folders = [settings.run_folder(seed) for seed in stale]
    with ExitStack() as stack:
        for folder in folders:
            stack.enter_context(holding(folder))
            (folder / "metrics.csv").unlink(missing_ok=True)
        models = [load_model(path / "model.keras", new_model(settings)) for path in folders]
        digests, sets = record_scenes(settings), score_models(models, settings)
        judge = scene_judge(settings)
        for number, (seed, folder) in enumerate(zip(stale, folders, strict=True)):
            save_scores(member_scores(sets, number), digests, folder / "scores.npz")
            scores = load_scores(folder / "scores.npz", settings)["testing"]
            ids = {"seed": seed, "variant": "atomicvad", "dataset": dataset_of(settings)}
            metrics = seed_metrics(judge, scores, "atomicvad", settings, **ids)
            with replacing(folder / "metrics.csv") as path:
                metrics.to_csv(path, index=False)
            expected = provenance.scores_fingerprint(settings, folder / "model.keras")
            provenance.write_stamp(folder / ".scores", expected)
    return stale
