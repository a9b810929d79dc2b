"""Random draws of waveform augmentation: shift, speed, background, level, noise and channel.

Every draw depends only on the window's pair of seeds (see ``kernels.random``). Seeds are int64
``[batch, 2]``; results have one row per window. Powers and exponentials are SciPy's, whose bits are
the same on every processor; NumPy's are not.
"""

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
import scipy.fft
import scipy.signal
from scipy.special import exp2, exp10, expit

from atomicvad.audio.signal import SAMPLE_RATE
from atomicvad.config import Settings
from atomicvad.kernels.random import (
    FILTER,
    GAIN,
    MIX,
    NOISE,
    QUIET,
    ROOM,
    RUMBLE,
    SHIFT,
    SPEED,
    uniform,
)
from atomicvad.kernels.waveform import TAPE_LENGTH, Plan, Sounds
from atomicvad.sections import WaveformSettings

ROOMS, REFLECTIONS = 256, 64
RUMBLE_HZ = 150.0
Places = tuple[np.ndarray, np.ndarray]  # starts (samples in the store) and playback speeds
COLOUR = range(1, 5)  # half periods of the cosines over the mel scale


def decibels_to_gain(decibels: np.ndarray) -> np.ndarray:
    """Amplitude factors of decibels, float32.

    >>> decibels_to_gain(np.float32(20)).round(3)
    np.float32(10.0)
    """
    return exp10(np.float32(decibels) / np.float32(20))


def between(draws: np.ndarray, limits: Sequence[float] | np.ndarray) -> np.ndarray:
    """Uniform draws in 0…1, scaled to ``limits`` (lowest, highest)."""
    return limits[0] + draws * (limits[1] - limits[0])


def shifts(seeds: np.ndarray, settings: Settings) -> np.ndarray:
    """Shift of each window in samples, ``[batch]`` int64."""
    draws = uniform(seeds, SHIFT, 2)
    samples = between(draws[:, 0], settings.waveform.shift_ms) * settings.sample_rate / 1000
    shifted = draws[:, 1] < settings.waveform.shift_probability
    return np.rint(np.where(shifted, samples, 0)).astype(np.int64)


def tape_speeds(
    seeds: np.ndarray, speech: np.ndarray, settings: WaveformSettings
) -> tuple[np.ndarray, np.ndarray]:
    """Playback speeds of windows and backgrounds, ``[batch]``; pitch and tempo change together.

    Args:
        speech: which windows are speech, bool ``[batch]``.
    """
    draws = uniform(seeds, SPEED, 2)
    as_speech = between(draws[:, 0], [math.log2(speed) for speed in settings.speech_speed])
    as_background = between(draws, [math.log2(speed) for speed in settings.background_speed])
    of_windows = np.where(speech, as_speech, as_background[:, 0]).astype(np.float64)
    return exp2(of_windows), exp2(as_background[:, 1].astype(np.float64))


def within(
    starts: np.ndarray, speeds: np.ndarray, lowest: np.ndarray, ends: np.ndarray, length: int
) -> Places:
    """Starts and speeds at which ``length`` played samples lie between ``lowest`` and ``ends``.

    At speeds other than 1 one more sample is read, for interpolation. A speed is lowered if the
    recording is too short for it, and is 1 if that does not suffice.

    Args:
        starts, speeds: as drawn, ``[batch]`` each.
        lowest, ends: first sample of each window's recording, and the one past its last.
    """
    longest = ends - lowest - 1
    speeds = np.where(longest < length, 1, np.minimum(speeds, (longest - 1) / (length - 1)))
    last = np.floor(speeds * (length - 1)).astype(np.int64) + (speeds != 1)
    return np.clip(starts, lowest, ends - 1 - last), speeds


def make_sounds(settings: WaveformSettings) -> Sounds:
    """Noise, rumble and rooms; they depend on the settings alone.

    A room is a decaying row of sparse reflections of random signs, which sounds as smooth as dense
    noise and is far cheaper. (Velvet noise: Karjalainen and Järveläinen 2007, *Reverberation
    modeling using velvet noise*, AES 30th conference.)
    """
    generator = np.random.default_rng(0)
    noise = generator.standard_normal(TAPE_LENGTH, np.float32)
    low = scipy.signal.sosfilt(
        scipy.signal.butter(2, RUMBLE_HZ, fs=SAMPLE_RATE, output="sos"),
        generator.standard_normal(TAPE_LENGTH),
    )
    rumble = (low / math.sqrt(np.mean(np.square(low)))).astype(np.float32)
    seconds = between(generator.random(ROOMS), settings.room_seconds)[:, np.newaxis]
    # A reflection at a random place in each of equal spans, up to 40 dB below the first one.
    places = (np.arange(REFLECTIONS) + generator.random((ROOMS, REFLECTIONS))) / REFLECTIONS
    delays = 1 + places * seconds * SAMPLE_RATE * 40 / 60
    gains = exp10(-2 * places) * generator.choice([-1.0, 1.0], (ROOMS, REFLECTIONS))
    gains /= np.sqrt(np.sum(np.square(gains), axis=1, keepdims=True))
    return Sounds(noise, rumble, delays.astype(np.int32), gains.astype(np.float32))


