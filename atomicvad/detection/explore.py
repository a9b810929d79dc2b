"""A recording in a notebook: sliders, and the picture, segments and players that follow.

Pictures and players are outputs of their own beside the sliders, and a slider renews them. So a
notebook that is run without a browser shows what the sliders' first values give.
"""

import html
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from atomicvad.audio.signal import SAMPLE_RATE
from atomicvad.detection.microphone import record
from atomicvad.detection.models import seeds
from atomicvad.detection.players import name_of, player, with_cursor
from atomicvad.detection.plot import plot, plot_models
from atomicvad.detection.scored import Scored, score
from atomicvad.detection.segment import Segment
from atomicvad.errors import AtomicVADError

if TYPE_CHECKING:
    from IPython.display import HTML

PLAYED = 60.0  # s in the players of an output, at most: 43 kB each
RECORDED = 5.0  # s
COLUMNS = ("start (s)", "end (s)", "length (s)", "mean score", "peak score", "listen")
# Greatest value and step of each slider.
RANGES = {
    "threshold": (0.99, 0.01),
    "offset_threshold": (0.99, 0.01),
    "min_speech": (3.0, 0.05),
    "min_silence": (3.0, 0.05),
    "pad": (1.0, 0.05),
}


class Explorer:
    """What is found in a recording, with a slider for each rule that is named.

    A notebook shows it where it is the last line of a cell.

    Args:
        sound: the recording.
        *rules: names of ``detection.segmenter.Rules``, from ``threshold`` to ``pad``.

    Attributes:
        sound: the recording that is shown.
        sliders: by name; ipywidgets' ``FloatSlider``.
        segments: that were found with the sliders' values.

    Raises:
        AtomicVADError: no such rule, or ipywidgets is not installed.
    """

    def __init__(self, sound: Scored, *rules: str):
        unknown = [name for name in rules if name not in RANGES]
        if unknown:
            raise AtomicVADError(f"{unknown[0]}: expected one of {', '.join(RANGES)}")
        self.sound, self.segments = sound, list[Segment]()
        first = sound.rules()
        self.sliders = {name: _slider(name, getattr(first, name)) for name in rules}
        for slider in self.sliders.values():
            slider.observe(self._moved, "value")
        self._outputs: tuple[Any, ...] = ()

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(_widgets().VBox(list(self.sliders.values())))
        outputs = (_whole(self.sound), *self._found())
        self._outputs = tuple(display(output, display_id=True) for output in outputs)

    def show(self, sound: Scored) -> None:
        """Show another recording."""
        self.sound = sound
        if self._outputs:
            self._outputs[0].update(_whole(sound))
        self._redraw()

    def _moved(self, change: Any) -> None:
        """A threshold that would pass the other one takes it along."""
        onset, offset = (self.sliders.get(name) for name in ("threshold", "offset_threshold"))
        if onset is not None and offset is not None and offset.value > onset.value:
            other = offset if change["owner"] is onset else onset
            other.value = change["new"]  # which draws anew
        else:
            self._redraw()

    def _redraw(self) -> None:
        found = self._found()
        for output, content in zip(self._outputs[1:], found, strict=False):
            output.update(content)

    def _found(self) -> "tuple[HTML, HTML]":
        """The picture, and the table with players; or what is wrong with the rules."""
        values = {name: slider.value for name, slider in self.sliders.items()}
        try:
            rules = self.sound.rules(**values)
        except AtomicVADError as error:
            return _html(html.escape(str(error))), _html("")
        sound, self.segments = self.sound, self.sound.segments(rules)
        figure = plot(
            sound.waveform, sound.times, sound.probabilities, self.segments, rules,
            sound.name,
        )  # fmt: skip
        alt = f"{len(self.segments)} segments"
        picture = with_cursor(figure, figure.axes[0], alt, name_of(sound.waveform))
        return picture, _table(sound, self.segments)


def _slider(name: str, value: float) -> Any:
    """A slider whose steps meet the value: a browser would round it otherwise."""
    most, step = RANGES[name]
    is_share = name.endswith("threshold")
    least, unit = ((round(value % step, 6) or step), "") if is_share else (0.0, " (s)")
    return _widgets().FloatSlider(
        value, min=least, max=most, step=step, description=f"{name}{unit}",
        style={"description_width": "10em"}, layout={"width": "38em"},
    )  # fmt: skip


def chooser(explorer: Explorer) -> Any:
    """A button for a file of one's own, and one for the microphone; ipywidgets' ``VBox``.

    The recording appears in ``explorer``. The microphone is that of the computer that Python runs
    on. What cannot be read, or heard, is one line below the buttons.
    """
    widgets = _widgets()
    upload = widgets.FileUpload(description="your file", multiple=False)
    button = widgets.Button(description=f"record {RECORDED:g} s", icon="microphone")
    said = widgets.Label()

    def show(load: Callable[[], Scored]) -> None:
        try:
            explorer.show(load())
        except AtomicVADError as error:
            said.value = str(error)
        else:
            said.value = ""

    def take(_change: object) -> None:
        for file in upload.value:
            show(partial(score, bytes(file["content"]), name=file["name"]))

    def listen(_button: object) -> None:
        said.value = "listening …"
        show(lambda: score(*record(RECORDED), name="microphone"))

    upload.observe(take, "value")
    button.on_click(listen)
    return widgets.VBox([widgets.HBox([upload, button]), said])


def compare_seeds(sound: Scored) -> "HTML":
    """A picture of what each seed finds, and last the model that the recording was scored by."""
    found = {name: sound.by(name) for name in seeds()} | {sound.model.name: sound}
    curves = {name: one.probabilities for name, one in found.items()}
    segments = {name: one.segments(one.rules()) for name, one in found.items()}
    figure = plot_models(sound.times, curves, segments, sound.name)
    alt = f"segments of {len(found)} models"
    return with_cursor(figure, figure.axes[0], alt, name_of(sound.waveform))


def _whole(sound: Scored) -> "HTML":
    """The name and a player of a recording."""
    seconds = len(sound.waveform) / SAMPLE_RATE
    note = "" if sound.is_whole else ", its beginning"
    text = f"{html.escape(sound.name)}, {seconds:.1f} s{note}"
    if seconds > PLAYED:
        text += f"; {PLAYED:g} s to hear"
    heard = sound.waveform[: round(PLAYED * SAMPLE_RATE)]
    return _html(f"{text}<br>{player(heard, name_of(sound.waveform))}")


def _table(sound: Scored, segments: Sequence[Segment]) -> "HTML":
    """A row a segment: times, probabilities, and a player while there are seconds left."""
    rows, left, name = [], PLAYED, name_of(sound.waveform)
    for one in segments:
        first, last = (round(time * SAMPLE_RATE) for time in (one.start, one.end))
        cells = [f"{value:.2f}" for value in (one.start, one.end, one.end - one.start)]
        cells += [f"{one.mean:.2f}", f"{one.peak:.2f}"]
        left -= one.end - one.start
        cells.append(player(sound.waveform[first:last], name, one.start) if left >= 0 else "")
        rows.append("".join(f"<td>{cell}</td>" for cell in cells))
    if not rows:
        return _html("no speech")
    head = "".join(f"<th>{name}</th>" for name in COLUMNS)
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return _html(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")


def _html(content: str) -> "HTML":
    from IPython.display import HTML

    return HTML(content)


def _widgets() -> Any:
    try:
        import ipywidgets
    except ModuleNotFoundError:
        raise AtomicVADError(
            "sliders need ipywidgets: pip install 'atomicvad[reproduce]'"
        ) from None
    return ipywidgets
