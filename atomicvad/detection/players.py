"""Players of a page, and pictures over which a cursor follows what is played.

Picture and player find each other by the name of their sound, so they may be outputs of their own:
a slider renews the picture while the player goes on.
"""

import base64
import hashlib
import html
import io
from typing import TYPE_CHECKING

import numpy as np
import soundfile

from atomicvad.audio.signal import SAMPLE_RATE

if TYPE_CHECKING:
    from IPython.display import HTML
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 792  # of a picture, in pixels of a page
# The cursors of a sound, put where its player is; again with every frame of the screen.
FOLLOW = """
const player = this, move = () => {
  for (const cursor of document.querySelectorAll(`[data-cursor="${player.dataset.sound}"]`)) {
    const {start, seconds, left, width} = cursor.dataset;
    const x = (+player.dataset.start + player.currentTime - start) / seconds;
    cursor.style.display = x >= 0 && x <= 1 ? 'block' : 'none';
    cursor.style.left = 100 * (+left + x * width) + '%';
  }
  cancelAnimationFrame(player.frame);
  if (!player.paused) player.frame = requestAnimationFrame(move);
};
move();
"""
# The player of the whole sound, moved to where its picture was clicked.
SEEK = """
const {cursor, start, seconds, left, width} = this.nextElementSibling.dataset;
const box = this.getBoundingClientRect(), at = (event.clientX - box.left) / box.width;
const x = (at - left) / width, player = document.querySelector(`audio[data-sound="${cursor}"]`);
if (player && x >= 0 && x <= 1) {
  player.currentTime = +start + x * seconds - player.dataset.start;
  if (!player.readyState) player.onseeked();
}
"""


def name_of(waveform: np.ndarray) -> str:
    """By which the pictures and players of a sound know each other."""
    return hashlib.sha256(waveform.astype(np.float32).tobytes()).hexdigest()[:12]


def player(
    waveform: np.ndarray, sound: str = "", start: float = 0.0, is_small: bool = False
) -> str:
    """The HTML of a player, as loud as the sound is.

    Args:
        waveform: 16 kHz in ±1, ``[samples]``.
        sound: ``name_of`` the sound that this is, or is a part of: its pictures follow.
        start: where the waveform begins on the time axes of these pictures, in s.
        is_small: as MP3, in an eighth of the bytes, instead of WAV.
    """
    kind, coding, mime = ("MP3", None, "mpeg") if is_small else ("WAV", "PCM_16", "wav")
    file, followed = io.BytesIO(), ""
    soundfile.write(file, np.clip(waveform, -1, 1), SAMPLE_RATE, format=kind, subtype=coding)
    if sound:
        script = html.escape(FOLLOW)
        followed = f'data-sound="{sound}" data-start="{start:g}" '
        followed += f'onplay="{script}" onseeked="{script}" '
    address = f"data:audio/{mime};base64,{base64.b64encode(file.getvalue()).decode()}"
    return f'<audio {followed}controls><source src="{address}" type="audio/{mime}"></audio>'


def with_cursor(figure: "Figure", axes: "Axes", alt: str, sound: str) -> "HTML":
    """A picture over time; a click on it moves the sound's player, whose cursor it shows.

    Args:
        figure: of matplotlib's; all its axes have the time axis of ``axes``, in s.
        axes: any of them.
        alt: is read to those who do not see the picture.
        sound: ``name_of`` what is played.
    """
    from IPython.display import HTML

    file = io.BytesIO()
    figure.savefig(file, format="png", bbox_inches=figure.bbox_inches)
    picture = base64.b64encode(file.getvalue()).decode()
    box, (first, last) = axes.get_window_extent(), axes.get_xlim()
    whole = figure.bbox.width
    return HTML(
        f'<div style="position: relative; max-width: {WIDTH}px">'
        f'<img src="data:image/png;base64,{picture}" alt="{html.escape(alt)}" '
        f'style="width: 100%; max-width: 100%; display: block" onclick="{html.escape(SEEK)}">'
        f'<span data-cursor="{sound}" data-start="{first:g}" data-seconds="{last - first:g}" '
        f'data-left="{box.x0 / whole:.5f}" data-width="{box.width / whole:.5f}" '
        'style="display: none; position: absolute; top: 0; bottom: 0; width: 2px; '
        'background: #D55E00; pointer-events: none"></span></div>'
    )
