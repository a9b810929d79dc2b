"""The detector in floating point, in NumPy: what ``atomicvad.model`` computes for windows."""

from collections.abc import Sequence

import numpy as np

from atomicvad.audio.signal import SAMPLE_RATE
from atomicvad.device.integer.tables import BANDS, FFT_LENGTH, FRAME, HOP, WINDOW

EPSILON = 1e-3  # of the layer normalisation
AT_ONCE = 16  # windows
Arrays = Sequence[np.ndarray]


class FloatEngine:
    """Scores windows with one or several models, which share the front end.

    Args:
        models: their 26 arrays, in the order of Keras' ``get_weights``.
    """

    unit = 1.0  # of a logit

    def __init__(self, models: Sequence[Arrays]):
        self.models = list(models)

    def windows(self, samples: np.ndarray, step: int = WINDOW) -> np.ndarray:
        """Logits of the windows of 10,080 samples that begin every ``step`` samples.

        Args:
            samples: float ``[10080 + (n - 1) * step]`` in ±1, 16 kHz; what is over is left aside.
            step: in samples.

        Returns:
            float64 ``[n, models]``.
        """
        count = max(0, (len(samples) - WINDOW) // step + 1)
        logits = np.zeros((count, len(self.models)))
        if not count:
            return logits
        windows = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::step][:count]
        for first in range(0, count, AT_ONCE):
            features = mfcc(windows[first : first + AT_ONCE])
            for number, model in enumerate(self.models):
                logits[first : first + AT_ONCE, number] = network(features, model)
        return logits


def _mel_matrix() -> np.ndarray:
    """Triangular mel filters from 20 Hz to 8 kHz, ``[257, 64]``."""

    def mel(hertz: np.ndarray) -> np.ndarray:
        return 1127.0 * np.log1p(hertz / 700.0)

    low, high = mel(np.array([20.0, SAMPLE_RATE / 2]))
    edges = np.linspace(low, high, BANDS + 2)
    place = mel(np.arange(FFT_LENGTH // 2 + 1) * SAMPLE_RATE / FFT_LENGTH)[:, np.newaxis]
    rising = (place - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - place) / (edges[2:] - edges[1:-1])
    filters = np.maximum(0, np.minimum(rising, falling))
    filters[0] = 0
    return filters


_MEL = _mel_matrix()
_DCT = 2 * np.cos(np.pi * np.outer(np.arange(BANDS) + 0.5, np.arange(BANDS)) / BANDS)
_DCT /= np.sqrt(2 * BANDS)


def mfcc(windows: np.ndarray) -> np.ndarray:
    """MFCC ``[n, 64, 64]`` (coefficient, frame) of windows ``[n, 10080]``."""
    edge = FFT_LENGTH // 2
    padded = np.pad(windows.astype(np.float64), ((0, 0), (edge, edge)), "reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, FFT_LENGTH, 1)[:, ::HOP]
    window = np.zeros(FFT_LENGTH)
    margin = (FFT_LENGTH - FRAME) // 2
    window[margin:-margin] = 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)
    power = np.abs(np.fft.rfft(frames * window)) ** 2 @ _MEL
    decibels = 10 * np.log10(np.maximum(power, 1e-10))
    decibels = np.maximum(decibels, decibels.max((1, 2), keepdims=True) - 80)
    return (decibels @ _DCT).transpose(0, 2, 1)


def network(features: np.ndarray, model: Arrays) -> np.ndarray:
    """Logits of speech ``[n]`` of MFCC ``[n, 64, 64]``."""
    first, second = unit_inputs(features, model)
    x = _after_unit(second, model[12:24]) + _pooled(_after_unit(first, model[:12]), 7)
    outputs = x.reshape(len(x), -1) @ model[24] + model[25]
    return outputs[:, 1] - outputs[:, 0]


def unit_inputs(features: np.ndarray, model: Arrays) -> tuple[np.ndarray, np.ndarray]:
    """What both growing cosine units hear of MFCC ``[n, 64, 64]``.

    Returns:
        ``[n, 13, 13, 8]`` and ``[n, 2, 2, 8]``.
    """
    patches = _patches(features, 7)  # [n, row, column, 7, 7]
    x = np.tensordot(patches, model[0][:, :, 0], 2) + model[1]
    first = _before_unit(_pooled(x, 5), model[:12])
    patches = _patches(_after_unit(first, model[:12]), 3)  # [n, row, column, channel, 3, 3]
    x = np.einsum("nrcfij,ijf->nrcf", patches, model[12][..., 0]) + model[13]
    return first, _before_unit(_pooled(x, 7), model[12:24])


def _patches(x: np.ndarray, size: int) -> np.ndarray:
    """Neighbourhoods of every place of ``[n, row, column, …]``, zeros around."""
    edge = size // 2
    padded = np.pad(x, ((0, 0), (edge, edge), (edge, edge), *[(0, 0)] * (x.ndim - 3)))
    return np.lib.stride_tricks.sliding_window_view(padded, (size, size), (1, 2))


def _pooled(x: np.ndarray, size: int) -> np.ndarray:
    """Largest of ``size`` by ``size`` places of ``[n, row, column, channel]``."""
    n, rows, columns, channels = x.shape
    padding = [(0, 0), (0, -rows % size), (0, -columns % size), (0, 0)]
    padded = np.pad(x, padding, constant_values=-np.inf)
    shape = (n, padded.shape[1] // size, size, padded.shape[2] // size, size, channels)
    return padded.reshape(shape).max((2, 4))


def _before_unit(x: np.ndarray, block: Arrays) -> np.ndarray:
    """Layer normalisation and 1x1 of a block of 12 arrays."""
    gamma, beta, expand, expand_bias = block[2:6]
    spread = np.sqrt(x.var(-1, keepdims=True) + EPSILON)
    x = (x - x.mean(-1, keepdims=True)) / spread * gamma + beta
    return x @ expand[0, 0] + expand_bias


def _after_unit(x: np.ndarray, block: Arrays) -> np.ndarray:
    """Growing cosine unit and 1x1 of a block of 12 arrays."""
    w1, w2, b1, b2, reduce, reduce_bias = block[6:]
    x = (w1 * x + b1) * np.cos(w2 * x + b2)
    return x @ reduce[0, 0] + reduce_bias
