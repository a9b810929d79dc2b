"""What the C core reads of a model: names, types and shapes of its weights, as C has them."""

from typing import Any

import numpy as np

from atomicvad.device.integer.weights import IntegerWeights

COMMENTS = {
    "first_edge": "what coefficient 0 lacks",
    "first_sum": "modulo 2^32",
    "first_expand": "after normalisation",
    "first_unit": "growing cosine unit",
    "second": "depthwise: channel, column, row",
    "second_unit": "growing cosine unit",
    "output": "cell, hidden",
    "skip": "cell, channel",
}


def named_values(weights: IntegerWeights) -> dict[str, np.ndarray]:
    """The weights by their names in C without ``avad_``, in the order of ``avad_weights``.

    Raises:
        ValueError: a value that its type in C cannot hold.
    """
    first = np.zeros((3, 7, 8), np.int64)  # rows of 7 weights and a zero
    first[..., :7] = weights.first
    of_types: dict[type[np.integer], dict[str, Any]] = {
        np.uint32: {
            "first_shift": weights.first_normal.least_shift,
            "first_epsilon": weights.first_normal.epsilon,
            "second_shift": weights.second_normal.least_shift,
            "second_epsilon": weights.second_normal.epsilon,
        },
        np.int32: {
            "output_bias": weights.output_bias,
            "output_shift": weights.output_shift,
            "first_edge": weights.first_edge,
            "first_bias": weights.first_bias,
            "first_offset": weights.first_unit.biases,
            "reduce_bias": weights.reduce_bias,
            "second_bias": weights.second_bias,
            "second_offset": weights.second_unit.biases,
        },
        np.int16: {
            "first": first.reshape(3, 56),
            "first_expand": weights.first_unit.weights,
            "first_unit": weights.first_unit.table,
            "reduce": weights.reduce,
            "second": weights.second.transpose(0, 2, 1),
            "second_expand": weights.second_unit.weights.ravel(),
            "second_unit": weights.second_unit.table,
            "output": weights.output,
            "skip": weights.skip,
        },
    }
    values = {
        name: _typed(name, np.asarray(value), kind)
        for kind, group in of_types.items()
        for name, value in group.items()
    }
    sums = (weights.first.sum((1, 2)) % 2**32).astype(np.uint32)
    return {"first_sum": sums, **values}


def _typed(name: str, value: np.ndarray, kind: type[np.integer]) -> np.ndarray:
    limits = np.iinfo(kind)
    if value.min() < limits.min or value.max() > limits.max:
        raise ValueError(f"{name}: expected {kind.__name__}, got {value.min()} ... {value.max()}")
    return value.astype(kind)


def packed(weights: IntegerWeights) -> bytes:
    """The weights as the structure ``avad_weights`` of ``runtime/atomicvad_weights.h``."""
    values = named_values(weights)
    layout = np.dtype([(name, v.dtype, v.shape) for name, v in values.items()], align=True)
    structure = np.zeros((), layout)
    for name, value in values.items():
        structure[name] = value
    return structure.tobytes()
