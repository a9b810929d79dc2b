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
    add_white_noise,
    filter_response,
    mix_background,
    noise_tape,
    set_level,
    shifts,
)
from atomicvad.layers.augment import spec_augment, spec_cutout, uniform
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
        lowest, highest: limits of a shifted start, so that it stays within its recording.
        speech: ``[windows]`` bool.
        backgrounds: indices of the background windows.
    """

    def __init__(self, manifest: pd.DataFrame, store, settings: Settings):
        recordings = store.recordings.set_index("recording").loc[manifest["audio_filepath"]]
        offsets = np.rint(manifest["offset"].to_numpy() * settings.sample_rate).astype(np.int64)
        self.lowest = recordings["start"].to_numpy(np.int64)
        self.highest = self.lowest + recordings["samples"].to_numpy() - settings.window_samples
        self.starts = self.lowest + offsets
        self.speech = (manifest["label"] == "speech").to_numpy()
        self.backgrounds = np.flatnonzero(~self.speech)
        self.store, self.settings = store, settings

    def __len__(self) -> int:
        return len(self.starts)

    def gather(self, starts: np.ndarray) -> np.ndarray:
        """int16 windows ``[len(starts), window_samples]``."""
        return self.store.gather(starts, self.settings.window_samples)


def to_float(samples):
    """int16 samples as float32 in ±1."""
    return tf.cast(samples, tf.float32) / 32768.0


class TrainingBatches:
    """Batches ``(features, targets)`` of one seed, epoch by epoch, augmented afresh."""

    def __init__(self, windows: WindowSet, settings: Settings, seed: int, masks: bool = True):
        self.windows, self.settings, self.seed, self.masks = windows, settings, seed, masks
        self.layer = build_features(settings)
        self.tape = tf.constant(noise_tape())

    @property
    def steps(self) -> int:
        """Batches an epoch; the last ones that fill no batch wait for another epoch."""
        return len(self.windows) // self.settings.training.batch_size

    def order(self, epoch: int) -> np.ndarray:
        """Window numbers of an epoch, ``[steps, batch]``."""
        batch = self.settings.training.batch_size
        order = np.random.default_rng([self.seed, epoch]).permutation(len(self.windows))
        return order[: self.steps * batch].reshape(self.steps, batch)

    def epoch(self, epoch: int) -> tf.data.Dataset:
        """The batches of one epoch, prepared beside the training step."""
        options = tf.data.Options()
        options.deterministic = True
        options.threading.max_intra_op_parallelism = 1
        dataset = tf.data.Dataset.from_tensor_slices(self.order(epoch))
        prepare = partial(self.prepare, epoch)
        dataset = dataset.map(prepare, num_parallel_calls=2, deterministic=True)
        return dataset.prefetch(4).with_options(options)

    def prepare(self, epoch: int, numbers: tf.Tensor):
        """One batch: window numbers ``[batch]`` -> ``(features, one-hot targets)``."""
        seeds = self.seeds(epoch, numbers)
        speech = tf.gather(self.windows.speech, numbers)
        features = self.mask(*self.augment(*self.waveforms(numbers, seeds), seeds), seeds)
        return features, tf.one_hot(tf.cast(speech, tf.int32), 2)

    def seeds(self, epoch: int, numbers: tf.Tensor) -> tf.Tensor:
        """The pair that every draw for a window in an epoch depends on, ``[batch, 2]``."""
        of_epoch = tf.fill(tf.shape(numbers), tf.constant(self.seed * 10_000 + epoch, tf.int64))
        return tf.stack([of_epoch, tf.cast(numbers, tf.int64)], axis=1)

    def waveforms(self, numbers, seeds):
        """Shifted windows and a background for each, ``[batch, samples]`` float32."""
        windows = self.windows
        starts = tf.gather(windows.starts, numbers) + shifts(seeds, self.settings)
        starts = tf.clip_by_value(
            starts, tf.gather(windows.lowest, numbers), tf.gather(windows.highest, numbers)
        )
        draws = uniform(seeds, PICK, 1)[:, 0]
        picked = tf.cast(draws * len(windows.backgrounds), tf.int32)
        background_starts = tf.gather(windows.starts, tf.gather(windows.backgrounds, picked))
        samples = tf.numpy_function(
            windows.gather, [tf.concat([starts, background_starts], 0)], tf.int16, stateful=False
        )
        samples.set_shape([2 * numbers.shape[0], self.settings.window_samples])
        return tf.split(to_float(samples), 2)

    def augment(self, waveforms, backgrounds, seeds):
        """Augmented waveforms, and the response of the channel that their features pass."""
        settings = self.settings
        waveforms = mix_background(waveforms, backgrounds, seeds, settings.waveform)
        waveforms = set_level(waveforms, seeds, settings.waveform)
        waveforms = add_white_noise(waveforms, self.tape, seeds, settings.waveform)
        bins = settings.features.fft_length // 2 + 1
        return waveforms, filter_response(seeds, settings.waveform, bins, settings.sample_rate)

    def mask(self, waveforms, response, seeds):
        """Features, some of them with SpecAugment and SpecCutout."""
        masks, features = self.settings.masks, self.layer(waveforms, response)
        if not self.masks:
            return features
        masked = spec_augment(features, seeds, masks.coefficient_masks, masks.frame_masks)
        masked = spec_cutout(masked, seeds, masks.boxes, masks.box_size)
        hidden = uniform(seeds, MASK, 1)[:, 0] < masks.probability
        return tf.where(hidden[:, tf.newaxis, tf.newaxis, tf.newaxis], masked, features)
