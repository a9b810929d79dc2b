"""Weights of a trained model as integers, each range following from the weights alone.

A linear layer's weights are scaled so that no input, however chosen, makes its sum leave 32 bits.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from atomicvad.device.integer.front_end import BIAS, UNITS
from atomicvad.errors import AtomicVADError

SUM = 2**31 - 2**16  # what a sum may reach
LARGEST = 32767
NORMAL_BITS = 14  # after the point of a normalised value
UNIT_BITS = 29  # the range of a unit's inputs, from 0 on
UNIT_STEPS = 256
EPSILON = 1e-3  # of the layer normalisation
LOGIT_BITS = 8
COEFFICIENT = 34200  # the largest coefficient, with what coefficient 0 lacks
TURNS = 6.0  # of a unit's cosine over its range, at most; more would need a longer table


@dataclass(frozen=True)
class Normalization:
    """Where a layer normalisation begins to count bits, and its epsilon there."""

    least_shift: int
    epsilon: int


@dataclass(frozen=True)
class Unit:
    """Convolution 1x1, growing cosine unit: weights ``[hidden, inputs]``, biases ``[hidden]``.

    Args:
        table: the unit at 257 points from the least to the greatest input, 16 bits.
        least, greatest: what these inputs are in floating point.
        height: what 32767 in the table is.
    """

    weights: np.ndarray
    biases: np.ndarray
    table: np.ndarray
    least: float
    greatest: float
    height: float


@dataclass(frozen=True)
class IntegerWeights:
    """All weights of the integer network; arrays of int64 that hold 16 or 32 bits.

    Args:
        first: first convolution, ``[filter, coefficient, frame]`` of 7x7, 16 bits.
        first_edge: what coefficient 0 lacks, for outputs 0 to 3: ``[output, filter]``.
        first_bias: ``[filter]``.
        second: depthwise convolution, ``[channel, coefficient, frame]`` of 3x3; ``second_bias``.
        reduce: convolution 1x1 of the first block, ``[channel, hidden]``; ``reduce_bias``.
        output: last layers of the second block and the dense layer in one, ``[cell, hidden]``.
        skip: of the pooled first block, ``[cell, channel]``; ``output_bias``.
        output_shift: from the last sum to the logit.
        sum_step, block_step: what a step of the first sums and of the first block's output is.
    """

    first: np.ndarray
    first_edge: np.ndarray
    first_bias: np.ndarray
    first_normal: Normalization
    first_unit: Unit
    reduce: np.ndarray
    reduce_bias: np.ndarray
    second: np.ndarray
    second_bias: np.ndarray
    second_normal: Normalization
    second_unit: Unit
    output: np.ndarray
    skip: np.ndarray
    output_bias: int
    output_shift: int
    sum_step: float
    block_step: float


def integer_weights(arrays: Sequence[np.ndarray]) -> IntegerWeights:
    """The weights of a detector of the paper's architecture.

    Args:
        arrays: its 26 arrays in the order of Keras' ``get_weights``.

    Raises:
        AtomicVADError: weights that are no finite numbers, or too large for tables of 256 steps.
    """
    weights = [np.asarray(weight, np.float64) for weight in arrays]
    if not all(np.isfinite(weight).all() for weight in weights):
        raise AtomicVADError("integer weights: some weights are not finite")
    (kernel, bias, gamma, beta, expand, expand_bias, *unit, reduce, reduce_bias) = weights[:12]
    first_scale = _scale(kernel.reshape(-1, 3).T, bias * UNITS, COEFFICIENT)
    first = _rounded_rows(kernel[:, :, 0].transpose(2, 0, 1) * first_scale)
    unit_1 = _unit(_normal_weights(expand[0, 0], gamma), beta @ expand[0, 0] + expand_bias, unit)
    step = unit_1.height / LARGEST
    scale = _scale(reduce[0, 0].T, reduce_bias / step, LARGEST)
    channel = step / scale * 2**16  # what a step of the first block's output stands for

    (kernel_2, bias_2, gamma, beta, expand, expand_bias, *unit, reduce_2, bias_3) = weights[12:24]
    second_scale = _scale(kernel_2[..., 0].reshape(9, 2).T, bias_2 / channel, LARGEST)
    # Of two normalised values one is the other's negative.
    pair = gamma[0] * expand[0, 0, 0] - gamma[1] * expand[0, 0, 1]
    unit_2 = _unit(pair[:, np.newaxis], beta @ expand[0, 0] + expand_bias, unit)
    dense, dense_bias = weights[24:]
    out = (dense[:, 1] - dense[:, 0]).reshape(4, 2)
    output, skip = out @ reduce_2[0, 0].T * (unit_2.height / LARGEST), out * channel
    constant = (out @ bias_3).sum() + dense_bias[1] - dense_bias[0]
    together = np.concatenate([output.ravel(), skip.ravel()])[np.newaxis]
    bits = int(np.floor(np.log2(_scale(together, np.array([constant]), LARGEST))))
    if bits < LOGIT_BITS:
        raise AtomicVADError(
            f"integer weights: logits may reach {2.0 ** (31 - bits):.1g}; expected below "
            f"{2.0 ** (31 - LOGIT_BITS):.1g}"
        )
    bits = min(bits, LOGIT_BITS + 31)
    return IntegerWeights(
        first=first,
        first_edge=np.array([np.rint(first[:, 3 - row].sum(-1) * BIAS) for row in range(4)]).astype(
            np.int64
        ),
        first_bias=_rounded(bias * UNITS * first_scale),
        first_normal=_normalization(27 * EPSILON, first_scale * UNITS / 8),
        first_unit=unit_1,
        reduce=_rounded(reduce[0, 0].T * scale),
        reduce_bias=_rounded(reduce_bias / step * scale),
        second=_rounded(kernel_2[..., 0] * second_scale).transpose(2, 0, 1),
        second_bias=_rounded(bias_2 / channel * second_scale),
        second_normal=_normalization(4 * EPSILON, second_scale / channel / 2**16),
        second_unit=unit_2,
        output=_rounded(output * 2.0**bits),
        skip=_rounded(skip * 2.0**bits),
        output_bias=int(np.rint(constant * 2.0**bits)),
        output_shift=bits - LOGIT_BITS,
        sum_step=1 / (first_scale * UNITS),
        block_step=channel,
    )


def _rounded(values: np.ndarray) -> np.ndarray:
    return np.rint(values).astype(np.int64)


def _rounded_rows(values: np.ndarray) -> np.ndarray:
    """Rounded so that a sum along the last axis errs by half a step: features change slowly."""
    return np.diff(_rounded(np.cumsum(values, -1)), axis=-1, prepend=0)


def _scale(rows: np.ndarray, biases: np.ndarray, largest: float) -> float:
    """The largest factor of ``rows`` for which sums of products fit, and weights fit 16 bits.

    ``rows``: weights ``[outputs, inputs]`` of inputs up to ``largest``.
    """
    sums = np.abs(rows).sum(1) * largest + np.abs(biases)
    # A rounded weight may be a step larger.
    spare = largest * rows.shape[1]
    return min((SUM - spare) / max(sums.max(), 1e-9), (LARGEST - 1) / max(np.abs(rows).max(), 1e-9))


def _normalization(epsilon: float, unit: float) -> Normalization:
    """For squares of differences in steps of 1 / ``unit``: epsilon below 2**28 after a shift.

    A shift by 31 leaves no difference: of weights so small, epsilon is all there is.
    """
    shift = min(max(0, int(np.ceil(np.log2(epsilon * unit**2 / 2**28) / 2))), 31)
    return Normalization(shift, int(min(np.rint(epsilon * unit**2 / 4.0**shift), 2**28)))


def _normal_weights(expand: np.ndarray, gamma: np.ndarray) -> np.ndarray:
    """Weights ``[hidden, channel]`` of a normalised vector of length 1.

    Their mean over the channels has no effect: normalised values add up to zero.
    """
    weights = (expand * gamma[:, np.newaxis]).T * np.sqrt(len(gamma))
    return weights - weights.mean(1, keepdims=True)


def _unit(weights: np.ndarray, biases: np.ndarray, scalars: list[np.ndarray]) -> Unit:
    """A unit that hears a vector of length 1 through its weights."""
    reach = np.linalg.norm(weights, axis=1)
    low, high = (biases - reach).min(), (biases + reach).max()
    margin = max(high - low, 1e-6) / 1000  # normalised vectors are rounded too
    low, high = low - margin, high + margin
    w1, w2, b1, b2 = (float(scalar[0]) for scalar in scalars)
    turns = abs(w2) * (high - low) / (2 * np.pi)
    if turns > TURNS:
        raise AtomicVADError(
            f"integer weights: a unit's cosine turns {turns:.3g} times over the range of its "
            f"inputs; expected at most {TURNS:.0f}"
        )
    points = np.linspace(low, high, UNIT_STEPS + 1)
    values = (w1 * points + b1) * np.cos(w2 * points + b2)
    height = max(np.abs(values).max(), 1e-9)
    scale = 2.0**UNIT_BITS / (high - low)
    return Unit(
        _rounded(weights * scale / 2**NORMAL_BITS),
        _rounded((biases - low) * scale),
        _rounded(values * (LARGEST / height)),
        low,
        high,
        height,
    )
