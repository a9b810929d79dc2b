"""Waveform augmentation as the world does it: background, filter, level, noise.

Every draw is a function of an item's seed pair alone (see ``layers.augment.uniform``), so any
item of any epoch can be made again by itself.
"""

from typing import NamedTuple

import numpy as np
import scipy.fft
from numba.types import ExternalFunction, int32, int64, uint64, voidptr

from atomicvad.layers import compiled_features
from atomicvad.layers.augment import uniform
from atomicvad.layers.kernels import compiled

# Streams of an item's random numbers; SpecAugment and SpecCutout use 0 to 2.
SHIFT, MIX, FILTER, GAIN, NOISE, SPEED = 3, 4, 5, 6, 7, 10
TAPE_LENGTH = 1 << 20
COLOUR = np.arange(1, 5, dtype=np.float32)  # half periods of its cosines over the mel scale


def between(draws, limits):
    """Uniform draws in 0…1 spread over (lowest, highest)."""
    return limits[0] + draws * (limits[1] - limits[0])


def decibels_to_gain(decibels):
    return np.exp(decibels * np.float32(np.log(10) / 20))


class Plan(NamedTuple):
    """What becomes of each window of a batch; ``[batch]`` each, positions in samples.

    Attributes:
        starts, speeds: where the window begins in the store, and how fast it is played.
        background_starts, background_speeds: the same of its background.
        ratios: amplitude of the background over that of the window; 0: no background.
        levels: RMS that the mixture is brought to; 0: as it is.
        noise_starts: where its white noise begins on the tape.
        noise_gains: RMS of the white noise; 0: none.
    """

    starts: np.ndarray
    speeds: np.ndarray
    background_starts: np.ndarray
    background_speeds: np.ndarray
    ratios: np.ndarray
    levels: np.ndarray
    noise_starts: np.ndarray
    noise_gains: np.ndarray


def shifts(seeds, settings):
    """Shift of each window in samples, ``[batch]`` int64."""
    draws = uniform(seeds, SHIFT, 2)
    samples = between(draws[:, 0], settings.waveform.shift_ms) * settings.sample_rate / 1000
    shifted = draws[:, 1] < settings.waveform.shift_probability
    return np.rint(np.where(shifted, samples, 0)).astype(np.int64)


def tape_speeds(seeds, speech, settings):
    """Speeds of the windows and of their backgrounds: pitch and tempo together, as of a tape."""
    draws = uniform(seeds, SPEED, 2)
    as_speech = between(draws[:, 0], np.log(settings.speech_speed))
    as_background = between(draws, np.log(settings.background_speed))
    own = np.where(speech, as_speech, as_background[:, 0])
    return np.exp(own), np.exp(as_background[:, 1])


def within(starts, speeds, lowest, ends, length: int):
    """Starts and speeds at which ``length`` played samples lie within ``lowest`` and ``ends``.

    At another speed than 1 also the sample after: a played one lies between two. A recording that
    is too short for that is played as it is.
    """
    longest = ends - lowest - 1
    speeds = np.where(longest < length, 1, np.minimum(speeds, (longest - 1) / (length - 1)))
    last = np.floor(speeds * (length - 1)).astype(np.int64) + (speeds != 1)
    return np.clip(starts, lowest, ends - 1 - last), speeds


def make_plan(piece, background, seeds, settings, length: int) -> Plan:
    """Draw what becomes of windows of ``length`` samples; ``settings``: ``WaveformSettings``.

    ``piece`` and ``background`` are (starts, speeds) of the windows and of their backgrounds.
    """
    mix, level, noise = uniform(seeds, MIX, 2), uniform(seeds, GAIN, 1), uniform(seeds, NOISE, 3)
    ratios = decibels_to_gain(-between(mix[:, 0], settings.mix_snr_db))
    noise_gains = decibels_to_gain(between(noise[:, 0], settings.white_noise_db))
    levels = np.zeros_like(ratios)
    if settings.level_db is not None:
        levels = decibels_to_gain(between(level[:, 0], settings.level_db))
    return Plan(
        *piece,
        *background,
        np.where(mix[:, 1] < settings.mix_probability, ratios, np.float32(0)),
        levels,
        (noise[:, 2] * (TAPE_LENGTH - length)).astype(np.int64),
        np.where(noise[:, 1] < settings.white_noise_probability, noise_gains, np.float32(0)),
    )


