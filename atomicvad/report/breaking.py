"""An exercise: noise, level and speed until the detector fails, on the call that comes along."""

from typing import Any

import numpy as np
import soxr
from IPython.display import HTML

from atomicvad.audio.signal import SAMPLE_RATE, mix
from atomicvad.detection.example import example
from atomicvad.detection.players import name_of, player, with_cursor
from atomicvad.detection.plot import plot
from atomicvad.detection.scored import Scored, score
from atomicvad.detection.segment import Segment
from atomicvad.report.sliders import Slider, Sliders
from atomicvad.report.text import readable

GRID = 100  # a second, at which segments are compared
SLIDERS = {
    "snr_db": Slider("call over white noise (dB)", 40, -20, 40, 1),
    "gain_db": Slider("gain (dB)", 0, -80, 20, 1),
    "speed": Slider("speed", 1, 0.5, 2, 0.05),
}


def changed(waveform: np.ndarray, snr_db: float, gain_db: float, speed: float) -> np.ndarray:
    """A call in white noise, louder or softer, and played faster or slower; clipped at ±1.

    Args:
        waveform: 16 kHz mono, ``[samples]``.
        snr_db: power of the call to that of the noise.
        gain_db: of both.
        speed: of the call; pitch and tempo change together.
    """
    played = soxr.resample(waveform, SAMPLE_RATE * speed, SAMPLE_RATE)
    noise = np.random.default_rng(0).standard_normal(len(played))
    return np.clip(10 ** (gain_db / 20) * mix(played, noise, snr_db), -1, 1).astype(np.float32)


def lost_and_added(
    before: list[Segment], after: list[Segment], speed: float
) -> tuple[float, float]:
    """What is no longer found, and what is found where there was none; in shares of the speech.

    Args:
        before, after: segments of the call, and of the call at this speed.
    """
    end = max((one.end for one in (*before, *after)), default=0.0)
    times = np.arange(0, 2 * end + 1, 1 / GRID)
    was, now = _inside(times, before), _inside(times / speed, after)
    whole = max(1, int(was.sum()))
    return float((was & ~now).sum() / whole), float((now & ~was).sum() / whole)


def _inside(times: np.ndarray, segments: list[Segment]) -> np.ndarray:
    found = np.zeros(len(times), bool)
    for one in segments:
        found |= (times >= one.start) & (times < one.end)
    return found


def break_it() -> Sliders:
    """The exercise: a picture, what is lost and what is added, and a player."""
    call = score(example())
    before = call.segments(call.rules())

    def outputs(values: dict[str, float]) -> tuple[Any, Any, Any]:
        sound: Scored = score(changed(call.waveform, **values), SAMPLE_RATE)
        rules = sound.rules()
        after = sound.segments(rules)
        lost, added = lost_and_added(before, after, values["speed"])
        said = (
            f"Speech no longer found: **{100 * lost:.0f} %**. "
            f"Found in addition: **{100 * added:.0f} %**."
        )
        figure = plot(sound.waveform, sound.times, sound.probabilities, after, rules)
        name = name_of(sound.waveform)
        return (
            with_cursor(figure, figure.axes[0], f"{len(after)} segments", name),
            readable(said),
            HTML(player(sound.waveform, name)),
        )

    return Sliders(SLIDERS, outputs)
