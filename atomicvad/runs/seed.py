"""One seed trained and scored: each stage unless it is current, in its run folder.

To score anew never trains, and to compute metrics anew never scores.
"""

import json
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import pandas as pd

from atomicvad.config import Settings
from atomicvad.data.prepare import dataset_of, prepare
from atomicvad.data.store import AudioStore
from atomicvad.evaluation.items import recorded_clips
from atomicvad.evaluation.seed_table import seed_metrics
from atomicvad.files import replacing
from atomicvad.runs.folder import RunFolder, run_folders
from atomicvad.runs.progress import tell_progress
from atomicvad.runs.record import run_record
from atomicvad.runs.state import (
    has_scores,
    is_scored,
    is_trained,
    mark_current,
    metrics_fingerprint,
    scores_fingerprint,
    weights_fingerprint,
)
from atomicvad.scoring.models import score_models, scores_of_model, seed_models
from atomicvad.scoring.scores import load_scores, record_clips, save_scores
from atomicvad.scoring.testing_split import evaluate_testing_split
from atomicvad.training.loop import train


def run_seed(settings: Settings, seed: int) -> pd.DataFrame:
    """Train and score one seed, each unless that is done; return its metrics.

    Raises:
        AtomicVADError: another process holds the run folder.
    """
    train_seed(settings, seed)
    score_seeds(settings, [seed])
    return pd.read_csv(RunFolder(settings, seed).metrics)


def train_seed(settings: Settings, seed: int) -> Path:
    """Train one seed, unless that is done; return its run folder.

    Raises:
        AtomicVADError: another process holds the run folder.
    """
    folder, store = RunFolder(settings, seed), prepare(settings)
    with folder.held():
        if not is_trained(settings, seed):
            _train(settings, seed, folder, store)
    return folder.path


def _train(settings: Settings, seed: int, folder: RunFolder, store: AudioStore) -> None:
    folder.begin("weights")
    made_from, started = weights_fingerprint(settings, seed), time.perf_counter()

    def report(done: int, text: str, seconds: float) -> None:
        tell_progress(settings, seed, done, text, seconds)

    train(settings, seed, store, folder.path, made_from, report)
    seconds = {"training": time.perf_counter() - started}
    with replacing(folder.record) as path:
        path.write_text(json.dumps(run_record(settings, seed, seconds), indent=1) + "\n")
    mark_current(folder, "weights", made_from)
    folder.clear_unfinished()


def score_seeds(settings: Settings, seeds: Sequence[int]) -> list[int]:
    """Score the weights of ``seeds`` together, and write tables, where needed; return which.

    Raises:
        AtomicVADError: a seed has no weights, or another process holds its folder.
    """
    if all(is_scored(settings, seed) for seed in seeds):
        return []
    store = prepare(settings)
    stale = [seed for seed in seeds if not is_scored(settings, seed)]
    with ExitStack() as stack:
        folders = run_folders(settings, stale)
        for folder in folders.values():
            stack.enter_context(folder.held())
        digests = record_clips(settings)
        unscored = [seed for seed in stale if not has_scores(settings, seed)]
        _write_scores(settings, unscored, digests, store)
        for seed, folder in folders.items():
            _write_metrics(settings, seed, folder)
    return stale


def _write_scores(
    settings: Settings, seeds: list[int], digests: dict[str, str], store: AudioStore
) -> None:
    if not seeds:
        return
    folders = run_folders(settings, seeds)
    for folder in folders.values():
        folder.begin("scores")
    models = seed_models(settings, list(folders))
    sets, tables = score_models(models, settings), evaluate_testing_split(models, settings, store)
    for number, folder in enumerate(folders.values()):
        with replacing(folder.testing) as path:
            tables[number].to_csv(path, index=False)
        save_scores(scores_of_model(sets, number), digests, folder.scores)
        mark_current(folder, "scores", scores_fingerprint(settings, folder.weights))


def _write_metrics(settings: Settings, seed: int, folder: RunFolder) -> None:
    folder.begin("metrics")
    scores = load_scores(folder.scores, settings)["testing"]
    metrics = seed_metrics(
        recorded_clips(settings),
        scores,
        "atomicvad",
        settings,
        seed=seed,
        variant="atomicvad",
        dataset=dataset_of(settings),
    )
    with replacing(folder.metrics) as path:
        metrics.to_csv(path, index=False)
    mark_current(folder, "metrics", metrics_fingerprint(settings, folder))
