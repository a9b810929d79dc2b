"""A plain TensorFlow pipeline as a baseline for training speed.

Windows are gathered from memory, augmented per batch and turned into MFCC in the graph; Keras'
layers are trained (the first one as Conv2D), in float32 without XLA.
"""

from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

from atomicvad.config import Settings
from atomicvad.model import build_features, new_network
from atomicvad.training.augment import between
from atomicvad.training.batches import TrainingBatches
from atomicvad.training.trainer import learning_rate


class PlainTraining:
    """Trains on the windows of ``batches``, with lighter augmentation than ``TrainingBatches``."""

    def __init__(self, batches: TrainingBatches, settings: Settings):
        self.batches, self.settings = batches, settings
        self.features, self.network = build_features(settings), new_network(settings, seed=0)
        self.optimizer = keras.optimizers.AdamW(learning_rate(settings, 10_000))
        self.optimizer.build(self.network.trainable_variables)
        self.loss = keras.losses.BinaryFocalCrossentropy(gamma=settings.training.focal_gamma)
        self.step = tf.function(self._step)

    def waveforms(self, batch: int) -> Iterator[tuple[tf.Tensor, tf.Tensor, tf.Tensor]]:
        """Endless batches of int16 windows, int16 backgrounds and targets, prefetched."""
        windows, length = self.batches.windows, self.settings.window_samples
        order = np.random.default_rng(0).permutation(len(windows))
        usable = len(order) // batch * batch

        def gather(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            backgrounds = np.random.default_rng(numbers[0]).choice(windows.backgrounds, batch)
            return (
                windows.store.gather(windows.starts[numbers], length),
                windows.store.gather(windows.starts[backgrounds], length),
                windows.speech[numbers],
            )

        def in_graph(numbers: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
            *waveforms, speech = tf.numpy_function(
                gather, [numbers], [tf.int16, tf.int16, tf.bool], stateful=False
            )
            gathered, backgrounds = (tf.ensure_shape(x, [batch, length]) for x in waveforms)
            targets = tf.one_hot(tf.cast(tf.ensure_shape(speech, [batch]), tf.int32), 2)
            return gathered, backgrounds, targets

        dataset = tf.data.Dataset.from_tensor_slices(order[:usable].reshape(-1, batch)).repeat()
        return iter(dataset.map(in_graph, num_parallel_calls=2).prefetch(4))

    def augmented(self, windows: tf.Tensor, backgrounds: tf.Tensor) -> tf.Tensor:
        """Features of windows with a background, level and white noise, and a mask of each kind."""
        waveform = self.settings.waveform
        windows, backgrounds = (tf.cast(x, tf.float32) / 32768 for x in (windows, backgrounds))
        draws = tf.random.uniform([len(windows), 4])
        power = [tf.reduce_mean(x**2, axis=1, keepdims=True) + 1e-8 for x in (windows, backgrounds)]
        ratio = self._gain(-between(draws[:, :1], waveform.mix_snr_db))
        mixed = windows + ratio * tf.sqrt(power[0] / power[1]) * backgrounds
        level = self._gain(between(draws[:, 1:2], waveform.level_db or (-40, -20)))
        mixed *= level / tf.sqrt(tf.reduce_mean(mixed**2, axis=1, keepdims=True) + 1e-8)
        noise = self._gain(between(draws[:, 2:3], waveform.white_noise_db))
        features = self.features(mixed + noise * tf.random.normal(tf.shape(mixed)))
        for axis, width in ((1, 25), (2, 15)):
            first = draws[:, 3:] * (features.shape[axis] - width)
            positions = tf.range(features.shape[axis], dtype=tf.float32)
            masked = (positions >= first) & (positions < first + width)
            masked = tf.expand_dims(tf.expand_dims(masked, 3 - axis), -1)
            features = tf.where(masked, 0.0, features)
        return features

    @staticmethod
    def _gain(decibels: tf.Tensor) -> tf.Tensor:
        return tf.exp(decibels * (np.log(10) / 20))

    def _step(self, windows: tf.Tensor, backgrounds: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
        """Train on one batch; return its loss."""
        features = self.augmented(windows, backgrounds)
        with tf.GradientTape() as tape:
            loss = self.loss(targets, self.network(features, training=True))
        variables = self.network.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss
