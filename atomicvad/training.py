"""One seed, from settings to a run folder; stopped at any moment, it goes on to the same bytes."""

import json
import random
import sys
import time
from collections.abc import Iterable
from itertools import islice
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


class Start:
    """A network in training: its weights in one vector, and the optimiser of that.

    So the optimiser is a few operations instead of hundreds.
    """

    def __init__(self, settings: Settings, seed: int):
        self.network = new_network(settings, seed)
        self.weights = keras.Variable(flat_weights(self.network), name="weights")
        self.others = self.network.non_trainable_variables
        self.optimizer = keras.optimizers.AdamW(
            settings.training.learning_rate,
            weight_decay=settings.training.weight_decay,
            global_clipnorm=settings.training.clip_norm,
        )
        if keras.mixed_precision.global_policy().name != "float32":
            self.optimizer = keras.optimizers.LossScaleOptimizer(self.optimizer)
        self.optimizer.build([self.weights])

    def variables(self) -> dict[str, keras.Variable]:
        """All that the next step depends on, by name."""
        named = {"network/weights": self.weights}
        named |= {f"network/{n}": variable for n, variable in enumerate(self.others)}
        return named | {f"optimizer/{n}": v for n, v in enumerate(self.optimizer.variables)}


class Trainer:
    """The starts of one seed, and one step of training, which they take together.

    MFCC reach hundreds, and a bias of the first layer cannot keep pace with its kernel: the vector
    of weights holds that kernel as for features scaled by ``feature_scale``. The network is the
    same. On a CPU in float32 the paper's network runs in ``layers.compiled_network``; the numbers
    are those of the plain layers.
    """

    def __init__(self, settings: Settings, seed: int, steps: int, starts: int = 1):
        training = settings.training
        self.schedule = learning_rate(settings, steps)
        self.starts = [Start(settings, seed + 1_000_000 * number) for number in range(starts)]
        self.network = self.starts[0].network
        variables = self.network.trainable_variables
        ends = np.cumsum([np.prod(variable.shape, dtype=int) for variable in variables])
        self.scales = np.ones(ends[-1], np.float32)
        self.scales[: ends[0]] = training.feature_scale
        places = zip(variables, [0, *ends[:-1]], ends, strict=True)
        self.regularized = [(v.regularizer, slice(*ends)) for v, *ends in places if v.regularizer]
        self.loss = keras.losses.BinaryFocalCrossentropy(gamma=training.focal_gamma)
        half = keras.mixed_precision.global_policy().name != "float32"
        self.xla = has_gpu() if training.xla == "auto" else training.xla
        plain = has_gpu() or half or self.xla or not is_supported(self.network)
        self.forward = self._plain_call if plain else compiled_call(self.network)
        self.keep(range(len(self.starts)))

    def keep(self, numbers: Iterable[int]) -> None:
        """Go on with some of the starts."""
        self.starts = [self.starts[number] for number in numbers]
        self.step = tf.function(self._step, jit_compile=self.xla, autograph=False)
        self.predict = tf.function(self._predict, autograph=False)

    def _vectors(self) -> tf.Tensor:
        return tf.stack([tf.convert_to_tensor(start.weights) for start in self.starts])

    def _plain_call(self, weights, others, features, training):
        results = [
            self.network.stateless_call(
                split_weights(self.network, vector), values, features, training=training
            )
            for vector, values in zip(tf.unstack(weights), others, strict=True)
        ]
        return tuple(zip(*results, strict=True))

    def _penalty(self, weights):
        """Of the regularisers of one network, each a sum over its weights."""
        return sum(penalty(weights[part]) for penalty, part in self.regularized)

    def _step(self, features, targets):
        """Train on one batch; the loss of each start."""
        with tf.GradientTape() as tape:
            vectors = self._vectors()
            tape.watch(vectors)
            weights = vectors * self.scales
            others = [start.others for start in self.starts]
            predictions, changed = self.forward(weights, others, features, training=True)
            losses = [
                self.loss(targets, values) + self._penalty(vector)
                for values, vector in zip(predictions, tf.unstack(weights), strict=True)
            ]
            scaled = tf.add_n(
                [
                    start.optimizer.scale_loss(loss)
                    for start, loss in zip(self.starts, losses, strict=True)
                ]
            )
        gradients = tf.unstack(tape.gradient(scaled, vectors))
        # Once for all: they have taken as many steps.
        rate = self.schedule(self.starts[0].optimizer.iterations)
        for start, gradient, values in zip(self.starts, gradients, changed, strict=True):
            start.optimizer.learning_rate.assign(rate)
            start.optimizer.apply_gradients([(gradient, start.weights)])
            for variable, value in zip(start.others, values, strict=True):
                variable.assign(value)
        return tf.stack(losses)

    def _predict(self, features):
        """Probabilities of speech, ``[starts, n]``."""
        others = [start.others for start in self.starts]
        predictions, _ = self.forward(
            self._vectors() * self.scales, others, features, training=False
        )
        return tf.stack(predictions)[..., 1]

    def variables(self) -> dict[str, keras.Variable]:
        """All that the next step depends on, by name."""
        return {
            f"{number}/{name}": variable
            for number, start in enumerate(self.starts)
            for name, variable in start.variables().items()
        }

    def state(self, part: str = "") -> dict[str, np.ndarray]:
        """Values of all variables, or of those whose name begins with ``part``."""
        named = self.variables().items()
        return {name: value.numpy() for name, value in named if name.startswith(part)}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        variables = self.variables()
        for name, value in state.items():
            variables[name].assign(value)

    def trained_network(self) -> keras.Model:
        """The seed's network with the weights of the first start.

        Not that start's own network: a run that was stopped does not know any more which it was.
        """
        start = self.starts[0]
        weights = split_weights(self.network, start.weights * self.scales)
        for variable, value in zip(self.network.trainable_variables, weights, strict=True):
            variable.assign(value)
        for variable, value in zip(self.network.non_trainable_variables, start.others, strict=True):
            variable.assign(value)
        return self.network


