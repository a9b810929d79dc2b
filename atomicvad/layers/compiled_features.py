"""The features layer for a CPU: window by window, which the cache holds.

TensorFlow carries every step of ``Features`` over a whole batch, and memory sets the pace. Here the
mel filters are also taken as what they are: no bin lies in more than two of them.
"""

from typing import NamedTuple

import numpy as np

from atomicvad.layers.features import Features
from atomicvad.layers.fourier import FFT_LENGTH, FRAMES, ROOM, power_spectra
from atomicvad.layers.kernels import compiled

LOG_2, LOG_10 = np.log(2), np.log(10)
ROOT_OF_HALF = np.float32(np.sqrt(0.5)).view(np.int32)  # its bits


@compiled
def _add_filters(power, response, lower, weights, sums):
    """Mel power ``[mel bin, frame]``; for ``lower`` and ``weights`` see ``two_filters``."""
    bins, count, frames = len(lower), np.uint64(sums.shape[1]), np.uint64(power.shape[2])
    values, flat = power.reshape(-1), sums.reshape(-1)
    flat[:] = 0
    for n in range(bins):
        row = 2 * n if n < len(power) else 2 * (bins - 1 - n) + 1
        place, below = np.uint64(row) * frames, np.uint64(lower[n]) * count
        above = below + count
        falling, rising = weights[n, 0] * response[n], weights[n, 1] * response[n]
        for frame in range(count):
            flat[below + frame] += falling * values[place + frame]
            flat[above + frame] += rising * values[place + frame]


@compiled
def _decibels(power, floor):
    """Of one window's power ``[n]``, in place; what lies below ``floor`` of the largest is raised.

    A number is 2^e m with m within a factor sqrt(2) of 1, and log m is twice the inverse hyperbolic
    tangent of (m - 1) / (m + 1): five terms of its series are exact to float32's rounding, and
    unlike the library's logarithm they vectorise.
    """
    bits, exponents = power.view(np.int32), np.empty(len(power), np.int32)
    largest = np.int32(0)
    for n in range(len(bits)):  # positive numbers have the order of their bits
        largest = max(largest, bits[n])
    limit = np.full(1, largest).view(np.float32) * floor
    limit[0] = max(limit[0], np.float32(1e-10))
    least = limit.view(np.int32)[0]
    for n in range(len(bits)):
        number = max(bits[n], least)
        exponents[n] = np.int32(number - ROOT_OF_HALF) >> np.int32(23)
        bits[n] = number - np.int32(exponents[n] << np.int32(23))
    for n in range(len(power)):
        x = (power[n] - np.float32(1)) / (power[n] + np.float32(1))
        s = x * x
        y = s * np.float32(1 / 9) + np.float32(1 / 7)
        y = s * y + np.float32(1 / 5)
        y = s * y + np.float32(1 / 3)
        y = np.float32(2) * (x + x * s * y)
        power[n] = (np.float32(LOG_2) * np.float32(exponents[n]) + y) * np.float32(10 / LOG_10)


class FrontEnd(NamedTuple):
    """What features are made with: window, hop, mel filters (see ``two_filters``) and floor."""

    window: np.ndarray
    hop: int
    lower: np.ndarray
    weights: np.ndarray
    floor: np.float32


class Room(NamedTuple):
    """Where a window's features are worked out.

    Attributes:
        waveform: float32 ``[samples]``, put in by those who want its features.
        samples: the same with its edges.
    """

    waveform: np.ndarray
    samples: np.ndarray
    transform: np.ndarray
    power: np.ndarray
    decibels: np.ndarray


@compiled
def new_room(length, front):
    """For a window of ``length`` samples."""
    edge, count = len(front.window) // 2, length // front.hop + 1
    frames = -(-count // FRAMES) * FRAMES
    samples = np.zeros(max((frames - 1) * front.hop, length) + 2 * edge, np.float32)
    return Room(
        samples[edge : edge + length],
        samples,
        np.empty(ROOM, np.float32),
        np.empty((edge // 2 + 1, 2, frames), np.float32),
        np.empty((front.lower.max() + 2, count), np.float32),
    )


@compiled
def window_features(room, response, front, dct, features):
    """Features ``[coefficient or mel bin, frame]`` of one window, frames centred, edges reflected.

    ``response``: ``[bins]``; ``dct``: none for mel bins.
    """
    samples, edge = room.samples, len(front.window) // 2
    end = edge + len(room.waveform)
    for n in range(edge):
        samples[n] = samples[2 * edge - n]
        samples[end + n] = samples[end - 2 - n]
    power_spectra(samples, front.window, front.hop, room.transform, room.power)
    _add_filters(room.power, response, front.lower, front.weights, room.decibels)
    _decibels(room.decibels.reshape(-1), front.floor)
    if dct is None:
        features[:] = room.decibels
    else:
        np.dot(dct, room.decibels, features)


@compiled
def _features(waveforms, response, front, dct, features):
    room = new_room(waveforms.shape[1], front)
    for item in range(len(waveforms)):
        room.waveform[:] = waveforms[item]
        window_features(room, response[item], front, dct, features[item])


def two_filters(mel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mel filters ``[bins, mel bins]`` as the lower of two neighbours and the weights of both."""
    lower = np.minimum(np.argmax(mel > 0, axis=1), mel.shape[1] - 2)
    weights = np.take_along_axis(mel, lower[:, np.newaxis] + [0, 1], axis=1)
    if not np.array_equal(weights.sum(axis=1), mel.sum(axis=1)):
        raise ValueError("mel: a bin lies in more than two neighbouring filters")
    return lower, weights


class CompiledFeatures:
    """What ``layer`` computes, to float32's rounding, as NumPy arrays.

    Attributes:
        front, dct: for kernels that call ``window_features`` by themselves.
    """

    def __init__(self, layer: Features):
        if layer.fft_length != FFT_LENGTH:
            raise ValueError(f"fft_length: expected {FFT_LENGTH}, got {layer.fft_length}")
        self.layer = layer
        floor = np.float32(10 ** (-layer.floor_db / 10))
        self.front = FrontEnd(layer.window, layer.hop_length, *two_filters(layer.mel), floor)
        self.dct = None if layer.dct is None else np.ascontiguousarray(layer.dct.T)

    def shape(self, samples: int) -> tuple[int, int, int]:
        """Shape of the features of a window of so many samples."""
        return self.layer.compute_output_shape((samples,))

    def __call__(self, waveforms: np.ndarray, response: np.ndarray | None = None) -> np.ndarray:
        """As ``Features``: float32 ``[batch, samples]`` and ``[batch, 1, bins]`` -> features."""
        if response is None:
            response = np.ones((len(waveforms), 1, len(self.front.lower)), np.float32)
        features = np.empty((len(waveforms), *self.shape(waveforms.shape[1])), np.float32)
        _features(waveforms, response[:, 0], self.front, self.dct, features[..., 0])
        return features
