"""Whether a model can be exported: its architecture, its weights' size."""

from pathlib import Path

import keras
import numpy as np

from atomicvad.errors import AtomicVADError
from atomicvad.scoring.named_models import paper_model

LARGEST_FEATURE = 2000.0  # no coefficient of the front end is beyond it: 64 bins within ±130 dB
LIMIT = float(np.finfo(np.float32).max) / 10


def exportable_model(path: Path) -> keras.Model:
    """The detector of a ``.keras`` file, of the paper's architecture, that no window overflows.

    Raises:
        AtomicVADError: no such file, another architecture, other settings of it, weights that are
            no numbers or so large that values would overflow in float32.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        model = paper_model(path)
        bound = largest_value(model.layers[2])
    if not bound < LIMIT:
        raise AtomicVADError(
            f"{path}: the weights are too large: values in the network may reach {bound:.0e}, "
            f"expected at most {LIMIT:.0e}"
        )
    return model


def largest_value(network: keras.Model) -> float:
    """A bound on every value within the network, for whatever window.

    Sums of absolute weights carry the bound from layer to layer. The normalisation squares what
    comes in; what comes out has no element beyond the root of the number of channels. A cosine is
    at most 1.
    """

    def absolute(layer: str) -> list[np.ndarray]:
        return [np.abs(part).astype(np.float64) for part in network.get_layer(layer).get_weights()]

    def through(layer: str, value: float) -> float:
        kernel, bias = absolute(layer)
        if isinstance(network.get_layer(layer), keras.layers.DepthwiseConv2D):
            sums = kernel.sum(axis=(0, 1)).ravel()
        else:
            sums = kernel.sum(axis=tuple(range(kernel.ndim - 1)))
        values.append(float((sums * value + bias).max()))
        return values[-1]

    values, value, skipped = [], LARGEST_FEATURE, 0.0
    for block in ("b1", "b2"):
        value = through(f"{block}_conv", value)
        values.append(value * value)
        gamma, beta = absolute(f"{block}_norm")
        value = through(f"{block}_expand", float((gamma * np.sqrt(gamma.size) + beta).max()))
        w1, w2, b1, b2 = (part.item() for part in absolute(f"{block}_activation"))
        values += [w2 * value + b2, w1 * value + b1]
        value = through(f"{block}_reduce", w1 * value + b1) + skipped
        skipped = value
    through("probabilities", value)
    return float(np.max(values))  # also not a number