def validation_batches(settings: Settings, windows: WindowSet) -> list[tuple]:
    """Validation windows under the same augmentation as training, drawn once for all seeds."""
    batches = TrainingBatches(windows, settings, seed=0, masks=False)
    return list(batches.epoch(0))


def validate(trainer: Trainer, batches: list[tuple], settings: Settings) -> dict[str, float]:
    """Loss and metrics of the speech column on the validation batches."""
    scores = np.concatenate([trainer.predict(features)[0].numpy() for features, _ in batches])
    targets = np.concatenate([targets for _, targets in batches])
    both = np.stack([1 - scores, scores], axis=1)
    metrics = binary_metrics(targets[:, 1], scores, settings.evaluation.threshold)
    row = {"val_loss": float(trainer.loss(targets, both))}
    return row | {f"val_{name}": metrics[name] for name in VALIDATION_METRICS}


class Checkpoint:
    """The state after the last finished epoch, in one file that appears whole or not at all.

    Attributes:
        rounds: of ``choose_start`` that are done.
        history: a row for every finished epoch.
        best: the network of the best validation AUROC.
    """

    def __init__(self, path: Path, fingerprint: str):
        self.path, self.fingerprint = path, fingerprint
        self.rounds = 0
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
        self.rounds = int(content.pop("rounds"))
        self.history = json.loads(str(content.pop("history")))
        best = [name for name in content if name.startswith("best/")]
        self.best = {name.removeprefix("best/"): content.pop(name) for name in best}
        trainer.keep(range(len({name.split("/")[0] for name in content})))
        trainer.restore(content)

    def save(self, trainer: Trainer) -> None:
        content = trainer.state() | {f"best/{name}": value for name, value in self.best.items()}
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
    open profile, rank correlations with the loss of ten starts after five epochs, of two seeds:
    0.45 and 0.05, 0.65 and 0.58, 0.67 and 0.95), so that a cut after one would cost good ones. All
    starts hear the same batches, of epochs that training itself does not reach; what counts is the
    mean loss over the second half of a round. (Successive halving: Jamieson and Talwalkar 2016,
    arXiv 1502.07943.)
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
            losses.append(trainer.step(features, targets))
        late = np.mean(losses[len(losses) // 2 :], axis=0)
        kept = (*training.trials, 1)[number + 1]
        if kept < starts:
            trainer.keep(np.argsort(late, kind="stable")[:kept])
        checkpoint.rounds = number + 1
        checkpoint.save(trainer)
        text = f"{starts} starts tried, losses {' '.join(f'{loss:.4f}' for loss in late)}"
        seconds = time.perf_counter() - started
        tell_progress(settings, seed, checkpoint.path.parent, number + 1, text, seconds)


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
    steps = batches.steps * (training.epochs + len(training.trials))
    trainer = Trainer(settings, seed, steps, *training.trials[:1])
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
    stream = batches.epochs(range(first, training.epochs))
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
            for features, targets in islice(stream, batches.steps):
                loss += trainer.step(features, targets)[0]
                progress.update()
            seconds = time.perf_counter() - started
            row = {
                "epoch": epoch + 1,
                "loss": float(loss) / batches.steps,
                "learning_rate": float(trainer.starts[0].optimizer.learning_rate),
            }
            row |= validate(trainer, held_out, settings)
            row["seconds"] = round(seconds, 2)
            row["windows_per_second"] = round(batches.steps * training.batch_size / seconds)
            if row["val_auroc"] > max((r["val_auroc"] for r in checkpoint.history), default=-1):
                checkpoint.best = trainer.state("0/network")
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
