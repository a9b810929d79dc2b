"""Augmentation is a function of an item's seed, hides what it says, and keeps its ranges."""

import tempfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from atomicvad.kernels import random, waveform
from atomicvad.kernels.masks import spec_augment, spec_cutout
from atomicvad.kernels.random import uniform
from atomicvad.sections import WaveformSettings
from atomicvad.training import augment

SEEDS = np.array([[7, item] for item in range(200)])


def splitmix(state: int) -> int:
    """One output of the mixing function in whole numbers: the slow reference."""
    mask = (1 << 64) - 1
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        state = (state ^ (state >> shift)) * factor & mask
    return state ^ (state >> 31)


def test_uniform_against_whole_numbers():
    golden, mask = 0x9E3779B97F4A7C15, (1 << 64) - 1
    draws = uniform(SEEDS[:5], 4, 3)
    for item in range(5):
        for column in range(3):
            state = splitmix((7 * golden + item) & mask)
            state = splitmix((state + (column + 1 + 1009 * 4) * golden) & mask)
            assert draws[item, column] == np.float32((state >> 40) * 2.0**-24)


def test_uniform_is_uniform_and_streams_differ():
    seeds = np.stack([np.zeros(20000, int), np.arange(20000)], axis=1)
    first, second = uniform(seeds, 0, 2), uniform(seeds, 1, 2)
    assert abs(first.mean() - 0.5) < 0.01
    assert abs(np.histogram(first, 10, (0, 1))[0] / first.size - 0.1).max() < 0.01
    assert abs(np.corrcoef(first[:, 0], first[:, 1])[0, 1]) < 0.03
    assert abs(np.corrcoef(first[:, 0], second[:, 0])[0, 1]) < 0.03


def masked(function, *options, items=slice(None)):
    """What a function leaves of spectrograms of ones, ``[batch, coefficient, frame]``."""
    features = np.ones((len(SEEDS[items]), 64, 64, 1), np.float32)
    function(features, SEEDS[items], *options)
    return features[..., 0]


def test_an_item_does_not_depend_on_its_batch():
    for function in (spec_augment, spec_cutout):
        together, alone = masked(function), masked(function, items=slice(3, 4))
        np.testing.assert_array_equal(together[3:4], alone)


def test_masks_fall_where_they_may_and_nowhere_else():
    where = np.arange(200) % 3 == 0
    for function in (spec_augment, spec_cutout):
        features = np.ones((200, 64, 64, 1), np.float32)
        function(features, SEEDS, where=where)
        np.testing.assert_array_equal(features[where, ..., 0], masked(function)[where])
        assert (features[~where] == 1).all()


def test_spec_augment_hides_rows_and_columns_of_the_named_axes():
    rows = masked(spec_augment, (2, 25), (0, 1))
    columns = masked(spec_augment, (0, 1), (2, 15))
    assert (rows.min(axis=2) == rows.max(axis=2)).all()
    assert (columns.min(axis=1) == columns.max(axis=1)).all()
    hidden_rows = 64 - rows[:, :, 0].sum(axis=1)
    hidden_columns = 64 - columns[:, 0].sum(axis=1)
    assert hidden_rows.max() <= 50 and 20 < hidden_rows.mean() < 26
    assert hidden_columns.max() <= 30 and 12 < hidden_columns.mean() < 16


def test_spec_cutout_hides_boxes_of_the_given_size():
    one = 1 - masked(spec_cutout, 1, (25, 15))
    assert (one.sum(axis=(1, 2)) == 25 * 15).all()
    assert (one.any(axis=2).sum(axis=1) == 25).all()
    five = 1 - masked(spec_cutout, 5, (25, 15))
    assert five.sum(axis=(1, 2)).max() <= 5 * 25 * 15


