"""MFCC to the logit of speech in integers."""

import numpy as np

from atomicvad.device.integer.front_end import bit_length
from atomicvad.device.integer.tables import RSQRT
from atomicvad.device.integer.weights import (
    NORMAL_BITS,
    UNIT_BITS,
    IntegerWeights,
    Normalization,
    Unit,
)

FIRST_POOL, SECOND_POOL = 5, 7
CELLS = 13  # rows of the first block's output, and its columns in a window
GROUPS = (slice(0, SECOND_POOL), slice(SECOND_POOL, CELLS))  # of rows or columns, pooled once more


def first_convolution(mfcc: np.ndarray, weights: IntegerWeights) -> np.ndarray:
    """First convolution of columns ``[..., frames + 6, 64]``: ``[..., frames, 64, 3]``.

    Above and below the coefficients lie zeros; what lies before and after is in the input.
    """
    rows = np.pad(mfcc, [(0, 0)] * (mfcc.ndim - 1) + [(3, 3)])
    patches = np.lib.stride_tricks.sliding_window_view(rows, (7, 7), (-2, -1))
    kernel = weights.first.transpose(2, 1, 0).reshape(49, 3)  # frame, coefficient, filter
    # Sums of products below 2**53: exact in float64, in whatever order.
    flat = patches.reshape(*patches.shape[:-2], 49).astype(np.float64)
    sums = (flat @ kernel.astype(np.float64)).astype(np.int64)
    sums[..., :4, :] += weights.first_edge
    return sums


def pooled_rows(sums: np.ndarray) -> np.ndarray:
    """Largest of five neighbouring rows ``[..., 64, 3]``: ``[..., 13, 3]``; the last of four."""
    padded = np.concatenate([sums, sums[..., -1:, :]], -2)
    return padded.reshape(*sums.shape[:-2], CELLS, FIRST_POOL, 3).max(-2)


def normalized(differences: np.ndarray, squares: Normalization) -> np.ndarray:
    """Vectors ``[..., n]`` of length 1 or less, Q14: ``d / sqrt(sum of d d + epsilon)``."""
    bits = bit_length(np.abs(differences).max(-1, keepdims=True))
    shift = np.maximum(bits - NORMAL_BITS, squares.least_shift)
    short = differences >> shift
    total = (short * short).sum(-1, keepdims=True)
    total += squares.epsilon >> np.minimum(2 * (shift - squares.least_shift), 31)
    even = (32 - bit_length(total)) & ~1
    normal = total << even
    index, rest = (normal >> 25) - 32, (normal >> 9) & 0xFFFF
    index = np.maximum(index, 0)  # of a total of 0, whose differences are 0
    inverse = RSQRT[index] - (((RSQRT[index] - RSQRT[index + 1]) * rest) >> 16)
    last = 31 - NORMAL_BITS - even // 2
    return (short * inverse + (1 << (last - 1))) >> last


def unit_outputs(values: np.ndarray, unit: Unit) -> np.ndarray:
    """Growing cosine units of normalised values ``[..., inputs]``: ``[..., hidden]``, 16 bits."""
    inputs = (values[..., np.newaxis, :] * unit.weights).sum(-1) + unit.biases
    inputs = np.clip(inputs, 0, 2**UNIT_BITS - 1)
    step = UNIT_BITS - 8
    index, rest = inputs >> step, (inputs >> (step - 14)) & 0x3FFF
    return unit.table[index] + (((unit.table[index + 1] - unit.table[index]) * rest + 0x2000) >> 14)


def normalized_sums(pooled: np.ndarray, weights: IntegerWeights) -> np.ndarray:
    """Layer normalisation of pooled sums ``[..., 3]`` before its scale and shift, Q14."""
    eighths = (pooled + weights.first_bias) >> 3
    differences = 3 * eighths - eighths.sum(-1, keepdims=True)
    return normalized(differences, weights.first_normal)


def reduced(hidden: np.ndarray, weights: IntegerWeights) -> np.ndarray:
    """The first block's output of its units' ``[..., 8]``: ``[..., 2]``, 16 bits."""
    return (hidden @ weights.reduce.T + weights.reduce_bias + 2**15) >> 16


def first_block(pooled: np.ndarray, weights: IntegerWeights) -> np.ndarray:
    """The first block's output of pooled sums ``[..., 3]``: ``[..., 2]``, 16 bits."""
    return reduced(unit_outputs(normalized_sums(pooled, weights), weights.first_unit), weights)


def second_convolution(columns: np.ndarray, weights: IntegerWeights) -> np.ndarray:
    """Depthwise convolution of ``[..., columns + 2, 13, 2]``: ``[..., columns, 13, 2]``, 16 bits.

    Above and below lie zeros; the columns before and after are in the input.
    """
    padded = np.pad(columns, [(0, 0)] * (columns.ndim - 2) + [(1, 1), (0, 0)])
    count = columns.shape[-3] - 2
    sums = sum(
        padded[..., frame : frame + count, row : row + CELLS, :] * weights.second[:, row, frame]
        for row in range(3)
        for frame in range(3)
    )
    return (sums + weights.second_bias + 2**15) >> 16


def pooled_cells(values: np.ndarray) -> np.ndarray:
    """Largest of rows 0-6 and 7-12, columns 0-6 and 7-12: ``[..., 13, 13, 2]`` to ``[..., 4, 2]``.

    Axes: column, row, channel; cells: row by row.
    """
    cells = [values[..., column, row, :].max((-3, -2)) for row in GROUPS for column in GROUPS]
    return np.stack(cells, -2)


def logits(cells: np.ndarray, skip: np.ndarray, weights: IntegerWeights) -> np.ndarray:
    """Logits in steps of 1 / 256, rounded down, of pooled cells ``[..., 4, 2]``.

    Args:
        cells: of the depthwise convolution.
        skip: of the first block's output.
        weights: of the detector.
    """
    differences = cells[..., :1] - cells[..., 1:]
    hidden = unit_outputs(normalized(differences, weights.second_normal), weights.second_unit)
    total = (hidden * weights.output).sum((-2, -1)) + (skip * weights.skip).sum((-2, -1))
    return np.clip((total + weights.output_bias) >> weights.output_shift, -32767, 32767)
