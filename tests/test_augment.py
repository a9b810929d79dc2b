"""Augmentation is a function of an item's seed, hides what it says, and keeps its ranges."""

import numpy as np
import tensorflow as tf

from atomicvad.config import WaveformSettings
from atomicvad.data import augment
from atomicvad.layers.augment import spec_augment, spec_cutout, uniform

SEEDS = tf.constant([[7, item] for item in range(200)], tf.int64)


def splitmix(state: int) -> int:
    """One output of the mixing function in whole numbers: the slow reference."""
    mask = (1 << 64) - 1
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        state = (state ^ (state >> shift)) * factor & mask
    return state ^ (state >> 31)


def test_uniform_against_whole_numbers():
    golden, mask = 0x9E3779B97F4A7C15, (1 << 64) - 1
    draws = uniform(SEEDS[:5], 4, 3).numpy()
    for item in range(5):
        for column in range(3):
            state = splitmix((7 * golden + item) & mask)
            state = splitmix((state + (column + 1 + 1009 * 4) * golden) & mask)
            assert draws[item, column] == np.float32((state >> 40) * 2.0**-24)


def test_uniform_is_uniform_and_streams_differ():
    seeds = tf.stack([tf.zeros(20000, tf.int64), tf.range(20000, dtype=tf.int64)], 1)
    first, second = uniform(seeds, 0, 2).numpy(), uniform(seeds, 1, 2).numpy()
    assert abs(first.mean() - 0.5) < 0.01
    assert abs(np.histogram(first, 10, (0, 1))[0] / first.size - 0.1).max() < 0.01
    assert abs(np.corrcoef(first[:, 0], first[:, 1])[0, 1]) < 0.03
    assert abs(np.corrcoef(first[:, 0], second[:, 0])[0, 1]) < 0.03


def test_an_item_does_not_depend_on_its_batch():
    features = tf.ones([200, 64, 64, 1])
    together = spec_cutout(spec_augment(features, SEEDS), SEEDS)
    alone = spec_cutout(spec_augment(features[3:4], SEEDS[3:4]), SEEDS[3:4])
    np.testing.assert_array_equal(together[3:4].numpy(), alone.numpy())


def test_spec_augment_hides_rows_and_columns_of_the_named_axes():
    features = tf.ones([200, 64, 64, 1])
    rows = spec_augment(features, SEEDS, (2, 25), (0, 1)).numpy()[..., 0]
    columns = spec_augment(features, SEEDS, (0, 1), (2, 15)).numpy()[..., 0]
    assert (rows.min(axis=2) == rows.max(axis=2)).all()
    assert (columns.min(axis=1) == columns.max(axis=1)).all()
    hidden_rows = 64 - rows[:, :, 0].sum(axis=1)
    hidden_columns = 64 - columns[:, 0].sum(axis=1)
    assert hidden_rows.max() <= 50 and 20 < hidden_rows.mean() < 26
    assert hidden_columns.max() <= 30 and 12 < hidden_columns.mean() < 16


def test_spec_cutout_hides_boxes_of_the_given_size():
    features = tf.ones([200, 64, 64, 1])
    one = 1 - spec_cutout(features, SEEDS, 1, (25, 15)).numpy()[..., 0]
    assert (one.sum(axis=(1, 2)) == 25 * 15).all()
    assert (one.any(axis=2).sum(axis=1) == 25).all()
    five = 1 - spec_cutout(features, SEEDS, 5, (25, 15)).numpy()[..., 0]
    assert five.sum(axis=(1, 2)).max() <= 5 * 25 * 15


def test_background_is_mixed_at_the_ratio_drawn():
    settings = WaveformSettings(mix_probability=1.0, mix_snr_db=(-5.0, -5.0))
    generator = np.random.default_rng(0)
    speech, noise = generator.standard_normal((2, 200, 10080)).astype(np.float32) * [
        [[0.1]],
        [[0.3]],
    ]
    speech, noise = speech.astype(np.float32), noise.astype(np.float32)
    mixed = augment.mix_background(speech, noise, SEEDS, settings).numpy()
    ratio = 10 * np.log10((speech**2).mean(axis=1) / ((mixed - speech) ** 2).mean(axis=1))
    np.testing.assert_allclose(ratio, -5, atol=0.01)


def test_levels_lie_within_their_range():
    settings = WaveformSettings(level_db=(-50.0, -20.0))
    noise = np.random.default_rng(0).standard_normal((200, 10080)).astype(np.float32)
    levels = 10 * np.log10((augment.set_level(noise, SEEDS, settings).numpy() ** 2).mean(axis=1))
    assert levels.min() >= -50.01 and levels.max() <= -19.9
    assert levels.std() > 7


def test_digital_silence_stays_finite():
    settings = WaveformSettings(mix_probability=1.0, level_db=(-50.0, -20.0))
    silence = np.zeros((200, 10080), np.float32)
    mixed = augment.mix_background(silence, silence, SEEDS, settings)
    assert np.isfinite(augment.set_level(mixed, SEEDS, settings).numpy()).all()


def test_filter_keeps_what_it_should():
    settings = WaveformSettings(
        filter_probability=1.0,
        low_pass_hz=(4000.0, 4000.0),
        high_pass_hz=(200.0, 200.0),
        tilt_db=(0.0, 0.0),
    )
    response = augment.filter_response(SEEDS[:1], settings, 257, 16000).numpy()[0, 0]
    decibels = 10 * np.log10(response + 1e-30)
    frequencies = np.linspace(0, 8000, 257)
    assert abs(decibels[(frequencies > 800) & (frequencies < 3000)]).max() < 0.1
    assert decibels[frequencies > 6000].max() < -40
    assert decibels[(frequencies > 0) & (frequencies < 50)].max() < -20