def composed(waveforms, settings, speech=True):
    """``waveforms`` augmented by ``settings``; the background is the store's last waveform."""
    samples = np.rint(np.concatenate(waveforms) * 32768).astype(np.int16)
    starts = np.arange(len(waveforms) - 1) * 10080
    seeds = SEEDS[: len(starts)]
    speeds, background_speeds = augment.tape_speeds(seeds, np.full(len(starts), speech), settings)
    ends = np.full_like(starts, samples.size)
    plan = augment.make_plan(
        augment.within(starts, speeds, np.zeros_like(starts), ends, 10080),
        augment.within(ends - 10080, background_speeds, ends - 10080, ends, 10080),
        np.full(len(starts), speech),
        seeds,
        settings,
        10080,
    )
    heard = np.empty((len(starts), 10080), np.float32)
    with tempfile.TemporaryFile() as file:
        file.write(samples.tobytes())
        file.flush()
        assert waveform.compose_all(file.fileno(), augment.make_sounds(settings), plan, heard)
    return heard


QUIET = {"shift_probability": 0.0, "white_noise_probability": 0.0}
NOISE = np.random.default_rng(0).standard_normal((101, 10080)) * 0.05


def test_without_augmentation_the_recording_is_left():
    kept = composed(NOISE, WaveformSettings(**QUIET))
    np.testing.assert_array_equal(kept, np.rint(NOISE[:-1] * 32768).astype(np.float32) / 32768)


def test_a_tape_at_another_speed_is_read_between_its_samples():
    """Against interpolation in double precision; positions are kept to 1/65536 of a sample."""
    speed = 1.37
    heard = composed(NOISE[:3], WaveformSettings(speech_speed=(speed, speed), **QUIET))
    samples = np.rint(np.concatenate(NOISE[:3]) * 32768) / 32768
    step = int(np.float32(speed) * 65536) / 65536
    expected = np.interp(np.arange(10080) * step, np.arange(len(samples)), samples)
    np.testing.assert_allclose(heard[0], expected, atol=1e-5)


def test_a_faster_tape_has_a_higher_pitch():
    tone = np.sin(2 * np.pi * 500 * np.arange(10080) / 16000) * 0.5
    settings = WaveformSettings(speech_speed=(1.5, 1.5), **QUIET)
    spectrum = abs(np.fft.rfft(composed([tone] * 3, settings)[0]))
    assert spectrum.argmax() * 16000 / 10080 == pytest.approx(750, abs=2)


@given(
    speed=st.floats(0.3, 3),
    room=st.integers(10080, 30000),
    start=st.integers(-500, 30000),
)
def test_no_speed_reads_past_the_recording(speed, room, start):
    start, speed = augment.within(
        np.array([start]), np.array([speed]), np.array([100]), np.array([100 + room]), 10080
    )
    last = int(start[0]) + int(10079 * float(speed[0])) + (speed[0] != 1)
    assert int(start[0]) >= 100 and last <= 99 + room


def test_background_is_mixed_at_the_ratio_drawn():
    settings = WaveformSettings(mix_probability=1.0, mix_snr_db=(-5.0, -5.0), **QUIET)
    added = composed(NOISE, settings) - NOISE[:-1]
    ratio = 10 * np.log10((NOISE[:-1] ** 2).mean(axis=1) / (added**2).mean(axis=1))
    np.testing.assert_allclose(ratio, -5, atol=0.01)
    assert min(abs(np.corrcoef(row, NOISE[-1])[0, 1]) for row in added) > 0.999


def test_levels_lie_within_their_range():
    settings = WaveformSettings(level_db=(-50.0, -20.0), **QUIET)
    levels = 10 * np.log10((composed(NOISE, settings) ** 2).mean(axis=1))
    assert levels.min() >= -50.01 and levels.max() <= -19.9
    assert levels.std() > 7


def test_a_level_too_high_is_clipped_not_wrapped():
    loud = composed(NOISE[:3], WaveformSettings(level_db=(0.0, 0.0), **QUIET))
    assert abs(loud).max() == 1
    assert (np.sign(loud) == np.sign(np.rint(NOISE[:2] * 32768))).all()


def test_white_noise_has_the_power_drawn():
    settings = WaveformSettings(
        white_noise_probability=1.0, white_noise_db=(-46.0, -46.0), shift_probability=0.0
    )
    added = composed(NOISE, settings) - NOISE[:-1]
    levels = 10 * np.log10((added**2).mean(axis=1))
    np.testing.assert_allclose(levels, -46, atol=0.3)
    assert abs(np.corrcoef(added)[0, 1:]).max() < 0.1


