"""Players of a page: sounds that are as loud to each other as they are."""

import html
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from atomicvad.detection.explore import player

if TYPE_CHECKING:
    from IPython.display import HTML


def players(sounds: Mapping[str, np.ndarray]) -> "HTML":
    """A table of names and players.

    All are played with one gain: 1, or less where the loudest would leave full scale. (A player of
    IPython's makes every sound equally loud, unless it is told not to.)

    Args:
        sounds: by name, 16 kHz mono, ``[samples]`` each.
    """
    from IPython.display import HTML

    loudest = max((float(np.max(np.abs(one), initial=0)) for one in sounds.values()), default=0.0)
    gain = 1 / max(1.0, loudest)
    rows = "".join(
        f"<tr><td style='text-align:left'>{html.escape(name)}</td>"
        f"<td>{player(gain * one)}</td></tr>"
        for name, one in sounds.items()
    )
    return HTML(f"<table><tbody>{rows}</tbody></table>")
