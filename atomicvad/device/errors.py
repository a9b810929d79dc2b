"""The error of each step of the integer detector, compared with the same steps in float64."""

import keras
import numpy as np
import pandas as pd

from atomicvad.audio.signal import SAMPLE_RATE
from atomicvad.device.integer import front_end, network
from atomicvad.device.integer.detector import EDGE, block_logits, pooled_sums, window_logarithms
from atomicvad.device.integer.tables import FFT_LENGTH, FRAME, FRAMES, HOP
from atomicvad.device.integer.weights import (
    EPSILON,
    LARGEST,
    LOGIT_BITS,
    NORMAL_BITS,
    integer_weights,
)
from atomicvad.layers.features import dct_matrix, mel_matrix

DECIBELS = 10 * np.log10(2)


def exact_steps(model: keras.Model, windows: np.ndarray) -> dict[str, np.ndarray]:
    """The detector's steps in float64, of 16-bit windows ``[n, 10080]``.

    Returns:
        By step: ``decibels`` ``[n, 64, 64]`` and ``mfcc`` (frame, band or coefficient), ``pooled``
        ``[n, 13, 13, 3]`` (column, row) with its bias, ``normalised``, ``unit``
        ``[n, 13, 13, 8]``, ``block`` ``[n, 13, 13, 2]``, ``logit`` ``[n]``.
    """
    w = [np.asarray(weight, np.float64) for weight in model.get_weights()]
    edge = FFT_LENGTH // 2
    padded = np.pad(windows / 2.0**15, [(0, 0), (edge, edge)], mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, FFT_LENGTH, -1)[:, ::HOP][:, :FRAMES]
    hamming = 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)
    margin = (FFT_LENGTH - FRAME) // 2
    power = np.abs(np.fft.rfft(frames * np.pad(hamming, margin))) ** 2
    mel = mel_matrix(64, FFT_LENGTH, SAMPLE_RATE).astype(np.float64)
    decibels = 10 * np.log10(np.maximum(power @ mel, 1e-10))
    decibels = np.maximum(decibels, decibels.max((1, 2), keepdims=True) - 80)
    mfcc = decibels @ dct_matrix(64, 64).astype(np.float64)
    steps: dict[str, np.ndarray] = {"decibels": decibels, "mfcc": mfcc}

    image = np.pad(mfcc, [(0, 0), (EDGE, EDGE), (EDGE, EDGE)])
    patches = np.lib.stride_tricks.sliding_window_view(image, (7, 7), (1, 2))
    sums = np.einsum("nfckl,lko->nfco", patches, w[0][:, :, 0], optimize=True) + w[1]
    ends = np.pad(sums, [(0, 0), (0, 1), (0, 1), (0, 0)], constant_values=-np.inf)
    pooled = ends.reshape(len(sums), 13, 5, 13, 5, 3).max((2, 4))
    steps["pooled"] = pooled
    steps["normalised"] = _normalised(pooled)
    hidden = (steps["normalised"] * w[2] + w[3]) @ w[4][0, 0] + w[5]
    steps["unit"] = _unit(hidden, w[6:10])
    block = steps["unit"] @ w[10][0, 0] + w[11]
    steps["block"] = block
    around = np.pad(block, [(0, 0), (1, 1), (1, 1), (0, 0)])
    second = w[13] + sum(
        around[:, j : j + 13, i : i + 13] * w[12][i, j, :, 0] for i in range(3) for j in range(3)
    )
    cells = network.pooled_cells(second)
    outputs = _unit((_normalised(cells) * w[14] + w[15]) @ w[16][0, 0] + w[17], w[18:22])
    outputs = outputs @ w[22][0, 0] + w[23] + network.pooled_cells(block)
    dense = w[24][:, 1] - w[24][:, 0]
    steps["logit"] = outputs.reshape(len(windows), 8) @ dense + w[25][1] - w[25][0]
    return steps


def _normalised(values: np.ndarray) -> np.ndarray:
    centred = values - values.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + EPSILON)


def _unit(values: np.ndarray, scalars: list[np.ndarray]) -> np.ndarray:
    w1, w2, b1, b2 = (scalar[0] for scalar in scalars)
    return (w1 * values + b1) * np.cos(w2 * values + b2)


def integer_steps(model: keras.Model, windows: np.ndarray) -> dict[str, np.ndarray]:
    """The steps of ``exact_steps`` by the integer detector, in the same units."""
    weights = integer_weights(model.get_weights())
    logarithms = window_logarithms(windows)
    mfcc = front_end.coefficients(logarithms)
    pooled = pooled_sums(mfcc, weights)
    normalised = network.normalized_sums(pooled, weights)
    hidden = network.unit_outputs(normalised, weights.first_unit)
    block = network.reduced(hidden, weights)
    lacking = np.where(np.arange(mfcc.shape[-1]) == 0, front_end.BIAS, 0)
    return {
        "decibels": (logarithms / 2.0**front_end.LOG_BITS + front_end.REMAINDER) * DECIBELS,
        "mfcc": (mfcc + lacking) / front_end.UNITS,
        "pooled": (pooled + weights.first_bias) * weights.sum_step,
        "normalised": normalised / 2.0**NORMAL_BITS * np.sqrt(normalised.shape[-1]),
        "unit": hidden * weights.first_unit.height / LARGEST,
        "block": block * weights.block_step,
        "logit": block_logits(block, weights) / 2.0**LOGIT_BITS,
    }


STEPS = {
    "decibels": "mel bands in decibels (steps of 0.006)",
    "mfcc": "MFCC (steps of 0.033)",
    "pooled": "first convolution, pooled",
    "normalised": "layer normalisation",
    "unit": "growing cosine units",
    "block": "first block's output",
    "logit": "logit (steps of 0.004)",
}


def step_errors(model: keras.Model, windows: np.ndarray) -> pd.DataFrame:
    """Errors of each step against float64, from the samples on: a row a step.

    Args:
        model: of the paper's architecture.
        windows: 16-bit samples ``[n, 10080]``.

    Returns:
        ``step``, ``typical`` (root mean square of the exact values), and of the absolute errors
        ``median``, ``99.9 %`` (that percentile) and ``largest``.
    """
    exact, found = exact_steps(model, windows), integer_steps(model, windows)
    rows = []
    for step, title in STEPS.items():
        errors = np.abs(found[step] - exact[step])
        typical = np.sqrt((exact[step] ** 2).mean())
        rows.append((title, typical, np.median(errors), np.quantile(errors, 0.999), errors.max()))
    return pd.DataFrame(rows, columns=["step", "typical", "median", "99.9 %", "largest"])
