"""One seed, from settings to a run folder; stopped at any moment, it goes on to the same bytes."""

import json
import random
import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from tqdm.auto import tqdm

from atomicvad import provenance
from atomicvad.config import Settings
from atomicvad.data.manifest import read_split
from atomicvad.data.pipeline import TrainingBatches, WindowSet, build_features
from atomicvad.evaluation.metrics import binary_metrics
from atomicvad.files import replacing
from atomicvad.layers.pooled_convolution import convolve_and_pool
from atomicvad.model import build_model, build_network, save_model

VALIDATION_METRICS = ("auroc", "accuracy", "f1", "f2")


def configure(settings: Settings, seed: int) -> None:
    """Seeds of Python, NumPy and TensorFlow; precision; GPU memory that grows as needed."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    tf.random.set_seed(seed)
    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    mixed = settings.training.mixed_precision
    use_half = bool(gpus) if mixed == "auto" else mixed
    keras.mixed_precision.set_global_policy("mixed_float16" if use_half else "float32")


def learning_rate(
    settings: Settings, steps: int
) -> keras.optimizers.schedules.LearningRateSchedule:
    """Cosine decay with restarts over ``steps`` optimiser steps."""
    training = settings.training
    return keras.optimizers.schedules.CosineDecayRestarts(
        training.learning_rate,
        first_decay_steps=max(1, round(training.first_decay * steps)),
        t_mul=training.decay_multiplier,
        m_mul=training.restart_scale,
    )


def new_network(settings: Settings, seed: int) -> keras.Model:
    """The profile's network with the initial weights of ``seed``."""
    return build_network(
        activation_name=settings.model.activation,
        normalization=settings.model.normalization,
        dropout=settings.model.dropout,
        seed=seed,
        l1=settings.model.l1,
        l2=settings.model.l2,
    )


class Trainer:
    """The network of one seed, its optimiser, and one step of training.

    On a CPU in float32 the first convolution and its pooling are computed together, with the
    gradient of ``layers.pooled_convolution``; the numbers are those of the plain layers.
    """

    def __init__(self, settings: Settings, seed: int, steps: int):
        self.network = new_network(settings, seed)
        self.variables = self.network.trainable_variables
        self.schedule = learning_rate(settings, steps)
        self.optimizer = keras.optimizers.AdamW(
            self.schedule,
            weight_decay=settings.training.weight_decay,
            global_clipnorm=settings.training.clip_norm,
        )
        self.optimizer.build(self.variables)
        self.loss = keras.losses.BinaryFocalCrossentropy(gamma=settings.training.focal_gamma)
        gpu = bool(tf.config.list_physical_devices("GPU"))
        half = keras.mixed_precision.global_policy().name != "float32"
        xla = settings.training.xla
        xla = gpu if xla == "auto" else xla
        forward = self.network if gpu or half or xla else self._split_forward()
        self.step = tf.function(self._step(forward), jit_compile=xla)
        self.predict = tf.function(lambda features: self.network(features, training=False)[:, 1])

    def _split_forward(self) -> Callable:
        first = self.network.get_layer("b1_conv")
        pool = self.network.get_layer("b1_pool")
        rest = keras.Model(pool.output, self.network.output)

        def forward(features, training):
            pooled = convolve_and_pool(features, first.kernel, first.bias, pool.pool_size[0])
            return rest(pooled, training=training)

        return forward

    def _step(self, forward: Callable) -> Callable:
        def step(features, targets):
            with tf.GradientTape() as tape:
                loss = self.loss(targets, forward(features, training=True))
                loss = tf.add_n([loss, *self.network.losses])
            gradients = tape.gradient(loss, self.variables)
            self.optimizer.apply_gradients(zip(gradients, self.variables, strict=True))
            return loss

        return step

    def state(self) -> dict[str, np.ndarray]:
        """All that the next step depends on, by name."""
        named = {f"network/{n}": v for n, v in enumerate(self.network.variables)}
        named |= {f"optimizer/{n}": v for n, v in enumerate(self.optimizer.variables)}
        return {name: variable.numpy() for name, variable in named.items()}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        for n, variable in enumerate(self.network.variables):
            variable.assign(state[f"network/{n}"])
        for n, variable in enumerate(self.optimizer.variables):
            variable.assign(state[f"optimizer/{n}"])


def validation_batches(settings: Settings, windows: WindowSet) -> list[tuple]:
    """Validation windows under the same augmentation as training, drawn once for all seeds."""
    batches = TrainingBatches(windows, settings, seed=0, masks=False)
    return [(features, targets) for features, targets in batches.epoch(0)]


def validate(trainer: Trainer, batches: list[tuple], settings: Settings) -> dict[str, float]:
    """Loss and metrics of the speech column on the validation batches."""
    scores = np.concatenate([trainer.predict(features).numpy() for features, _ in batches])
    targets = np.concatenate([targets.numpy() for _, targets in batches])
    both = np.stack([1 - scores, scores], axis=1)
    metrics = binary_metrics(targets[:, 1], scores, settings.evaluation.threshold)
    row = {"val_loss": float(trainer.loss(targets, both))}
    return row | {f"val_{name}": metrics[name] for name in VALIDATION_METRICS}


