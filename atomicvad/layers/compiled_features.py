"""The features layer for a CPU: window by window, which the cache holds.

TensorFlow carries every step of ``Features`` over a whole batch, and memory sets the pace. Here the
mel filters are also taken as what they are: no bin lies in more than two of them.
"""

import numba
import numpy as np

from atomicvad.layers.features import Features
from atomicvad.layers.fourier import FFT_LENGTH, IMAGINARY, LANES, power_spectra

AT_ONCE = 16  # windows whose mel power fits into 256 kB
_compiled = numba.njit(
    nogil=True, cache=True, error_model="numpy", fastmath={"contract", "nsz", "reassoc"}
)


@_compiled
def _add_to_both(below, above, power, falling, rising):
    for frame in range(len(below)):
        below[frame] += falling * power[frame]
        above[frame] += rising * power[frame]


@_compiled
def _mel_power(waveforms, response, window, hop, lower, weights):
    """Power in mel bins ``[batch, mel bin, frame]``, frames centred, edges reflected.

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
        power = _mel_power(
            waveforms, response, layer.window, layer.hop_length, self.lower, self.weights
        )
        decibels = np.log(np.maximum(power, 1e-10, out=power), out=power)
        decibels *= np.float32(10 / np.log(10))
        loudest = decibels.max(axis=(1, 2), keepdims=True)
        np.maximum(decibels, loudest - np.float32(layer.floor_db), out=decibels)
        if layer.dct is None:
            features[:] = decibels
        else:
            np.matmul(layer.dct.T, decibels, out=features)
