"""One seed, from settings to a run folder; stopped at any moment, it goes on to the same bytes."""

import json
import random
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from tqdm.auto import tqdm

from atomicvad import provenance
from atomicvad.config import Mode, Settings
from atomicvad.data.manifest import read_split
from atomicvad.data.pipeline import TrainingBatches, WindowSet, build_features
from atomicvad.errors import AtomicVADError
from atomicvad.evaluation.metrics import binary_metrics
from atomicvad.files import replacing
from atomicvad.layers.compiled_network import compiled_call, is_supported
from atomicvad.model import build_model, build_network, flat_weights, save_model, split_weights
from atomicvad.progress import tell_progress

VALIDATION_METRICS = ("auroc", "accuracy", "f1", "f2")


def configure(settings: Settings, seed: int) -> None:
    """Seeds of Python, NumPy and TensorFlow; determinism, a GPU's memory, precision, threads.

    Raises:
        AtomicVADError: memory growth is forced, and the GPU is in use already.
    """
    random.seed(seed)
    np.random.seed(seed % 2**32)
    tf.random.set_seed(seed)
    if settings.training.deterministic:
        tf.config.experimental.enable_op_determinism()
    grow_memory(settings.training.memory_growth)
    mixed = settings.training.mixed_precision
    use_half = has_gpu() if mixed == "auto" else mixed
    keras.mixed_precision.set_global_policy("mixed_float16" if use_half else "float32")
    # The thread that prepares batches may not keep Python's lock from the step for long.
    sys.setswitchinterval(1e-4)


def grow_memory(mode: Mode) -> None:
    """Let every GPU take memory as it is needed (``auto``: where that can still be said)."""
    for gpu in tf.config.list_physical_devices("GPU"):
        try:
            tf.config.experimental.set_memory_growth(gpu, bool(mode))
        except RuntimeError as error:
            if mode != "auto":
                raise AtomicVADError(f"training.memory_growth: {gpu.name}: {error}") from None


def has_gpu() -> bool:
    return bool(tf.config.list_physical_devices("GPU"))


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
    shape = build_features(settings).compute_output_shape((None, settings.window_samples))
    return build_network(
        shape[1:],
        activation_name=settings.model.activation,
        normalization=settings.model.normalization,
        dropout=settings.model.dropout,
        seed=seed,
        l1=settings.model.l1,
        l2=settings.model.l2,
    )


def new_model(settings: Settings, seed: int = 0) -> keras.Model:
    """The profile's detector, from waveforms to probabilities, with fresh weights."""
    network = new_network(settings, seed)
    return build_model(network, build_features(settings), settings.window_samples)


class Trainer:
    """The network of one seed, its optimiser, and one step of training.

    All weights lie in one vector, so that the optimiser is a few operations instead of hundreds.
    MFCC reach hundreds, and a bias of the first layer cannot keep pace with its kernel: the vector
    holds that kernel as for features scaled by ``feature_scale``. The network is the same.
    On a CPU in float32 the paper's network runs in ``layers.compiled_network``; the numbers are
    those of the plain layers. ``step`` trains on one batch; ``step_from`` does so from a state and
    gives back the next one, so that many starts share a trainer.
    """

    def __init__(self, settings: Settings, seed: int, steps: int):
        self.network = new_network(settings, seed)
        self.weights = keras.Variable(flat_weights(self.network), name="weights")
        self.scales = np.ones(self.weights.shape, np.float32)
        first = np.prod(self.network.trainable_variables[0].shape)
        self.scales[:first] = settings.training.feature_scale
        self.schedule = learning_rate(settings, steps)
        self.optimizer = keras.optimizers.AdamW(
            self.schedule,
            weight_decay=settings.training.weight_decay,
            global_clipnorm=settings.training.clip_norm,
        )
        half = keras.mixed_precision.global_policy().name != "float32"
        if half:
            self.optimizer = keras.optimizers.LossScaleOptimizer(self.optimizer)
        self.optimizer.build([self.weights])
        self.loss = keras.losses.BinaryFocalCrossentropy(gamma=settings.training.focal_gamma)
        xla = settings.training.xla
        xla = has_gpu() if xla == "auto" else xla
        plain = has_gpu() or half or xla or not is_supported(self.network)
        self.forward = self._plain_call if plain else compiled_call(self.network)
        self.step = tf.function(self._step, jit_compile=xla)
        self.step_from = tf.function(self._step_from, jit_compile=xla)
        self.predict = tf.function(self._predict)

    def _plain_call(self, weights, *inputs, **options):
        return self.network.stateless_call(split_weights(self.network, weights), *inputs, **options)

    def _step(self, features, targets):
        others = self.network.non_trainable_variables
        with tf.GradientTape() as tape:
            vector = tf.convert_to_tensor(self.weights)
            tape.watch(vector)
            predictions, changed, penalties = self.forward(
                vector * self.scales, others, features, training=True, return_losses=True
            )
            loss = tf.add_n([self.loss(targets, predictions), *penalties])
            scaled = self.optimizer.scale_loss(loss)
        gradient = tape.gradient(scaled, vector)
        self.optimizer.apply_gradients([(gradient, self.weights)])
        for variable, value in zip(others, changed, strict=True):
            variable.assign(value)
        return loss

    def _step_from(self, state, features, targets):
        self.restore(state)
        return self._step(features, targets), self.state()

    def _predict(self, features):
        weights = tf.convert_to_tensor(self.weights) * self.scales
        others = self.network.non_trainable_variables
        return self.forward(weights, others, features, training=False)[0][:, 1]

    def variables(self) -> dict[str, keras.Variable]:
        """All that the next step depends on, by name."""
        named = {"network/weights": self.weights}
        named |= {f"network/{n}": v for n, v in enumerate(self.network.non_trainable_variables)}
        return named | {f"optimizer/{n}": v for n, v in enumerate(self.optimizer.variables)}

    def state(self, part: str = "") -> dict[str, tf.Tensor]:
        """Values of all variables, or of those whose name begins with ``part``."""
        named = self.variables().items()
        return {name: tf.identity(value) for name, value in named if name.startswith(part)}

    def restore(self, state: dict[str, tf.Tensor | np.ndarray]) -> None:
        variables = self.variables()
        for name, value in state.items():
            variables[name].value.assign(value)

    def trained_network(self) -> keras.Model:
        """The network with the weights of the vector."""
        weights = split_weights(self.network, tf.convert_to_tensor(self.weights) * self.scales)
        for variable, value in zip(self.network.trainable_variables, weights, strict=True):
            variable.assign(value)
        return self.network


def validation_batches(settings: Settings, windows: WindowSet) -> list[tuple]:
    """Validation windows under the same augmentation as training, drawn once for all seeds."""
    batches = TrainingBatches(windows, settings, seed=0, masks=False)
    return list(batches.epoch(0))


def validate(trainer: Trainer, batches: list[tuple], settings: Settings) -> dict[str, float]:
    """Loss and metrics of the speech column on the validation batches."""
    scores = np.concatenate([trainer.predict(features).numpy() for features, _ in batches])
    targets = np.concatenate([targets for _, targets in batches])
    both = np.stack([1 - scores, scores], axis=1)
    metrics = binary_metrics(targets[:, 1], scores, settings.evaluation.threshold)
    row = {"val_loss": float(trainer.loss(targets, both))}
    return row | {f"val_{name}": metrics[name] for name in VALIDATION_METRICS}


class Checkpoint:
    """The state after the last finished epoch, in one file that appears whole or not at all.

    Attributes:
        rounds, field: rounds of ``choose_start`` done, and the states of the starts left.
        history: a row for every finished epoch.
        best: the network of the best validation AUROC.
    """

    def __init__(self, path: Path, fingerprint: str):
        self.path, self.fingerprint = path, fingerprint
        self.rounds, self.field = 0, []
        self.history: list[dict[str, float]] = []
        self.best: dict[str, tf.Tensor | np.ndarray] = {}

    def load(self, trainer: Trainer) -> None:
        """Take up where a run of the same fingerprint stopped, if there is one."""
        if not self.path.is_file():
            return
        with np.load(self.path, allow_pickle=False) as stored:
            content = dict(stored)
        if str(content.pop("fingerprint")) != self.fingerprint:
            return
        self.rounds = int(content.pop("rounds"))
        self.history = json.loads(str(content.pop("history")))
        self.best = _taken(content, "best/")
        while state := _taken(content, f"field/{len(self.field)}/"):
            self.field.append(state)
        trainer.restore(content)

    def save(self, trainer: Trainer) -> None:
        content = trainer.state() | {f"best/{name}": value for name, value in self.best.items()}
        for number, state in enumerate(self.field):
            content |= {f"field/{number}/{name}": value for name, value in state.items()}
        facts = {"fingerprint": self.fingerprint, "rounds": self.rounds}
        facts["history"] = json.dumps(self.history)
        with replacing(self.path) as path, open(path, "wb") as file:
            np.savez(file, **facts, **content)

    def waited(self, min_delta: float) -> int:
        """Epochs since validation AUROC last rose by more than ``min_delta``."""
        best, since = -np.inf, 0
        for row in self.history:
            since += 1
            if row["val_auroc"] > best + min_delta:
                best, since = row["val_auroc"], 0
        return since


