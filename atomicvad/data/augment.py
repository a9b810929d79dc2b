"""Waveform augmentation as the world does it: background, filter, level, noise.

Every draw is a function of an item's seed pair alone (see ``layers.augment.uniform``), so any
item of any epoch can be made again by itself.
"""

import numpy as np
import tensorflow as tf

from atomicvad.layers.augment import uniform

# Streams of an item's random numbers; SpecAugment and SpecCutout use 0 to 2.
SHIFT, MIX, FILTER, GAIN, NOISE = 3, 4, 5, 6, 7
TAPE_LENGTH = 1 << 20


def between(draws, limits):
    """Uniform draws in 0…1 spread over (lowest, highest)."""
    return limits[0] + draws * (limits[1] - limits[0])


def decibels_to_gain(decibels):
    return tf.pow(10.0, decibels / 20)


def power(waveforms):
    """Mean power of each waveform, ``[batch, 1]``."""
    return tf.reduce_mean(tf.square(waveforms), axis=1, keepdims=True) + 1e-12


def shifts(seeds, settings):
    """Shift of each window in samples, ``[batch]`` int64."""
    draws = uniform(seeds, SHIFT, 2)
    samples = between(draws[:, 0], settings.waveform.shift_ms) * settings.sample_rate / 1000
    shifted = draws[:, 1] < settings.waveform.shift_probability
    return tf.cast(tf.round(tf.where(shifted, samples, 0.0)), tf.int64)


def mix_background(waveforms, backgrounds, seeds, settings):
    """Add a background at a drawn signal-to-noise ratio to some of the windows."""
    draws = uniform(seeds, MIX, 2)
    snr = between(draws[:, :1], settings.mix_snr_db)
    # A background near digital silence is not blown up into noise.
    gain = tf.sqrt(power(waveforms) / tf.maximum(power(backgrounds), 1e-8))
    gain *= decibels_to_gain(-snr)
    mixed = draws[:, 1:] < settings.mix_probability
    return waveforms + tf.where(mixed, gain, 0.0) * backgrounds


def set_level(waveforms, seeds, settings):
    """Bring each window to a drawn level (dBFS, RMS); without ``level_db`` it stays as it is."""
    if settings.level_db is None:
        return waveforms
    target = between(uniform(seeds, GAIN, 1), settings.level_db)
    return tf.clip_by_value(waveforms / tf.sqrt(power(waveforms)) * decibels_to_gain(target), -1, 1)


def noise_tape() -> np.ndarray:
    """White noise of unit power to cut pieces from: far cheaper than fresh numbers per window."""
    return np.random.default_rng(0).standard_normal(TAPE_LENGTH, np.float32)


def add_white_noise(waveforms, tape, seeds, settings):
    """Add white noise at a drawn level (dBFS) to some of the windows."""
    draws = uniform(seeds, NOISE, 3)
    gain = decibels_to_gain(between(draws[:, :1], settings.white_noise_db))
    gain = tf.where(draws[:, 1:2] < settings.white_noise_probability, gain, 0.0)
    length = waveforms.shape[1]
    starts = tf.cast(draws[:, 2] * (TAPE_LENGTH // 16 - length // 16 - 1), tf.int32)
    # Pieces begin at multiples of 16 samples: a gather of rows instead of single numbers.
    rows = tf.gather(tf.reshape(tape, [-1, 16]), starts[:, None] + tf.range(length // 16)[None])
    return waveforms + gain * tf.reshape(rows, [-1, length])


def filter_response(seeds, settings, bins: int, sample_rate: int):
    """Power response ``[batch, 1, bins]`` of a drawn channel: band limits and a spectral tilt.

    It multiplies the power spectrum within the features, which costs next to nothing there. The
    low pass falls steeply, as codecs and resampling do; the high pass as small microphones do.
    """
    draws = uniform(seeds, FILTER, 6)
    frequencies = tf.constant(np.linspace(0, sample_rate / 2, bins), tf.float32)[tf.newaxis]

    def in_octaves(column, limits):
        logs = (np.log(limits[0]), np.log(limits[1]))
        return tf.exp(between(draws[:, column : column + 1], logs))

    low_pass = 1 / (1 + tf.pow(frequencies / in_octaves(0, settings.low_pass_hz), 24.0))
    high_pass = 1 / (1 + tf.pow(in_octaves(1, settings.high_pass_hz) / (frequencies + 1.0), 4.0))
    tilt = between(draws[:, 2:3], settings.tilt_db) * frequencies / (sample_rate / 2)
    response = tf.ones_like(low_pass)
    for column, part in ((3, low_pass), (4, high_pass), (5, tf.pow(10.0, tilt / 10))):
        used = draws[:, column : column + 1] < settings.filter_probability
        response *= tf.where(used, part, 1.0)
    return response[:, tf.newaxis]


def filter_waveforms(waveforms, response):
    """A drawn channel on waveforms ``[batch, samples]``, to be heard.

    Training has the channel in the features, where it costs less.
    """
    spectrum = tf.signal.rfft(waveforms)
    gain = tf.sqrt(response[:, 0])
    places = np.linspace(0, gain.shape[1] - 1, spectrum.shape[1]).round().astype(int)
    gain = tf.gather(gain, places, axis=1)
    return tf.signal.irfft(spectrum * tf.cast(gain, tf.complex64), [waveforms.shape[1]])