def noise_tape() -> np.ndarray:
    """White noise of unit power to cut pieces from: far cheaper than fresh numbers per window."""
    return np.random.default_rng(0).standard_normal(TAPE_LENGTH, np.float32)


# The system's own: without Python's lock, and without the memory that a mapped file takes.
_pread = ExternalFunction("pread", int64(int32, voidptr, uint64, int64))


@compiled
def new_room(length, plan):
    """Where windows of ``length`` samples are composed; a window's background comes last."""
    longest = int(max(plan.speeds.max(), plan.background_speeds.max()) * length) + 2
    stored, neighbours = np.empty(longest, np.int16), np.empty(2 * longest, np.int16)
    return stored, neighbours, np.empty(length, np.int32), np.empty(length, np.float32)


@compiled
def _read(file, start, speed, room, waveform):
    """Play samples at a speed, by straight lines between them; whether all could be read."""
    stored, neighbours, pairs, _ = room
    length = np.uint32(len(waveform))
    count = len(waveform) if speed == 1 else int(speed * (len(waveform) - 1)) + 2
    if _pread(file, stored.ctypes, np.uint64(2 * count), 2 * start) != 2 * count:
        return False
    if speed == 1:
        for n in range(length):
            waveform[n] = stored[n] * np.float32(1 / 32768)
        return True
    # Two neighbours as one number: picking numbers from all over is what takes time.
    for n in range(np.uint64(count - 1)):
        neighbours[np.uint64(2) * n] = stored[n]
        neighbours[np.uint64(2) * n + np.uint64(1)] = stored[n + np.uint64(1)]
    both = neighbours.view(np.int32)
    # Positions in 1/65536, of 32 bits, unsigned: half the time of other numbers.
    step = np.uint32(speed * 65536)
    for n in range(length):
        position = np.uint32(n * step)
        pairs[n] = both[np.uint64(position >> np.uint32(16))]
    for n in range(length):
        position = np.uint32(n * step)
        share = np.float32(np.int32(position & np.uint32(65535))) * np.float32(1 / 65536)
        value = np.float32(np.int32(np.int32(pairs[n] << np.int32(16)) >> np.int32(16)))
        following = np.float32(np.int32(pairs[n] >> np.int32(16)))
        waveform[n] = np.float32(1 / 32768) * (value + share * (following - value))
    return True


@compiled
def _power(waveform):
    total = np.float32(0)
    for n in range(len(waveform)):  # by index: over the values it would not be vectorised
        total += waveform[n] * waveform[n]
    return total / np.float32(len(waveform))


@compiled
def compose(file, tape, plan, item, room, waveform):
    """Carry out a ``Plan`` for one of its windows; whether all samples could be read.

    Args:
        file: descriptor of a store's int16 samples.
        tape: a ``noise_tape``.
        room: a ``new_room``.
        waveform: float32 ``[samples]`` in ±1, where it goes.
    """
    length, background = len(waveform), room[-1]
    if not _read(file, plan.starts[item], plan.speeds[item], room, waveform):
        return False
    if plan.ratios[item] > 0:
        start, speed = plan.background_starts[item], plan.background_speeds[item]
        if not _read(file, start, speed, room, background):
            return False
        # A background near digital silence is not blown up into noise.
        loudness = max(_power(background), np.float32(1e-8))
        gain = plan.ratios[item] * np.sqrt(_power(waveform) / loudness)
        for n in range(length):
            waveform[n] += gain * background[n]
    if plan.levels[item] > 0:
        gain = plan.levels[item] / np.sqrt(_power(waveform) + np.float32(1e-12))
        for n in range(length):
            waveform[n] = min(max(gain * waveform[n], np.float32(-1)), np.float32(1))
    gain = plan.noise_gains[item]
    if gain > 0:
        noise = tape[plan.noise_starts[item] : plan.noise_starts[item] + length]
        for n in range(length):
            waveform[n] += gain * noise[n]
    return True


