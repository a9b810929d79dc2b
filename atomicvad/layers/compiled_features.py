"""The features layer for a CPU: a few windows at a time, which the cache holds.

TensorFlow carries every step of ``Features`` over a whole batch, and memory sets the pace. Here the
mel filters are also taken as what they are: no bin lies in more than two of them.
"""

import numba
import numpy as np
import scipy.fft

from atomicvad.layers.features import Features

AT_ONCE = 4  # windows whose frames and spectra fit into 1 MB
_compiled = numba.njit(
    nogil=True, cache=True, error_model="numpy", fastmath={"contract", "nsz", "reassoc"}
)


@_compiled
def _frame(waveforms, window, hop):
    """Windowed frames ``[batch, frame, sample]``, centred, with reflected edges."""
    batch, length = waveforms.shape
    size, count = len(window), length // hop + 1
    edge = size // 2
    frames = np.empty((batch, count, size), np.float32)
    padded = np.empty(length + 2 * edge, np.float32)
    for item in range(batch):
        padded[edge : edge + length] = waveforms[item]
        for n in range(edge):
            padded[n] = waveforms[item, edge - n]
            padded[edge + length + n] = waveforms[item, length - 2 - n]
        for index in range(count):
            frame, piece = frames[item, index], padded[index * hop : index * hop + size]
            for n in range(size):
                frame[n] = piece[n] * window[n]
    return frames


@_compiled
def _mel_power(spectra, response, lower, weights):
    """Filtered power in mel bins ``[batch, mel bin, frame]``; see ``two_filters``."""
    batch, count, bins = spectra.shape
    power = np.zeros((batch, lower.max() + 2, count), np.float32)
    for item in range(batch):
        for n in range(bins):
            below, above = power[item, lower[n]], power[item, lower[n] + 1]
            falling, rising = weights[n, 0] * response[item, n], weights[n, 1] * response[item, n]
            for frame in range(count):
                value = spectra[item, frame, n]
                energy = value.real * value.real + value.imag * value.imag
                below[frame] += falling * energy
                above[frame] += rising * energy
    return power


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
        self.layer = layer
        self.lower, self.weights = two_filters(layer.mel)

    def __call__(self, waveforms: np.ndarray, response: np.ndarray | None = None) -> np.ndarray:
        """As ``Features``: float32 ``[batch, samples]`` and ``[batch, 1, bins]`` -> features."""
        if response is None:
            response = np.ones((len(waveforms), 1, len(self.lower)), np.float32)
        parts = [slice(first, first + AT_ONCE) for first in range(0, len(waveforms), AT_ONCE)]
        return np.concatenate([self._few(waveforms[part], response[part, 0]) for part in parts])

    def _few(self, waveforms, response):
        layer = self.layer
        spectra = scipy.fft.rfft(_frame(waveforms, layer.window, layer.hop_length))
        power = _mel_power(spectra, response, self.lower, self.weights)
        decibels = np.log(np.maximum(power, 1e-10, out=power), out=power)
        decibels *= np.float32(10 / np.log(10))
        loudest = decibels.max(axis=(1, 2), keepdims=True)
        np.maximum(decibels, loudest - np.float32(layer.floor_db), out=decibels)
        features = decibels if layer.dct is None else layer.dct.T @ decibels
        return features[..., np.newaxis]
