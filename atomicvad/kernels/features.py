"""The features layer for a CPU: window by window, which the cache holds.

TensorFlow carries every step of ``Features`` over a whole batch, and memory sets the pace. Here the
mel filters are also taken as what they are: no bin lies in more than two of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np

from atomicvad.kernels.compile import compiled
from atomicvad.kernels.fft import FFT_LENGTH, FRAMES, WORKSPACE, power_spectra

if TYPE_CHECKING:
    from atomicvad.layers.features import Features

LOG_2, LOG_10 = np.log(2), np.log(10)
ROOT_OF_HALF = np.float32(np.sqrt(0.5)).view(np.int32)  # its bits


class FrontEnd(NamedTuple):
    """What features are made with.

    Attributes:
        window: float32 ``[FFT_LENGTH]``.
        hop: samples between two frames.
        lower: int64 ``[bins]``, of each bin the lower of its two mel filters.
        weights: float32 ``[bins, 2]``, of the bin in both.
        floor: smallest mel power, as a share of the window's largest.
    """

    window: np.ndarray
    hop: int
    lower: np.ndarray
    weights: np.ndarray
    floor: np.float32


class Workspace(NamedTuple):
    """Where a window's features are computed; arrays are float32.

    Attributes:
        waveform: ``[window samples]``, to be filled by the caller.
        samples: ``[edge + window samples + edge + …]``; ``waveform`` is a view of it.
        transform: ``[fft.WORKSPACE]``.
        power: ``[129, 2, frames]`` as of ``fft.power_spectra``.
        decibels: ``[mel bins, frames of the window]``, mel power until it is turned into decibels.
    """

    waveform: np.ndarray
    samples: np.ndarray
    transform: np.ndarray
    power: np.ndarray
    decibels: np.ndarray


@compiled
def new_workspace(length, front):
    """The workspace for a window of ``length`` samples and a ``FrontEnd``."""
    edge, count = len(front.window) // 2, length // front.hop + 1
    frames = -(-count // FRAMES) * FRAMES
    samples = np.zeros(max((frames - 1) * front.hop, length) + 2 * edge, np.float32)
    return Workspace(
        samples[edge : edge + length],
        samples,
        np.empty(WORKSPACE, np.float32),
        np.empty((edge // 2 + 1, 2, frames), np.float32),
        np.empty((front.lower.max() + 2, count), np.float32),
    )


@compiled
def _add_filters(power, response, lower, weights, mel_power):
    """Mel power of one window.

    Args:
        power: float32 ``[129, 2, frames]`` as of ``fft.power_spectra``.
        response: float32 ``[bins]``, by which the power is multiplied.
        lower, weights: int64 ``[bins]`` and float32 ``[bins, 2]``, see ``FrontEnd``.
        mel_power: float32 ``[mel bins, frames of the window]``, written.
    """
    bins, count, frames = len(lower), np.uint64(mel_power.shape[1]), np.uint64(power.shape[2])
    flat_power, flat_mel = power.reshape(-1), mel_power.reshape(-1)
    flat_mel[:] = 0
    for n in range(bins):
        row = 2 * n if n < len(power) else 2 * (bins - 1 - n) + 1
        bin_start, lower_start = np.uint64(row) * frames, np.uint64(lower[n]) * count
        upper_start = lower_start + count
        falling, rising = weights[n, 0] * response[n], weights[n, 1] * response[n]
        for frame in range(count):
            flat_mel[lower_start + frame] += falling * flat_power[bin_start + frame]
            flat_mel[upper_start + frame] += rising * flat_power[bin_start + frame]


@compiled
def _decibels(power, floor):
    """Turn one window's mel power into decibels, in place.

    A number is 2^e m with m within a factor sqrt(2) of 1, and log m is twice the inverse hyperbolic
    tangent of (m - 1) / (m + 1): five terms of its series are exact to float32's rounding, and
    unlike the library's logarithm they vectorise.

    Args:
        power: float32 ``[mel bins * frames]``.
        floor: float32; what lies below ``floor`` times the largest power is raised to that.
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
def _transform(matrix, x, out):
    """``matrix @ x``; a library would choose the order of its sums by processor.

    Args:
        matrix: float32 ``[rows, inner]``.
        x: float32 ``[inner, columns]``.
        out: float32 ``[rows, columns]``, written.
    """
    flat, columns, whole = x.reshape(-1), np.uint64(x.shape[1]), len(x) // 8 * 8
    for row in range(len(matrix)):
        line, weights = out[row], matrix[row]
        line[:] = 0
        for k in range(0, whole, 8):  # eight rows at once: the sum is read and written less often
            w0, w1, w2, w3 = weights[k], weights[k + 1], weights[k + 2], weights[k + 3]
            w4, w5, w6, w7 = weights[k + 4], weights[k + 5], weights[k + 6], weights[k + 7]
            a = np.uint64(k) * columns
            b, c, d = a + columns, a + np.uint64(2) * columns, a + np.uint64(3) * columns
            e = a + np.uint64(4) * columns
            f, g, h = e + columns, e + np.uint64(2) * columns, e + np.uint64(3) * columns
            for n in range(columns):
                lower = w0 * flat[a + n] + w1 * flat[b + n] + w2 * flat[c + n] + w3 * flat[d + n]
                upper = w4 * flat[e + n] + w5 * flat[f + n] + w6 * flat[g + n] + w7 * flat[h + n]
                line[n] += lower + upper
        for k in range(whole, len(x)):
            weight, values = weights[k], x[k]
            for n in range(len(line)):
                line[n] += weight * values[n]


