"""Batches for training: windows gathered from the store, augmented afresh, turned into features.

Item ``index`` of epoch ``epoch`` is a function of ``(seed, epoch, index)`` alone, so an epoch can
be begun anywhere, in any process, with the same numbers.
"""

from functools import partial

import numpy as np
import pandas as pd
import tensorflow as tf

from atomicvad.config import Settings
from atomicvad.data.augment import (
    compose,
    filter_response,
    make_plan,
    noise_tape,
    shifts,
    tape_speeds,
    within,
)
from atomicvad.errors import AtomicVADError
from atomicvad.layers.augment import spec_augment, spec_cutout, uniform
from atomicvad.layers.compiled_features import CompiledFeatures
from atomicvad.layers.features import Features

PICK, MASK = 8, 9  # streams of random numbers; data.augment has the others


def build_features(settings: Settings) -> Features:
    """The front end of a profile."""
    return Features(
        sample_rate=settings.sample_rate, name="features", **settings.features.model_dump()
    )


class WindowSet:
    """Windows of a manifest within a store: where they start, and what they are.

    Attributes:
        starts: first sample in the store, ``[windows]`` int64.
        lowest, ends: limits of its recording.
        speech: ``[windows]`` bool.
        backgrounds: indices of the background windows.
    """

    def __init__(self, manifest: pd.DataFrame, store, settings: Settings):
        recordings = store.recordings.set_index("recording").loc[manifest["audio_filepath"]]
        offsets = np.rint(manifest["offset"].to_numpy() * settings.sample_rate).astype(np.int64)
        self.lowest = recordings["start"].to_numpy(np.int64)
        self.ends = self.lowest + recordings["samples"].to_numpy()
        self.starts = self.lowest + offsets
        self.speech = (manifest["label"] == "speech").to_numpy()
        self.backgrounds = np.flatnonzero(~self.speech)
        self.store, self.settings = store, settings

    def __len__(self) -> int:
        return len(self.starts)


class TrainingBatches:
    """Batches ``(features, targets)`` of one seed, epoch by epoch, augmented afresh."""

    def __init__(self, windows: WindowSet, settings: Settings, seed: int, masks: bool = True):
        self.windows, self.settings, self.seed, self.masks = windows, settings, seed, masks
        self.compiled = CompiledFeatures(build_features(settings))
        self.tape, self.samples = noise_tape(), np.asarray(windows.store.samples)
        if not self.steps:
            raise AtomicVADError(
                f"training.batch_size: expected at most the {len(windows)} windows of a split, "
                f"got {settings.training.batch_size}"
            )

    @property
    def steps(self) -> int:
        """Batches an epoch; the last ones that fill no batch wait for another epoch."""
        return len(self.windows) // self.settings.training.batch_size

    def order(self, epoch: int) -> np.ndarray:
        """Window numbers of an epoch, ``[steps, batch]``."""
        batch = self.settings.training.batch_size
        order = np.random.default_rng([self.seed, epoch]).permutation(len(self.windows))
        return order[: self.steps * batch].reshape(self.steps, batch)

    def epoch(self, epoch: int, workers: int = 1) -> tf.data.Dataset:
        """The batches of one epoch, prepared in ``workers`` threads beside the training step."""
        options = tf.data.Options()
        options.deterministic = True
        options.threading.max_intra_op_parallelism = 1
        options.threading.private_threadpool_size = workers
        dataset = tf.data.Dataset.from_tensor_slices(self.order(epoch))
        prepare = partial(self.prepare, epoch)
        dataset = dataset.map(prepare, num_parallel_calls=workers, deterministic=True)
        return dataset.prefetch(4).with_options(options)

    def prepare(self, epoch: int, numbers: tf.Tensor):
        """One batch: window numbers ``[batch]`` -> ``(features, one-hot targets)``."""
        seeds = self.seeds(epoch, numbers)
        speech = tf.gather(self.windows.speech, numbers)
        features = self.features(*self.waveforms(numbers, seeds))
        if self.masks:
            features = self.mask(features, seeds)
        return features, tf.one_hot(tf.cast(speech, tf.int32), 2)

    def seeds(self, epoch: int, numbers: tf.Tensor) -> tf.Tensor:
        """The pair that every draw for a window in an epoch depends on, ``[batch, 2]``."""
        of_epoch = tf.fill(tf.shape(numbers), tf.constant(self.seed * 10_000 + epoch, tf.int64))
        return tf.stack([of_epoch, tf.cast(numbers, tf.int64)], axis=1)

    def waveforms(self, numbers, seeds):
        """Augmented waveforms, and the response of the channel that their features pass."""
        settings, length = self.settings, self.settings.window_samples
        speech = tf.gather(self.windows.speech, numbers)
        speeds, background_speeds = tape_speeds(seeds, speech, settings.waveform)
        draws = uniform(seeds, PICK, 1)[:, 0]
        picked = tf.cast(draws * len(self.windows.backgrounds), tf.int32)
        backgrounds = tf.gather(self.windows.backgrounds, picked)
        plan = make_plan(
            self._within(numbers, shifts(seeds, settings), speeds),
            self._within(backgrounds, 0, background_speeds),
            seeds,
            settings.waveform,
            length,
        )
        waveforms = tf.numpy_function(
            lambda *plan: compose(self.samples, self.tape, *plan, length),
            plan,
            tf.float32,
            stateful=False,
        )
        waveforms = tf.ensure_shape(waveforms, [numbers.shape[0], length])
        bins = settings.features.fft_length // 2 + 1
        return waveforms, filter_response(seeds, settings.waveform, bins, settings.sample_rate)

    def _within(self, numbers, shift, speeds):
        windows, length = self.windows, self.settings.window_samples
        parts = (windows.starts, windows.lowest, windows.ends)
        starts, lowest, ends = (tf.gather(part, numbers) for part in parts)
        return within(starts + shift, speeds, lowest, ends, length)

    def features(self, waveforms, response):
        """Features of waveforms that pass a channel."""
        layer = self.compiled.layer
        features = tf.numpy_function(
            self.compiled, [waveforms, response], tf.float32, stateful=False
        )
        return tf.ensure_shape(features, layer.compute_output_shape(waveforms.shape))

    def mask(self, features, seeds):
        """Some of the features with SpecAugment and SpecCutout."""
        masks = self.settings.masks
        masked = spec_augment(features, seeds, masks.coefficient_masks, masks.frame_masks)
        masked = spec_cutout(masked, seeds, masks.boxes, masks.box_size)
        hidden = uniform(seeds, MASK, 1)[:, 0] < masks.probability
        return tf.where(hidden[:, tf.newaxis, tf.newaxis, tf.newaxis], masked, features)