def _taken(content: dict, prefix: str) -> dict[str, np.ndarray]:
    """The entries of ``content`` under ``prefix``, taken out of it."""
    names = [name for name in content if name.startswith(prefix)]
    return {name.removeprefix(prefix): content.pop(name) for name in names}


def choose_start(
    trainer: Trainer,
    settings: Settings,
    seed: int,
    batches: TrainingBatches,
    checkpoint: Checkpoint,
) -> None:
    """Train many initial weights side by side, halving the field; leave the best in ``trainer``.

    A network of 298 parameters ends where its initial weights lead it. Its training loss says early
    how good that will be: little after one epoch, much after two, most of it after three (in the
    open profile, rank correlations with the loss of ten starts after five epochs, twice: 0.02 and
    0.5, 0.75 and 0.7, 0.96 and 0.93). All starts hear the same batches, of epochs that training
    itself does not reach; what counts is the mean loss over the second half of a round. (Successive
    halving: Jamieson and Talwalkar 2016, arXiv 1502.07943.)
    """
    training, states = settings.training, checkpoint.field
    if not states:
        for number in range(training.trials[0] if training.trials else 1):
            weights = flat_weights(new_network(settings, seed + 1_000_000 * number))
            states.append(trainer.state() | {"network/weights": weights})
    for number in range(checkpoint.rounds, len(training.trials)):
        losses, starts, started = [], training.trials[number], time.perf_counter()
        for features, targets in tqdm(
            batches.epoch(training.epochs + number),
            total=batches.steps,
            desc=f"seed {seed}, {starts} starts",
            unit="step",
            mininterval=1,
        ):
            features, targets = tf.constant(features), tf.constant(targets)  # once for all starts
            losses.append([])
            for index, state in enumerate(states):
                loss, states[index] = trainer.step_from(state, features, targets)
                losses[-1].append(float(loss))
        late = np.mean(losses[len(losses) // 2 :], axis=0)
        kept = (*training.trials, 1)[number + 1]
        states = [states[index] for index in np.argsort(late, kind="stable")[:kept]]
        checkpoint.rounds, checkpoint.field = number + 1, states
        checkpoint.save(trainer)
        text = f"{starts} starts tried, losses {' '.join(f'{loss:.4f}' for loss in late)}"
        seconds = time.perf_counter() - started
        tell_progress(settings, seed, checkpoint.path.parent, number + 1, text, seconds)
    trainer.restore(states[0])
    checkpoint.field = []


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
    trainer = Trainer(settings, seed, batches.steps * (training.epochs + len(training.trials)))
    checkpoint = Checkpoint(folder / "checkpoint.npz", provenance.run_fingerprint(settings, seed))
    checkpoint.load(trainer)
    first = len(checkpoint.history)
    done = len(training.trials) + first if first else checkpoint.rounds
    tell_progress(settings, seed, folder, done, "goes on" if done else "begins")
    if not first:
        choose_start(trainer, settings, seed, batches, checkpoint)
    writer = (
        tf.summary.create_file_writer(str(folder / "tensorboard")) if training.tensorboard else None
    )
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
                checkpoint.best = trainer.state("network")
            checkpoint.history.append(row)
            checkpoint.save(trainer)
            progress.set_postfix(epoch=epoch + 1, val_auroc=f"{row['val_auroc']:.4f}")
            text = (
                f"epoch {epoch + 1} of {training.epochs}, loss {row['loss']:.4f}, "
                f"validation AUROC {row['val_auroc']:.4f}, {row['windows_per_second']} windows/s"
            )
            done = len(training.trials) + epoch + 1
            tell_progress(settings, seed, folder, done, text, time.perf_counter() - started)
            if writer:
                with writer.as_default(step=epoch + 1):
                    for name, value in row.items():
                        tf.summary.scalar(name, value)
    trainer.restore(checkpoint.best)
    return trainer.trained_network(), pd.DataFrame(checkpoint.history)


def train(settings: Settings, seed: int, store, folder: Path) -> tuple[keras.Model, pd.DataFrame]:
    """Train one seed and write ``model.keras`` and ``history.csv`` into ``folder``."""
    network, history = fit(settings, seed, store, folder)
    model = build_model(network, build_features(settings), settings.window_samples)
    save_model(model, folder / "model.keras")
    with replacing(folder / "history.csv") as path:
        history.to_csv(path, index=False)
    return model, history
