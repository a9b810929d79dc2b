"""The picture of a detection shows what it is given, also where there is nothing, or hours."""

import io
import sys

import numpy as np
import pytest

from atomicvad.detection.plot import PIXELS, plot
from atomicvad.detection.segment import Segment
from atomicvad.detection.segmenter import Rules
from atomicvad.errors import AtomicVADError

RULES = Rules(0.5, 0.4, min_speech=0, min_silence=0, pad=0)
SEGMENTS = [Segment(0.5, 1.25, 0.9, 1.0), Segment(2.0, 3.0, 0.8, 0.9)]


def picture(seconds, segments=SEGMENTS, title="a.wav"):
    waveform = 0.1 * np.sin(np.arange(round(16000 * seconds))).astype(np.float32)
    times = np.arange(0.01, seconds, 0.01)
    return plot(waveform, times, np.full(len(times), 0.25), segments, RULES, title)


def test_axes_segments_and_threshold():
    figure = picture(4)
    above, below = figure.axes
    assert (above.get_ylabel(), below.get_ylabel()) == ("amplitude", "probability")
    assert below.get_xlabel() == "time (s)" and below.get_xlim() == (0, 4)
    for axes in figure.axes:
        (shaded,) = (one for one in axes.collections if one.get_label() == "segments")
        spans = [tuple(path.get_extents().intervalx) for path in shaded.get_paths()]
        assert spans == [(0.5, 1.25), (2.0, 3.0)]
    levels = {one.get_label(): one for one in below.lines[-2:]}
    assert [text.get_text() for text in figure.legends[0].texts] == ["segments", *levels]
    found = {name: (set(one.get_ydata()), one.get_linestyle()) for name, one in levels.items()}
    assert found == {"threshold": ({0.5}, "--"), "offset threshold": ({0.4}, ":")}


@pytest.mark.parametrize("title", ["price_$5_$6^.wav", "caf\udce9.wav"])
def test_a_title_is_taken_as_it_is(title):
    """Also a name that is no text."""
    file = io.BytesIO()
    picture(1, title=title).savefig(file)
    assert file.getvalue().startswith(b"\x89PNG")


@pytest.mark.parametrize("seconds", [0, 0.005, 4, 600])
def test_any_length_is_drawn(seconds):
    figure = picture(seconds, [])
    figure.savefig(io.BytesIO())
    points = sum(
        len(path.vertices) for one in figure.axes[0].collections for path in one.get_paths()
    )
    assert points < 5 * PIXELS


def test_the_envelope_holds_every_peak():
    waveform = np.zeros(16000 * 60, np.float32)
    waveform[[5, 480_001, len(waveform) - 1]] = 1, -1, 0.5
    figure = plot(waveform, np.zeros(0), np.zeros(0), [], RULES)
    (envelope, _) = figure.axes[0].collections
    heights = envelope.get_paths()[0].vertices[:, 1]
    assert (heights.min(), heights.max()) == (-1, 1) and 0.5 in heights


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.style", None)
    with pytest.raises(AtomicVADError, match=r"pip install 'atomicvad\[plot\]'"):
        picture(1)
