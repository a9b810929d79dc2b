"""Players of a page: sounds that are as loud to each other as they are, and a scene."""

import html
from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import HTML

from atomicvad.audio.signal import SAMPLE_RATE
from atomicvad.detection.players import name_of, player, with_cursor
from atomicvad.report.figures import timeline

LONG = 10 * SAMPLE_RATE  # samples: as WAV, a page of many such sounds has tens of megabytes


def players(sounds: Mapping[str, np.ndarray]) -> HTML:
    """A table of names and players.

    All are played with one gain: 1, or less where the loudest would leave full scale. (A player of
    IPython's makes every sound equally loud, unless it is told not to.) Long ones are MP3.

    Args:
        sounds: by name, 16 kHz mono, ``[samples]`` each.
    """
    loudest = max((float(np.max(np.abs(one), initial=0)) for one in sounds.values()), default=0.0)
    gain = 1 / max(1.0, loudest)
    rows = "".join(
        f"<tr><td style='text-align:left'>{html.escape(name)}</td>"
        f"<td>{player(gain * one, is_small=len(one) > LONG)}</td></tr>"
        for name, one in sounds.items()
    )
    return HTML(f"<table><tbody>{rows}</tbody></table>")


def scene_player(stretch: dict[str, Any]) -> HTML:
    """The timeline of a stretch of a scene, with a player where its audio is there.

    Args:
        stretch: ``curves.scene_stretch``.
    """
    figure, waveform = timeline(**stretch), stretch["waveform"]
    name = name_of(waveform)
    plt.close(figure)  # shown here alone, and not again below the cell
    alt = "waveform, labels and scores of all seeds over time"
    picture = with_cursor(figure, figure.axes[0], alt, name)
    if not len(waveform):
        return picture
    return HTML(picture.data + player(waveform, name, stretch["start"]))
