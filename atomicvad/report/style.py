"""How every figure looks: the style sheet, colours and markers, the width of a page."""

import io
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from IPython import get_ipython
from matplotlib.figure import Figure
from matplotlib_inline.backend_inline import set_matplotlib_formats
from PIL import Image

from atomicvad.files import replacing

# From the library's defaults on: not from what a user's matplotlibrc says.
plt.style.use(["default", Path(__file__).with_name("style.mplstyle")])

# In a notebook, figures have twice the pixels.
if get_ipython():
    set_matplotlib_formats("retina")  # type: ignore[no-untyped-call]

# Marker and colour of a speech condition.
CONDITION_MARKERS = {
    "all": ("o", "C6"),
    "clean": ("s", "C0"),
    "noise": ("^", "C1"),
    "music": ("D", "C2"),
}
CONDITION_COLORS = {name: color for name, (_, color) in CONDITION_MARKERS.items()}
KIND_COLORS = {"speech": "C0", "noise": "C1", "music": "C2"}
SEGMENT_COLORS = CONDITION_COLORS | {"background": "0.75"}
WIDTH = 6.6  # inches: the text width of a page
PHONE = 4.0  # and of a phone
LABEL = 24  # characters of a line of a system's name beside an axis
# Systems that figures with a line for each tell apart; the others are grey.
LINES: dict[str, dict[str, Any]] = {
    "atomicvad": {"color": "k", "ls": "-", "marker": "o", "lw": 1.8, "zorder": 4},
    "released": {"color": "C1", "ls": "--", "marker": "s"},
    "silero": {"color": "C0", "ls": "-.", "marker": "D"},
    "ten": {"color": "C2", "ls": "--", "marker": "^"},
    "webrtc": {"color": "C3", "ls": ":", "marker": "v"},
}
OTHERS: dict[str, Any] = {"color": "0.75", "ls": "-", "lw": 0.7, "marker": "", "zorder": 1}


def lines(titles: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """How the line of each system is drawn; the grey ones come last and share a label."""
    looks = {
        name: look | {"label": titles[name], "ms": 4}
        for name, look in LINES.items()
        if name in titles
    }
    label = "the other systems"
    for name in titles:
        if name not in looks:
            looks[name], label = OTHERS | {"label": label}, "_"  # which no legend shows
    return looks


def wrapped(name: str) -> str:
    r"""A system's name beside an axis, in lines that leave room for what is drawn.

    >>> wrapped("AtomicVAD, released checkpoints (5 of 10)")
    'AtomicVAD, released\ncheckpoints (5 of 10)'
    """
    return textwrap.fill(name, LABEL)


def save(figure: Figure, folder: Path, name: str) -> Path:
    """Write ``name.pdf`` and ``name.png`` without dates; return the PNG's path.

    The PNG has a palette of 256 colours, in a third of the bytes.
    """
    with replacing(folder / f"{name}.pdf") as path:
        figure.savefig(path, format="pdf", metadata={"CreationDate": None})
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png")
    picture = Image.open(drawn)
    few = picture.convert("RGB").quantize(
        method=Image.Quantize.MAXCOVERAGE, kmeans=3, dither=Image.Dither.NONE
    )
    with replacing(folder / f"{name}.png") as path:
        few.save(path, format="png", optimize=True, dpi=picture.info["dpi"])
    return folder / f"{name}.png"
