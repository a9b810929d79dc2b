"""The features layer for a CPU: window by window, which the cache holds.

TensorFlow carries every step of ``Features`` over a whole batch, and memory sets the pace. Here the
mel filters are also taken as what they are: no bin lies in more than two of them.
"""

import numpy as np

from atomicvad.layers.features import Features
from atomicvad.layers.fourier import FFT_LENGTH, IMAGINARY, LANES, power_spectra
from atomicvad.layers.kernels import compiled

AT_ONCE = 16  # windows whose mel power fits into 256 kB
LOG_2, LOG_10 = np.log(2), np.log(10)
ROOT_OF_HALF = np.float32(np.sqrt(0.5)).view(np.int32)  # its bits


@compiled
def _add_to_both(below, above, power, falling, rising):
    for frame in range(len(below)):
        below[frame] += falling * power[frame]
        above[frame] += rising * power[frame]


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


@compiled
def _mel_decibels(waveforms, response, window, hop, lower, weights, floor):
    """Decibels in mel bins ``[batch, mel bin, frame]``, frames centred, edges reflected.

    ``response``: ``[batch, bins]``; for ``lower`` and ``weights`` see ``two_filters``.
    """
    batch, length = waveforms.shape
    edge, count, bins = len(window) // 2, length // hop + 1, len(lower)
    frames = -(-count // LANES) * LANES
    samples = np.zeros(max((frames - 1) * hop, length) + len(window), np.float32)
    block = np.empty(2 * IMAGINARY, np.float32)
    power = np.empty((edge // 2 + 1, 2, frames), np.float32)
    result = np.zeros((batch, lower.max() + 2, count), np.float32)
    for item in range(batch):
        samples[edge : edge + length] = waveforms[item]
        for n in range(edge):
            samples[n] = waveforms[item, edge - n]
            samples[edge + length + n] = waveforms[item, length - 2 - n]
        power_spectra(samples, window, hop, block, power)
        for n in range(bins):
            of_bin = power[n, 0] if n < len(power) else power[bins - 1 - n, 1]
            falling, rising = weights[n, 0] * response[item, n], weights[n, 1] * response[item, n]
            below, above = result[item, lower[n]], result[item, lower[n] + 1]
            _add_to_both(below, above, of_bin, falling, rising)
        _decibels(result[item].reshape(-1), floor)
    return result


def two_filters(mel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mel filters ``[bins, mel bins]`` as the lower of two neighbours and the weights of both."""
    lower = np.minimum(np.argmax(mel > 0, axis=1), mel.shape[1] - 2)
    weights = np.take_along_axis(mel, lower[:, np.newaxis] + [0, 1], axis=1)
    if not np.array_equal(weights.sum(axis=1), mel.sum(axis=1)):
        raise ValueError("mel: a bin lies in more than two neighbouring filters")
    return lower, weights


class CompiledFeatures:
    """What ``layer`` computes, to float32's rounding, as NumPy arrays."""

    def __init__(self, layer: Features):
        if layer.fft_length != FFT_LENGTH:
            raise ValueError(f"fft_length: expected {FFT_LENGTH}, got {layer.fft_length}")
        self.layer = layer
        self.lower, self.weights = two_filters(layer.mel)

    def shape(self, waveforms: np.ndarray) -> tuple[int, int, int]:
        """Shape of one window's features."""
        return self.layer.compute_output_shape(waveforms.shape)[1:]

    def __call__(self, waveforms, response=None, features=None) -> np.ndarray:
        """As ``Features``: float32 ``[batch, samples]`` and ``[batch, 1, bins]`` -> features.

        ``features``: where they go; a new array by default.
        """
        if response is None:
            response = np.ones((len(waveforms), 1, len(self.lower)), np.float32)
        if features is None:
            features = np.empty((len(waveforms), *self.shape(waveforms)), np.float32)
        for first in range(0, len(waveforms), AT_ONCE):
            part = slice(first, first + AT_ONCE)
            self._some(waveforms[part], response[part, 0], features[part, ..., 0])
        return features

    def _some(self, waveforms, response, features):
        layer = self.layer
        decibels = _mel_decibels(
            waveforms,
            response,
            layer.window,
            layer.hop_length,
            self.lower,
            self.weights,
            np.float32(10 ** (-layer.floor_db / 10)),
        )
        if layer.dct is None:
            features[:] = decibels
        else:
            np.matmul(layer.dct.T, decibels, out=features)
