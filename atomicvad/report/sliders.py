"""Sliders of a notebook, and outputs beside them that follow.

A slider renews outputs that are there. So a notebook that is run without a browser shows what the
sliders' first values give.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import ipywidgets
from IPython.display import display


class Slider(NamedTuple):
    """A slider's name beside it, first value, range and step."""

    text: str
    value: float
    least: float
    most: float
    step: float


class Sliders:
    """Sliders over outputs; a notebook shows them where they are the last line of a cell.

    Args:
        sliders: by name.
        outputs: from the sliders' values by name to what is shown, always so many.

    Attributes:
        widgets: by name; ipywidgets' ``FloatSlider``.
    """

    def __init__(
        self, sliders: Mapping[str, Slider], outputs: Callable[[dict[str, float]], Sequence[Any]]
    ):
        self.outputs, self._shown = outputs, tuple[Any, ...]()
        self.widgets = {
            name: ipywidgets.FloatSlider(
                one.value, min=one.least, max=one.most, step=one.step, description=one.text,
                readout_format=".0f" if one.step >= 1 else ".2f", continuous_update=False,
                style={"description_width": "18em"}, layout={"width": "44em", "max_width": "100%"},
            )
            for name, one in sliders.items()
        }  # fmt: skip
        for widget in self.widgets.values():
            widget.observe(self._moved, "value")

    def values(self) -> dict[str, float]:
        """Where the sliders stand."""
        return {name: widget.value for name, widget in self.widgets.items()}

    def _ipython_display_(self) -> None:
        display(ipywidgets.VBox(list(self.widgets.values())))
        self._shown = tuple(display(one, display_id=True) for one in self.outputs(self.values()))

    def _moved(self, _change: object) -> None:
        if self._shown:
            for shown, one in zip(self._shown, self.outputs(self.values()), strict=True):
                shown.update(one)