def test_a_room_adds_the_reflections_of_its_table():
    """Against a convolution in double precision."""
    settings = WaveformSettings(room_probability=1.0, room_db=(-6.0, -6.0), **QUIET)
    heard, sounds = composed(NOISE, settings), augment.make_sounds(settings)
    dry = np.rint(NOISE * 32768) / 32768
    drawn = (uniform(SEEDS[:100], random.ROOM, 3)[:, 2] * augment.ROOMS).astype(int)
    assert len(set(drawn)) > 50
    for item, room in list(enumerate(drawn))[:20]:
        response = np.zeros(20000)
        np.add.at(response, sounds.delays[room], 10 ** (-6 / 20) * sounds.gains[room])
        response[0] += 1
        expected = np.convolve(dry[item], response)[:10080]
        np.testing.assert_allclose(heard[item], expected, atol=1e-5)


def test_rooms_decay_and_their_reflections_have_unit_power():
    settings = WaveformSettings(room_seconds=(0.3, 0.3))
    sounds = augment.make_sounds(settings)
    np.testing.assert_allclose(np.square(sounds.gains).sum(axis=1), 1, rtol=1e-5)
    assert sounds.delays.min() >= 1 and sounds.delays.max() <= 0.3 * 16000 * 40 / 60 + 1
    # 60 dB in 0.3 s: between a reflection near 0 s and one near 0.15 s lie 30 dB.
    late = np.abs(sounds.delays - 0.15 * 16000).argmin(axis=1)
    rows = np.arange(len(late))
    fall = 20 * np.log10(np.abs(sounds.gains[:, 0] / sounds.gains[rows, late]))
    between_them = (sounds.delays[rows, late] - sounds.delays[:, 0]) / 16000
    np.testing.assert_allclose(fall, 60 * between_them / 0.3, atol=0.1)


def test_rumble_lies_below_150_hz_at_the_ratio_drawn():
    settings = WaveformSettings(rumble_probability=1.0, rumble_snr_db=(0.0, 0.0), **QUIET)
    added = composed(NOISE, settings) - composed(NOISE, WaveformSettings(**QUIET))
    ratio = np.square(added).mean() / np.square(NOISE).mean()
    assert ratio == pytest.approx(1, rel=0.1)
    power = np.square(np.abs(np.fft.rfft(added))).mean(axis=0)
    low = np.fft.rfftfreq(10080, 1 / 16000) < 300
    assert power[low].sum() / power.sum() > 0.95


def test_backgrounds_fall_silent_and_speech_does_not():
    settings = WaveformSettings(
        quiet_probability=1.0, quiet_db=(-130.0, -50.0), level_db=(-30.0, -20.0), **QUIET
    )
    levels = 10 * np.log10(np.square(composed(NOISE, settings, speech=False)).mean(axis=1))
    assert -131 < levels.min() < -120 and -60 < levels.max() < -49
    levels = 10 * np.log10(np.square(composed(NOISE, settings, speech=True)).mean(axis=1))
    assert levels.min() > -31


def test_digital_silence_stays_finite():
    settings = WaveformSettings(mix_probability=1.0, level_db=(-50.0, -20.0))
    assert np.isfinite(composed(np.zeros((9, 10080)), settings)).all()


def test_filter_keeps_what_it_should():
    settings = WaveformSettings(
        filter_probability=1.0,
        low_pass_hz=(4000.0, 4000.0),
        high_pass_hz=(200.0, 200.0),
        colour_db=0.0,
    )
    response = augment.filter_response(SEEDS[:1], settings, 257)[0, 0]
    decibels = 10 * np.log10(response + 1e-30)
    frequencies = np.linspace(0, 8000, 257)
    assert abs(decibels[(frequencies > 800) & (frequencies < 3000)]).max() < 0.1
    assert decibels[frequencies > 6000].max() < -40
    assert decibels[(frequencies > 0) & (frequencies < 50)].max() < -20
