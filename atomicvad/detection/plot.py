"""Pictures of detections: waveform, score and segments over time."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from atomicvad.audio.signal import SAMPLE_RATE
from atomicvad.detection.segment import Segment
from atomicvad.detection.segmenter import Rules
from atomicvad.errors import AtomicVADError
from atomicvad.files import as_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PIXELS = 1320  # columns of a picture: 6.6 inches at 200 dots per inch
# Colours of Okabe and Ito: people with any colour vision tell them apart, and greys differ, too.
WAVEFORM, SCORE, SEGMENT, THRESHOLD = "#0072B2", "#000000", "#E69F00", "#D55E00"
STYLE = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "legend.fontsize": 8,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "pdf.fonttype": 42,
}


def plot(
    waveform: np.ndarray,
    times: np.ndarray,
    probabilities: np.ndarray,
    segments: Sequence[Segment],
    rules: Rules,
    title: str = "",
) -> "Figure":
    """Draw a recording over its score; segments are shaded, the thresholds are broken lines.

    Of long recordings the least and the greatest value of each column of pixels are drawn.

    Args:
        waveform: 16 kHz mono in ±1, ``[samples]``.
        times: of the scores, in s, ``[n]``.
        probabilities: of speech, from 0 to 1, ``[n]``.
        segments: that were found.
        rules: of the segments; their two thresholds are drawn.
        title: above the picture, such as the file's name.

    Returns:
        A figure of matplotlib's; ``figure.savefig("speech.png")`` writes it.

    Raises:
        AtomicVADError: matplotlib is not installed.
    """
    with _new_figure(3.0) as figure:
        above, below = figure.subplots(2, 1, sharex=True)
        _draw(above, lambda places: places / SAMPLE_RATE, waveform, WAVEFORM, 0.5)
        _draw(below, lambda places: np.asarray(times)[places], probabilities, SCORE, 1.0)
        for axes in (above, below):
            spans = [(one.start, one.end - one.start) for one in segments]
            axes.broken_barh(
                spans, (0, 1), transform=axes.get_xaxis_transform(), color=SEGMENT, alpha=0.35,
                linewidth=0, zorder=0, label="segments",
            )  # fmt: skip
        for level, line, name in (
            (rules.threshold, "--", "threshold"),
            (rules.offset_threshold, ":", "offset threshold"),
        ):
            below.axhline(level, color=THRESHOLD, linestyle=line, linewidth=1, label=name)
        most = float(max(np.max(waveform, initial=0), -np.min(waveform, initial=0))) or 1.0
        above.set(ylabel="amplitude", ylim=(-1.05 * most, 1.05 * most))
        above.set_title(as_text(title), parse_math=False)
        below.set(xlabel="time (s)", ylabel="probability", ylim=(-0.03, 1.03))
        below.set_xlim(0, len(waveform) / SAMPLE_RATE or 1)
        figure.legend(
            *below.get_legend_handles_labels(), loc="outside upper right", ncols=3, frameon=False
        )
    return figure


def plot_models(
    times: np.ndarray,
    probabilities: Mapping[str, np.ndarray],
    segments: Mapping[str, Sequence[Segment]],
    title: str = "",
) -> "Figure":
    """Draw the scores of several models over each other, and the segments of each in a row.

    Args:
        times: of the scores, in s, ``[n]``.
        probabilities: of speech, by model, from 0 to 1, ``[n]`` each. The last model stands out.
        segments: that were found, by model.
        title: above the picture.

    Raises:
        AtomicVADError: matplotlib is not installed.
    """
    *others, last = probabilities
    with _new_figure(4.0) as figure:
        above, below = figure.subplots(2, 1, sharex=True)
        for name in others:
            above.plot(times, probabilities[name], color=WAVEFORM, linewidth=0.5, alpha=0.6)
        above.plot(times, probabilities[last], color=SCORE, linewidth=1.5)
        for row, name in enumerate(probabilities):
            spans = [(one.start, one.end - one.start) for one in segments[name]]
            color = SCORE if name == last else WAVEFORM
            below.broken_barh(spans, (row - 0.35, 0.7), color=color, linewidth=0)
        above.set(ylabel="probability", ylim=(-0.03, 1.03))
        above.set_title(as_text(title), parse_math=False)
        below.set_yticks(range(len(probabilities)), list(probabilities))
        below.set(xlabel="time (s)", ylim=(len(probabilities) - 0.5, -0.5))
        below.set_xlim(0, times[-1] if len(times) else 1)
    return figure


@contextmanager
def _new_figure(height: float) -> "Iterator[Figure]":
    """A figure of so many inches, in the style of detection."""
    try:
        import matplotlib.style
        from matplotlib.figure import Figure
    except ImportError:
        raise AtomicVADError("a picture needs matplotlib: pip install 'atomicvad[plot]'") from None

    with matplotlib.style.context(["default", STYLE]):
        yield Figure(figsize=(6.6, height), dpi=PIXELS / 6.6, layout="constrained")


def _draw(
    axes: "Axes",
    time_of: Callable[[np.ndarray], np.ndarray],
    values: np.ndarray,
    color: str,
    width: float,
) -> None:
    """A line, or its extent in each column of pixels; ``time_of`` places in ``values``, in s."""
    if len(values) <= 2 * PIXELS:
        axes.plot(time_of(np.arange(len(values))), values, color=color, linewidth=width)
        return
    starts = np.linspace(0, len(values), PIXELS, endpoint=False).astype(int)
    low, high = (bound.reduceat(values, starts) for bound in (np.minimum, np.maximum))
    # Where it is dense, segments show through.
    axes.fill_between(time_of(starts), low, high, color=color, alpha=0.6, linewidth=width)