def make_plan(
    windows: Places,
    backgrounds: Places,
    speech: np.ndarray,
    seeds: np.ndarray,
    settings: WaveformSettings,
    length: int,
) -> Plan:
    """Draw rooms, mixing, level and noise of windows of ``length`` samples.

    Args:
        windows, backgrounds: of each window and of the one background that it has.
        speech: which windows are speech, bool ``[batch]``.
        seeds: int64 ``[batch, 2]``.
    """
    mix, level, noise = uniform(seeds, MIX, 2), uniform(seeds, GAIN, 1), uniform(seeds, NOISE, 3)
    room, rumble, quiet = (uniform(seeds, stream, 3) for stream in (ROOM, RUMBLE, QUIET))
    ratios = decibels_to_gain(-between(mix[:, 0], settings.mix_snr_db))
    rumbles = decibels_to_gain(-between(rumble[:, 0], settings.rumble_snr_db))
    noise_gains = decibels_to_gain(between(noise[:, 0], settings.white_noise_db))
    levels = np.zeros_like(ratios)
    if settings.level_db is not None:
        levels = decibels_to_gain(between(level[:, 0], settings.level_db))
    # A quiet window has no white noise: its level goes down to digital silence.
    is_quiet = ~speech & (quiet[:, 1] < settings.quiet_probability)
    levels[is_quiet] = decibels_to_gain(between(quiet[is_quiet, 0], settings.quiet_db))
    has_noise = (noise[:, 1] < settings.white_noise_probability) & ~is_quiet
    return Plan(
        *windows,
        *backgrounds,
        np.where(mix[:, 1] < settings.mix_probability, ratios, np.float32(0)),
        np.where(room[:, 1] < settings.room_probability, (room[:, 2] * ROOMS).astype(int), -1),
        decibels_to_gain(between(room[:, 0], settings.room_db)),
        (rumble[:, 2] * (TAPE_LENGTH - length)).astype(np.int64),
        np.where(rumble[:, 1] < settings.rumble_probability, rumbles, np.float32(0)),
        levels,
        (noise[:, 2] * (TAPE_LENGTH - length)).astype(np.int64),
        np.where(has_noise, noise_gains, np.float32(0)),
        np.zeros(len(seeds), np.int64),
    )


def filter_response(seeds: np.ndarray, settings: WaveformSettings, bins: int) -> np.ndarray:
    """Power responses ``[batch, 1, bins]`` of random channels: band limits and a colour.

    They multiply the power spectrum in the features, which is cheap. The low pass is steep, like
    codecs and resampling; the high pass is like small microphones. The colour is a smooth curve
    over the mel scale: four cosines, the n-th with an amplitude up to ``colour_db / n``.
    """
    draws = uniform(seeds, FILTER, 5 + len(COLOUR))
    low_passed, high_passed, coloured = (draws[:, 2:5] < settings.filter_probability).T
    octaves, upper_octaves, cosines = _mel_scale(bins)

    def corners(drawn: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
        return between(
            drawn[:, np.newaxis], np.array([math.log(limit) for limit in limits], np.float32)
        )

    response = np.ones((len(draws), bins), np.float32)
    # 1 / (1 + (frequency / corner)^24) and 1 / (1 + (corner / (frequency + 1))^4)
    corner = corners(draws[low_passed, 0], settings.low_pass_hz)
    response[low_passed] *= expit(24 * (corner - octaves))
    corner = corners(draws[high_passed, 1], settings.high_pass_hz)
    response[high_passed] *= expit(4 * (upper_octaves - corner))
    bels = between(draws[coloured, 5:, np.newaxis], (-settings.colour_db, settings.colour_db)) / 10
    curves = sum(bels[:, number] * cosine for number, cosine in enumerate(cosines))
    response[coloured] *= exp10(curves)
    return response[:, np.newaxis]


@cache
def _mel_scale(bins: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of the bins of a spectrum, float32 ``[bins]``: log frequency, that of 1 Hz more, and cosines.

    Returns:
        Logarithms of the frequency in Hz and of the frequency plus 1 Hz, ``[bins]``, and a cosine
        of each of ``COLOUR`` over the mel scale, divided by its number, ``[4, bins]``.
    """
    frequencies = [SAMPLE_RATE / 2 * n / (bins - 1) for n in range(bins)]
    octaves = [math.log(frequency) if frequency else -math.inf for frequency in frequencies]
    mel = [math.log1p(frequency / 700) for frequency in frequencies]
    cosines = [[math.cos(math.pi * k * value / mel[-1]) / k for value in mel] for k in COLOUR]
    upper_octaves = [math.log(frequency + 1) for frequency in frequencies]
    return (
        np.array(octaves, np.float32),
        np.array(upper_octaves, np.float32),
        np.array(cosines, np.float32),
    )


def filter_waveforms(waveforms: np.ndarray, response: np.ndarray) -> np.ndarray:
    """Apply channels of ``filter_response`` to waveforms ``[batch, samples]``, for listening.

    Training applies them within the features, which is faster.
    """
    spectrum = scipy.fft.rfft(waveforms)
    gain = np.sqrt(response[:, 0])
    bins = np.linspace(0, gain.shape[1] - 1, spectrum.shape[1]).round().astype(int)
    return scipy.fft.irfft(spectrum * gain[:, bins], waveforms.shape[1])