@compiled
def window_features(workspace, response, front, dct, features):
    """Features of one window: frames centred, edges reflected.

    Args:
        workspace: a ``Workspace`` whose ``waveform`` holds the window.
        response: float32 ``[bins]``, power response of a channel.
        front: a ``FrontEnd``.
        dct: float32 ``[coefficients, mel bins]``, or ``None`` for decibels of the mel bins.
        features: float32 ``[coefficients or mel bins, frames]``, written.
    """
    samples, edge = workspace.samples, len(front.window) // 2
    end = edge + len(workspace.waveform)
    for n in range(edge):
        samples[n] = samples[2 * edge - n]
        samples[end + n] = samples[end - 2 - n]
    power_spectra(samples, front.window, front.hop, workspace.transform, workspace.power)
    _add_filters(workspace.power, response, front.lower, front.weights, workspace.decibels)
    _decibels(workspace.decibels.reshape(-1), front.floor)
    if dct is None:
        features[:] = workspace.decibels
    else:
        _transform(dct, workspace.decibels, features)


@compiled
def _features(waveforms, response, front, dct, features):
    """``window_features`` of a batch.

    Args:
        waveforms: float32 ``[batch, samples]``.
        response: float32 ``[batch, bins]``.
        front, dct: see ``window_features``.
        features: float32 ``[batch, coefficients or mel bins, frames]``, written.
    """
    workspace = new_workspace(waveforms.shape[1], front)
    for item in range(len(waveforms)):
        workspace.waveform[:] = waveforms[item]
        window_features(workspace, response[item], front, dct, features[item])


def two_filters(mel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mel filters, float32 ``[bins, mel bins]``, as two of them for each bin.

    Returns:
        The lower of two neighbouring filters, int64 ``[bins]``, and the weights of the bin in both,
        float32 ``[bins, 2]``.

    Raises:
        ValueError: a bin lies in more than two neighbouring filters.
    """
    lower = np.minimum(np.argmax(mel > 0, axis=1), mel.shape[1] - 2)
    weights = np.take_along_axis(mel, lower[:, np.newaxis] + [0, 1], axis=1)
    if not np.array_equal(weights.sum(axis=1), mel.sum(axis=1)):
        raise ValueError("mel: a bin lies in more than two neighbouring filters")
    return lower, weights


def fast_features(layer: Features) -> CompiledFeatures | PlainFeatures:
    """The layer as a function on NumPy arrays: compiled where its sizes allow it."""
    compiled_sizes = layer.fft_length == FFT_LENGTH and layer.mel.shape[1] > 1
    return CompiledFeatures(layer) if compiled_sizes else PlainFeatures(layer)


class PlainFeatures:
    """``layer`` itself, as a function on NumPy arrays."""

    def __init__(self, layer: Features):
        self.layer = layer

    def __call__(self, waveforms: np.ndarray, response: np.ndarray | None = None) -> np.ndarray:
        """Features of a batch; shapes as of ``CompiledFeatures``."""
        return cast("np.ndarray", self.layer(waveforms, response).numpy())


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

    def shape(self, samples: int) -> tuple[int, ...]:
        """Shape of the features of a window of so many samples."""
        return cast("tuple[int, ...]", self.layer.compute_output_shape((samples,)))

    def __call__(self, waveforms: np.ndarray, response: np.ndarray | None = None) -> np.ndarray:
        """Features of a batch.

        Args:
            waveforms: float32 ``[batch, samples]``.
            response: float32 ``[batch, 1, bins]``, power response of a channel.

        Returns:
            float32 ``[batch, coefficients or mel bins, frames, 1]``.
        """
        if response is None:
            response = np.ones((len(waveforms), 1, len(self.front.lower)), np.float32)
        features = np.empty((len(waveforms), *self.shape(waveforms.shape[1])), np.float32)
        _features(waveforms, response[:, 0], self.front, self.dct, features[..., 0])
        return features