@compiled
def compose_all(file, tape, plan, waveforms):
    """``compose`` of all windows of a plan: float32 ``[batch, samples]``."""
    room = new_room(waveforms.shape[1], plan)
    for item in range(len(waveforms)):
        if not compose(file, tape, plan, item, room, waveforms[item]):
            return False
    return True


@compiled
def compose_features(file, tape, plan, response, front, dct, length, features):
    """Windows of a plan, of ``length`` samples, and at once their features; the cache holds both.

    ``response``: ``[batch, bins]``; for ``front``, ``dct`` and ``features`` see
    ``layers.compiled_features``.
    """
    room, features_room = new_room(length, plan), compiled_features.new_room(length, front)
    for item in range(len(features)):
        if not compose(file, tape, plan, item, room, features_room.waveform):
            return False
        compiled_features.window_features(features_room, response[item], front, dct, features[item])
    return True


def filter_response(seeds, settings, bins: int, sample_rate: int) -> np.ndarray:
    """Power response ``[batch, 1, bins]`` of a drawn channel: band limits and a colour.

    It multiplies the power spectrum within the features, which costs next to nothing there. The
    low pass falls steeply, as codecs and resampling do; the high pass as small microphones do. The
    colour is a smooth curve over the mel scale: four cosines, the n-th up to ``colour_db / n``.
    """
    draws = uniform(seeds, FILTER, 5 + len(COLOUR))
    low_passed, high_passed, coloured = (draws[:, 2:5] < settings.filter_probability).T
    frequencies = np.linspace(0, sample_rate / 2, bins, dtype=np.float32)
    with np.errstate(divide="ignore"):
        octaves = np.log(frequencies)

    def corners(drawn, limits):
        return between(drawn[:, np.newaxis], np.log(limits).astype(np.float32))

    response = np.ones((len(draws), bins), np.float32)
    # 1 / (1 + (frequency / corner)^24) and 1 / (1 + (corner / (frequency + 1))^4)
    corner = corners(draws[low_passed, 0], settings.low_pass_hz)
    response[low_passed] *= _logistic(24 * (corner - octaves))
    corner = corners(draws[high_passed, 1], settings.high_pass_hz)
    response[high_passed] *= _logistic(4 * (np.log(frequencies + 1) - corner))
    mel = np.log1p(frequencies / 700)
    cosines = np.cos(np.pi * COLOUR[:, np.newaxis] * mel / mel[-1]) / COLOUR[:, np.newaxis]
    decibels = between(draws[coloured, 5:], (-settings.colour_db, settings.colour_db)) @ cosines
    response[coloured] *= np.exp(decibels * np.float32(np.log(10) / 10))
    return response[:, np.newaxis]


def _logistic(values):
    return 1 / (1 + np.exp(np.minimum(-values, np.float32(80))))


def filter_waveforms(waveforms: np.ndarray, response: np.ndarray) -> np.ndarray:
    """A drawn channel on waveforms ``[batch, samples]``, to be heard.

    Training has the channel in the features, where it costs less.
    """
    spectrum = scipy.fft.rfft(waveforms)
    gain = np.sqrt(response[:, 0])
    places = np.linspace(0, gain.shape[1] - 1, spectrum.shape[1]).round().astype(int)
    return scipy.fft.irfft(spectrum * gain[:, places], waveforms.shape[1])
