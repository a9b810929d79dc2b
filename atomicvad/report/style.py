"""How every figure looks: the style sheet, colours and markers, the width of a page."""

from pathlib import Path

import matplotlib.pyplot as plt
from IPython import get_ipython
from matplotlib.figure import Figure
from matplotlib_inline.backend_inline import set_matplotlib_formats

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


def save(figure: Figure, folder: Path, name: str) -> Path:
    """Write ``name.pdf`` and ``name.png`` without dates; return the PNG's path."""
    for suffix, metadata in ((".pdf", {"CreationDate": None}), (".png", {"Software": None})):
        with replacing(folder / f"{name}{suffix}") as path:
            figure.savefig(path, format=suffix[1:], metadata=metadata)
    return folder / f"{name}.png"
