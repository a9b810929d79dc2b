"""Training of one seed; resumed after any interruption, it gives the same bytes."""

import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from tqdm.auto import tqdm

from atomicvad.config import Settings
from atomicvad.data.manifest import read_split
from atomicvad.data.store import AudioStore
from atomicvad.files import CHECKPOINT, HISTORY, WEIGHTS
from atomicvad.model import build_features, build_model, save_model
from atomicvad.training.batches import TrainingBatches, WindowSet
from atomicvad.training.checkpoint import Checkpoint
from atomicvad.training.trainer import Trainer, configure
from atomicvad.training.validation import EpochMetrics, validate, validation_batches

# Called after every round of trials and every epoch, with the number of those done, a message, and
# the seconds that the last one took (0: not measured).
Report = Callable[[int, str, float], None]


def write_history(path: Path, rows: list[dict[str, float]], new: bool) -> None:
    """Write ``rows``, or add them; in place, so that ``tail -f`` can follow the file."""
    pd.DataFrame(rows).to_csv(path, mode="w" if new else "a", header=new, index=False)


def choose_start(
    trainer: Trainer,
    settings: Settings,
    seed: int,
    batches: TrainingBatches,
    checkpoint: Checkpoint,
    report: Report,
) -> None:
    """Train several initial weights by successive halving; keep the best start in ``trainer``.

    The result of a network of 298 parameters depends on its initial weights. Its training loss
    predicts it poorly after one epoch, better after two, and well after three (open profile, rank
    correlations of ten starts with their loss after five epochs, for two seeds: 0.45 and 0.05, 0.65
    and 0.58, 0.67 and 0.95), so that a cut after one epoch would lose good starts. All starts see
    the same batches, of epochs that training itself does not reach, and are compared by their mean
    loss in the second half of a round. (Successive halving: Jamieson and Talwalkar 2016, arXiv
    1502.07943.)
    """
    training = settings.training
    rounds = range(checkpoint.rounds, len(training.trials))
    stream = batches.epochs(training.epochs + number for number in rounds)
    for number in rounds:
        losses, starts, started = [], training.trials[number], time.perf_counter()
        for features, targets in tqdm(
            islice(stream, batches.steps),
            total=batches.steps,
            desc=f"seed {seed}, {starts} starts",
            unit="step",
            mininterval=1,
        ):
            losses.append(trainer.step(features, targets)[0])
        late = np.mean(losses[len(losses) // 2 :], axis=0)
        kept = (*training.trials, 1)[number + 1]
        if kept < starts:
            trainer.keep(np.argsort(late, kind="stable")[:kept])
        checkpoint.rounds = number + 1
        checkpoint.save(trainer)
        text = f"tried {starts} initial weights: losses {late.min():.4f} to {late.max():.4f}"
        text += f", the best {kept} go on" if kept < starts else ", all go on"
        report(number + 1, text, time.perf_counter() - started)


def fit(
    settings: Settings, seed: int, store: AudioStore, folder: Path, made_from: str, report: Report
) -> tuple[keras.Model, pd.DataFrame]:
    """Train one seed, or resume it from a checkpoint in ``folder``.

    Args:
        made_from: fingerprint of settings, data and code; other checkpoints are ignored.
        report: called after every round of trials and every epoch.

    Returns:
        The network with the weights of the epoch with the best validation AUROC, and the history
        with one row per epoch.
    """
    configure(settings, seed)
    training, data = settings.training, settings.data_folder
    batches = TrainingBatches(
        WindowSet(read_split(data, "training", store), store, settings), settings, seed
    )
    held_out = validation_batches(
        settings, WindowSet(read_split(data, "validation", store), store, settings)
    )
    steps = batches.steps * (training.epochs + len(training.trials))
    trainer = Trainer(settings, seed, steps, *training.trials[:1])
    checkpoint = Checkpoint(folder / CHECKPOINT, made_from)
    checkpoint.load(trainer)
    first = len(checkpoint.history)
    done = len(training.trials) + first if first else checkpoint.rounds
    report(done, "resumes" if done else "begins", 0)
    history = folder / HISTORY
    if first:
        write_history(history, checkpoint.history, new=True)
    else:
        choose_start(trainer, settings, seed, batches, checkpoint, report)
    writer = (
        tf.summary.create_file_writer(str(folder / "tensorboard")) if training.tensorboard else None
    )
    fresh = training.fresh_augmentation
    stream = batches.epochs(epoch if fresh else 0 for epoch in range(first, training.epochs))
    with tqdm(
        total=training.epochs * batches.steps,
        initial=first * batches.steps,
        desc=f"seed {seed}",
        unit="step",
        mininterval=1,
    ) as progress:
        for epoch in range(first, training.epochs):
            if checkpoint.waited(training.min_delta) >= training.patience:
                break
            started, metrics = time.perf_counter(), EpochMetrics()
            for features, targets in islice(stream, batches.steps):
                metrics.add(trainer.step(features, targets), targets)
                progress.update()
            seconds = time.perf_counter() - started
            rate = float(trainer.starts[0].optimizer.learning_rate)
            row = {"epoch": epoch + 1, "learning_rate": rate}
            row |= metrics.row() | validate(trainer, held_out)
            row["seconds"] = round(seconds, 2)
            row["windows_per_second"] = round(batches.steps * training.batch_size / seconds)
            if row["val_auroc"] > max((r["val_auroc"] for r in checkpoint.history), default=-1):
                checkpoint.best = trainer.state("0/network")
            checkpoint.history.append(row)
            checkpoint.save(trainer)
            write_history(history, [row], new=epoch == 0)
            progress.set_postfix(epoch=epoch + 1, val_auroc=f"{row['val_auroc']:.4f}")
            text = (
                f"epoch {epoch + 1} of {training.epochs}, loss {row['loss']:.4f}, "
                f"validation AUROC {row['val_auroc']:.4f}, {row['windows_per_second']} windows/s"
            )
            done = len(training.trials) + epoch + 1
            report(done, text, time.perf_counter() - started)
            if writer:
                with writer.as_default(step=epoch + 1):
                    for name, value in row.items():
                        tf.summary.scalar(name, value)
    trainer.restore(checkpoint.best)
    return trainer.trained_network(), pd.DataFrame(checkpoint.history)


def train(
    settings: Settings, seed: int, store: AudioStore, folder: Path, made_from: str, report: Report
) -> tuple[keras.Model, pd.DataFrame]:
    """Train one seed as ``fit`` does, write its weights beside the history; return both."""
    network, history = fit(settings, seed, store, folder, made_from, report)
    model = build_model(network, build_features(settings), settings.window_samples)
    save_model(model, folder / WEIGHTS)
    return model, history
