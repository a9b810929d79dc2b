"""The networks of a seed during training, and the training step that they take together."""

import random
import sys
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from atomicvad.config import Settings
from atomicvad.kernels.keras_call import compiled_call, is_supported
from atomicvad.model import flat_weights, new_network, split_weights
from atomicvad.parallel import choose_gpu, has_gpu
from atomicvad.training.loss import FocalLoss


def configure(settings: Settings, seed: int) -> None:
    """Seed Python, NumPy and TensorFlow; set determinism, GPU memory, precision and threads.

    Raises:
        AtomicVADError: a GPU that is not there, or settings of one that is already in use.
    """
    random.seed(seed)
    np.random.seed(seed % 2**32)
    tf.random.set_seed(seed)
    if settings.training.deterministic:
        tf.config.experimental.enable_op_determinism()
    choose_gpu(settings.training)
    mixed = settings.training.mixed_precision
    use_half = has_gpu() if mixed == "auto" else mixed
    keras.mixed_precision.set_global_policy("mixed_float16" if use_half else "float32")
    # So that the thread that prepares batches does not hold Python's lock for long.
    sys.setswitchinterval(1e-4)


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


class Start:
    """A network in training, started from its own initial weights.

    The weights are one vector, so that the optimiser is a few operations instead of hundreds.
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
    """The starts of one seed, trained together on the same batches.

    MFCC reach values of hundreds, for which the first layer's kernel would learn much faster than
    its bias. The vector of weights therefore holds that kernel divided by ``feature_scale``; the
    network computes the same. On a CPU in float32 the paper's network runs in
    ``kernels.keras_call``, with the values of the plain layers.

    Args:
        steps: of the whole training, for the learning rate's schedule.
        starts: number of initial weights.
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
        bounds = zip(variables, [0, *ends[:-1]], ends, strict=True)
        self.regularized = [
            (variable.regularizer, slice(start, end))
            for variable, start, end in bounds
            if variable.regularizer
        ]
        half = keras.mixed_precision.global_policy().name != "float32"
        self.xla = has_gpu() if training.xla == "auto" else training.xla
        plain = has_gpu() or half or self.xla or not is_supported(self.network)
        self.forward = self._plain_call if plain else compiled_call(self.network)
        kind = keras.losses.BinaryFocalCrossentropy if plain else FocalLoss
        self.loss = kind(apply_class_balancing=training.class_balancing, gamma=training.focal_gamma)
        self.keep(range(len(self.starts)))

    def keep(self, numbers: Iterable[int]) -> None:
        """Keep only the starts with these numbers."""
        self.starts = [self.starts[number] for number in numbers]
        self.step = tf.function(self._step, jit_compile=self.xla, autograph=False)
        self.evaluate = tf.function(self._evaluate, autograph=False)

    def _vectors(self) -> tf.Tensor:
        return tf.stack([tf.convert_to_tensor(start.weights) for start in self.starts])

    def _plain_call(
        self, weights: tf.Tensor, others: list[list], features: Any, training: bool
    ) -> tuple:
        """The same as ``compiled_call``, computed by Keras' layers."""
        results = [
            self.network.stateless_call(
                split_weights(self.network, vector), values, features, training=training
            )
            for vector, values in zip(tf.unstack(weights), others, strict=True)
        ]
        return tuple(zip(*results, strict=True))

    def _penalty(self, weights: tf.Tensor) -> tf.Tensor:
        """Sum of the regularisers of one network."""
        return sum(penalty(weights[part]) for penalty, part in self.regularized)

    def _losses(self, weights: tf.Tensor, predictions: Any, targets: Any) -> list[tf.Tensor]:
        """The loss of each start, with what its regularisers add."""
        return [
            self.loss(targets, values) + self._penalty(vector)
            for values, vector in zip(predictions, tf.unstack(weights), strict=True)
        ]

    def _step(self, features: Any, targets: Any) -> tuple[tf.Tensor, tf.Tensor]:
        """Train on one batch.

        Returns:
            The loss of each start, ``[starts]``, and the first one's probabilities of speech,
            ``[n]``, both before the step.
        """
        with tf.GradientTape() as tape:
            vectors = self._vectors()
            tape.watch(vectors)
            weights = vectors * self.scales
            others = [start.others for start in self.starts]
            predictions, changed = self.forward(weights, others, features, training=True)
            losses = self._losses(weights, predictions, targets)
            scaled = tf.add_n(
                [
                    start.optimizer.scale_loss(loss)
                    for start, loss in zip(self.starts, losses, strict=True)
                ]
            )
        gradients = tf.unstack(tape.gradient(scaled, vectors))
        # One rate for all starts: they have taken the same number of steps.
        rate = self.schedule(self.starts[0].optimizer.iterations)
        for start, gradient, values in zip(self.starts, gradients, changed, strict=True):
            start.optimizer.learning_rate.assign(rate)
            start.optimizer.apply_gradients([(gradient, start.weights)])
            for variable, value in zip(start.others, values, strict=True):
                variable.assign(value)
        return tf.stack(losses), predictions[0][:, 1]

    def _evaluate(self, features: Any, targets: Any) -> tuple[tf.Tensor, tf.Tensor]:
        """Loss and probabilities as of ``_step``, without dropout and without a step."""
        weights, others = self._vectors() * self.scales, [start.others for start in self.starts]
        predictions, _ = self.forward(weights, others, features, training=False)
        return tf.stack(self._losses(weights, predictions, targets)), predictions[0][:, 1]

    def variables(self) -> dict[str, keras.Variable]:
        """All that the next step depends on, by name."""
        return {
            f"{number}/{name}": variable
            for number, start in enumerate(self.starts)
            for name, variable in start.variables().items()
        }

    def state(self, part: str = "") -> dict[str, np.ndarray]:
        """Values of the variables whose name begins with ``part``, by name; all by default."""
        named = self.variables().items()
        return {name: value.numpy() for name, value in named if name.startswith(part)}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        """Set variables to the values in ``state``."""
        variables = self.variables()
        for name, value in state.items():
            variables[name].assign(value)

    def trained_network(self) -> keras.Model:
        """The seed's first network with the weights of the start that was kept.

        Not the network of that start: a resumed run does not know which one it was.
        """
        start = self.starts[0]
        weights = split_weights(self.network, start.weights * self.scales)
        for variable, value in zip(self.network.trainable_variables, weights, strict=True):
            variable.assign(value)
        for variable, value in zip(self.network.non_trainable_variables, start.others, strict=True):
            variable.assign(value)
        return self.network
