"""The headers of numbers that ``atomicvad.c`` includes: constant tables, and a model's weights."""

import textwrap

import numpy as np

from atomicvad.device.core.values import COMMENTS, named_values
from atomicvad.device.integer import front_end, tables
from atomicvad.device.integer.weights import IntegerWeights

TABLES, WEIGHTS = "atomicvad_tables.h", "atomicvad_weights.h"


def tables_header() -> str:
    """Content of ``atomicvad_tables.h``: the same for every model."""
    hamming = np.append(tables.HAMMING, tables.HAMMING[199:144:-1])
    bins = np.diff(tables.SEGMENT_START)
    circle = _pairs(tables.CIRCLE[:379], tables.CIRCLE[128:507])
    return _header(
        TABLES,
        "The constant tables of the front end; of two numbers in one, the first is the low half.",
        f"#define AVAD_LOG_OFFSET {front_end.OFFSET} /* of a logarithm, in powers of two */",
        f"#define AVAD_LOG_FLOOR {_signed(front_end.FLOOR)} /* of a power of 1e-10 */",
        f"#define AVAD_LOG_RANGE {front_end.RANGE} /* 80 dB */",
        f"#define AVAD_ZERO {_signed(-round(front_end.BIAS))} /* what coefficient 0 is where it "
        "should be 0 */",
        f"#define AVAD_DCT_BITS {tables.DCT_BITS}",
        _array("int16_t", "avad_hamming", hamming, "Hamming window, Q15, as far as it is needed"),
        _array(
            "int32_t", "avad_circle", circle[:379:2], "256 steps a turn, Q15: cosine, minus sine"
        ),
        _array("int32_t", "avad_between", circle[1:128:2], "between these steps"),
        _array("int32_t", "avad_dct", _dct(), "DCT, Q11: odd coefficients of 64, 32 ... 2 values"),
        _array("uint8_t", "avad_bins", bins, "FFT bins between two mel edges, at least 1"),
        _array("uint16_t", "avad_rising", tables.RISING, "weight of a bin, Q15"),
        _array("int16_t", "avad_log2", tables.LOG2, "log2(1 + n/64), Q14"),
        _array("uint16_t", "avad_rsqrt", tables.RSQRT, "1 / sqrt(1 + n/32), Q16"),
    )


def weights_header(weights: IntegerWeights) -> str:
    """Content of ``atomicvad_weights.h``."""
    values = named_values(weights)
    shared = {"first_shift", "first_epsilon", "second_shift", "second_epsilon"}
    shared |= {"output_bias", "output_shift"}
    kernels = ",\n".join(f"    {{{_braces(kernel)}}}" for kernel in values["first"])
    return _header(
        WEIGHTS,
        "The weights of a detector.",
        "#define AVAD_HIDDEN 8",
        *(f"#define AVAD_{name.upper()} {_constant(values[name])}" for name in sorted(shared)),
        "/* first convolution: rows of 7 weights and a zero */\n"
        "static const union {\n    int16_t value[56];\n    int32_t pair[28];\n} avad_first[3] = {\n"
        f"{kernels}\n}};",
        *(
            _array(f"{value.dtype.name}_t", f"avad_{name}", value, COMMENTS.get(name, ""))
            for name, value in values.items()
            if name not in shared | {"first"}
        ),
    )


def _dct() -> np.ndarray:
    """Factors of 32 differences for coefficients 1, 3 ..., of 16 for 2, 6 ..., and so on.

    The difference of the two middle values comes first. A zero fills up the last pair.
    """
    parts = []
    for half in (32, 16, 8, 4, 2, 1):
        step = 32 // half
        k, n = np.ogrid[step : tables.BANDS : 2 * step, 0:half]
        n = n[:, ::-1]
        rows = tables.DCT_CIRCLE[k * (2 * n + 1) % 256]
        parts.append(np.pad(rows, [(0, 0), (0, max(2 - half, 0))]).ravel())
    factors = np.concatenate(parts)
    return _pairs(factors[0::2], factors[1::2])


def _pairs(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Two numbers of 16 bits in one."""
    return (low & 0xFFFF) | (high << 16)


def _header(name: str, title: str, *parts: str) -> str:
    guard = name.upper().replace(".", "_")
    body = "\n\n".join(parts)
    return (
        f"/* {title} Written by a program; see atomicvad.c. */\n"
        f"#ifndef {guard}\n#define {guard}\n\n#include <stdint.h>\n\n{body}\n\n#endif\n"
    )


def _constant(value: np.ndarray) -> str:
    return f"{value}u" if value.dtype.kind == "u" else _signed(int(value))


def _signed(value: int) -> str:
    """A number as a macro's value."""
    return f"({value})" if value < 0 else f"{value}"


def _array(kind: str, name: str, values: np.ndarray, comment: str = "") -> str:
    limits = np.iinfo(kind.removesuffix("_t"))
    if values.min() < limits.min or values.max() > limits.max:
        raise ValueError(f"{name}: expected {kind}, got {values.min()} ... {values.max()}")
    shape = "".join(f"[{length}]" for length in values.shape)
    note = f"/* {comment} */\n" if comment else ""
    return f"{note}static const {kind} {name}{shape} = {_braces(values)};"


def _braces(values: np.ndarray) -> str:
    if values.ndim > 1:
        return "{\n" + ",\n".join(f"    {_braces(part)}" for part in values) + "\n}"
    text = ", ".join(map(str, values.tolist()))
    return "{" + "\n".join(textwrap.wrap(text, 96, subsequent_indent="    ")) + "}"
