"""How every figure looks: the style sheet, colours and markers, the width of a page."""

import io
import textwrap
from pathlib import Path

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