def choose_start(
    trainer: Trainer, settings: Settings, seed: int, batches: TrainingBatches, held_out: list[tuple]
) -> None:
    """Try several initial weights for a while; the best on validation goes on.

    Some initial weights lead a network of 298 parameters nowhere, and a few hundred steps show it.
    All starts hear the same batches.
    """
    fresh, best = trainer.state(), (-np.inf, {})
    for number in range(settings.training.starts):
        network = new_network(settings, seed + 1_000_000 * number)
        weights = {f"network/{n}": v.numpy() for n, v in enumerate(network.variables)}
        trainer.restore(fresh | weights)
        trial = batches.epoch(0).take(settings.training.trial_steps)
        for features, targets in tqdm(
            trial, desc=f"seed {seed}, start {number + 1}", mininterval=1
        ):
            trainer.step(features, targets)
        auroc = validate(trainer, held_out, settings)["val_auroc"]
        best = max(best, (auroc, trainer.state()), key=lambda pair: pair[0])
    trainer.restore(best[1])


class Checkpoint:
    """The state after the last finished epoch, in one file that appears whole or not at all."""

    def __init__(self, path: Path, fingerprint: str):
        self.path, self.fingerprint = path, fingerprint
        self.history: list[dict[str, float]] = []
        self.best: dict[str, np.ndarray] = {}

    def load(self, trainer: Trainer) -> None:
        """Take up where a run of the same fingerprint stopped, if there is one."""
        if not self.path.is_file():
            return
        with np.load(self.path, allow_pickle=False) as stored:
            content = dict(stored)
        if str(content.pop("fingerprint")) != self.fingerprint:
            return
        self.history = json.loads(str(content.pop("history")))
        self.best = {
            name.removeprefix("best/"): content.pop(name)
            for name in list(content)
            if name.startswith("best/")
        }
        trainer.restore(content)

    def save(self, trainer: Trainer) -> None:
        history = json.dumps(self.history)
        content = trainer.state() | {f"best/{name}": value for name, value in self.best.items()}
        with replacing(self.path) as path, open(path, "wb") as file:
            np.savez(file, fingerprint=self.fingerprint, history=history, **content)

    def waited(self, min_delta: float) -> int:
        """Epochs since validation AUROC last rose by more than ``min_delta``."""
        best, since = -np.inf, 0
        for row in self.history:
            since += 1
            if row["val_auroc"] > best + min_delta:
                best, since = row["val_auroc"], 0
        return since


def fit(settings: Settings, seed: int, store, folder: Path) -> tuple[keras.Model, pd.DataFrame]:
    """Train one seed; resume where an earlier attempt in ``folder`` was stopped.

    Returns:
        The network with the weights of the epoch of the best validation AUROC, and the history.
    """
    configure(settings, seed)
    training, data = settings.training, settings.data_folder
    batches = TrainingBatches(
        WindowSet(read_split(data, "training", store), store, settings), settings, seed
    )
    held_out = validation_batches(
        settings, WindowSet(read_split(data, "validation", store), store, settings)
    )
    tried = training.trial_steps if training.starts > 1 else 0
    trainer = Trainer(settings, seed, batches.steps * training.epochs + tried)
    checkpoint = Checkpoint(folder / "checkpoint.npz", provenance.run_fingerprint(settings, seed))
    checkpoint.load(trainer)
    if training.starts > 1 and not checkpoint.history:
        choose_start(trainer, settings, seed, batches, held_out)
    writer = (
        tf.summary.create_file_writer(str(folder / "tensorboard")) if training.tensorboard else None
    )
    first = len(checkpoint.history)
    with tqdm(
        total=training.epochs * batches.steps,
        initial=first * batches.steps,
        desc=f"seed {seed}",
        unit="step",
        mininterval=1,
    ) as progress:
        for epoch in range(first, training.epochs):
            started = time.perf_counter()
            loss = 0.0
            for features, targets in batches.epoch(epoch):
                loss += trainer.step(features, targets)
                progress.update()
            seconds = time.perf_counter() - started
            row = {
                "epoch": epoch + 1,
                "loss": float(loss) / batches.steps,
                "learning_rate": float(trainer.schedule(trainer.optimizer.iterations - 1)),
            }
            row |= validate(trainer, held_out, settings)
            row["seconds"] = round(seconds, 2)
            row["windows_per_second"] = round(batches.steps * training.batch_size / seconds)
            if row["val_auroc"] > max((r["val_auroc"] for r in checkpoint.history), default=-1):
                checkpoint.best = {
                    str(n): variable.numpy() for n, variable in enumerate(trainer.variables)
                }
            checkpoint.history.append(row)
            checkpoint.save(trainer)
            progress.set_postfix(epoch=epoch + 1, val_auroc=f"{row['val_auroc']:.4f}")
            if writer:
                with writer.as_default(step=epoch + 1):
                    for name, value in row.items():
                        tf.summary.scalar(name, value)
            if checkpoint.waited(training.min_delta) >= training.patience:
                break
    for n, variable in enumerate(trainer.variables):
        variable.assign(checkpoint.best[str(n)])
    return trainer.network, pd.DataFrame(checkpoint.history)


def train(settings: Settings, seed: int, store, folder: Path) -> tuple[keras.Model, pd.DataFrame]:
    """Train one seed and write ``model.keras`` and ``history.csv`` into ``folder``."""
    network, history = fit(settings, seed, store, folder)
    model = build_model(network, build_features(settings), settings.window_samples)
    save_model(model, folder / "model.keras")
    with replacing(folder / "history.csv") as path:
        history.to_csv(path, index=False)
    return model, history
