"""A picture of the network: its steps from the waveform to the softmax, shapes and parameters."""

from typing import NamedTuple

import keras
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from atomicvad.report.style import WIDTH

LEFT_OUT = ("InputLayer", "Dropout")  # at inference they do nothing
COLOURS = {"b1": "C0", "b2": "C1"}  # of the blocks, by how their layers are called
PALE = 0.18  # opacity of a box
LINE, ASIDE = "0.3", -0.1  # colour of arrows; where what goes past a block is drawn


class Step(NamedTuple):
    """A row of the picture."""

    name: str  # of the layer
    text: str
    shape: tuple[int, ...]
    parameters: int


def network_steps(model: keras.Model) -> list[Step]:
    """The steps of the whole detector; the network's layers are taken apart."""
    outer = [layer for layer in model.layers if layer.name != "network"]
    inner = model.get_layer("network").layers
    steps = [Step("waveform", "waveform, 0.63 s at 16 kHz", outer[0].output.shape[1:], 0)]
    for layer in (*outer[1:], *inner):
        if type(layer).__name__ not in LEFT_OUT and not _is_aside(layer):
            parameters = layer.count_params()
            steps.append(Step(layer.name, _in_words(layer), layer.output.shape[1:], parameters))
    return steps


def _is_aside(layer: keras.Layer) -> bool:
    """Whether a layer pools what goes past a block: it is a line of the picture, and no step."""
    return layer.name.startswith("skip") and layer.name.endswith("pool")


def _in_words(layer: keras.Layer) -> str:
    """What a layer does."""
    settings, kind = layer.get_config(), type(layer).__name__
    if kind in ("Conv2D", "DepthwiseConv2D"):
        height, width = settings["kernel_size"]
        if height == width == 1:
            return f"1 × 1 convolution to {settings['filters']} channels"
        return f"{height} × {width} convolution, each channel by itself"
    if kind == "MaxPooling2D":
        height, width = settings["pool_size"]
        return f"greatest of {height} × {width}"
    names = {
        "Features": "MFCC: 64 coefficients, 64 frames",
        "LayerNormalization": "layer normalisation",
        "BatchNormalization": "batch normalisation",
        "GrowingCosine": "growing cosine unit",
        "Add": "sum with the block's input, pooled alike",
        "Flatten": "one vector",
        "Dense": "dense layer, softmax: background, speech",
    }
    return names.get(kind, kind)


def network_picture(model: keras.Model) -> Figure:
    """Steps from top to bottom, their shapes, and a bar for the parameters of each.

    Args:
        model: the whole detector, from waveform to probabilities.
    """
    steps = network_steps(model)
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(WIDTH, 0.34 * len(steps) + 0.6), width_ratios=(5, 2)
    )
    bottom = len(steps) - 0.4
    for row, step in enumerate(steps):
        colour = COLOURS.get(step.name[:2], "0.5")
        _box(left, row, step.text, colour)
        left.text(1.03, row, " × ".join(f"{size:,}" for size in step.shape), va="center")
        right.barh(row, step.parameters, 0.7, color=colour)
        right.text(step.parameters + 4, row, f"{step.parameters or ''}", va="center")
    _bypass(left, steps)
    left.text(1.03, -0.85, "shape", va="center", style="italic")
    left.set(xlim=(-0.13, 1.45), ylim=(bottom, -1.2))
    left.axis("off")
    total = sum(step.parameters for step in steps)
    right.set(xlim=(0, 1.25 * max(step.parameters for step in steps)), ylim=(bottom, -1.2))
    right.set_title(f"parameters: {total:,}")
    right.axis("off")
    return figure


def _box(axes: Axes, row: int, text: str, colour: str) -> None:
    style = "round,pad=0,rounding_size=0.1"
    axes.add_patch(
        FancyBboxPatch(
            (0, row - 0.34), 1, 0.68, style, mutation_aspect=3, fc=(colour, PALE), ec=colour
        )
    )
    axes.text(0.5, row, text, ha="center", va="center")
    if row:
        axes.add_patch(_arrow((0.5, row - 0.66), (0.5, row - 0.34)))


def _bypass(axes: Axes, steps: list[Step]) -> None:
    """A line from a block's input to the sum behind the block."""
    names = [step.name for step in steps]
    for row, name in enumerate(names):
        if name.endswith("_add"):
            start = names.index(f"b{name[4:-4]}_conv") - 1
            axes.plot((0, ASIDE, ASIDE, ASIDE / 2), (start, start, row, row), color=LINE, lw=0.8)
            axes.add_patch(_arrow((ASIDE / 2, row), (0, row)))


def _arrow(start: tuple[float, float], end: tuple[float, float]) -> FancyArrowPatch:
    return FancyArrowPatch(
        start, end, arrowstyle="-|>", mutation_scale=7, lw=0.8, color=LINE,
        shrinkA=0, shrinkB=0,
    )  # fmt: skip
