"""The first notebook shows a recording at once, and its sliders renew what is seen and heard."""

import hashlib
import importlib
import io
import sys
from datetime import UTC, datetime

import nbformat
import numpy as np
import pytest
import soundfile

import atomicvad
from atomicvad.corpora.open_readers import READERS
from atomicvad.detection import explore, microphone
from atomicvad.detection.explore import PLAYED, Explorer, chooser, compare_seeds
from atomicvad.detection.models import seeds
from atomicvad.detection.plot import plot_models
from atomicvad.detection.scored import LONGEST, score
from atomicvad.errors import AtomicVADError
from atomicvad.files import project_root
from atomicvad.report.notebooks import run_notebook

# Where somebody speaks in the example; example.md says who.
SPOKEN = [(1.0, 2.6), (3.4, 6.7), (14.2, 19.6), (22.2, 29.3), (31.0, 31.9)]
FOUND = [(0.93, 2.50), (3.37, 6.71), (14.22, 19.49), (22.15, 29.29), (31.03, 31.96)]


@pytest.fixture(scope="module")
def sound():
    return score(atomicvad.example())


def bounds(segments):
    return [(one.start, one.end) for one in segments]


def test_the_example_is_the_one_that_is_described():
    path = atomicvad.example()
    described = path.with_suffix(".md").read_text(encoding="utf-8")
    assert hashlib.sha256(path.read_bytes()).hexdigest() in described
    assert path.stat().st_size < 150_000
    assert "creativecommons.org/licenses/by-sa/3.0/" in described
    for start, end in SPOKEN:
        assert f"| {start:.1f} to {end:.1f} |" in described


def test_the_examples_segments_stay():
    found = bounds(atomicvad.detect(atomicvad.example()))
    np.testing.assert_allclose(found, FOUND, atol=0.0101)
    np.testing.assert_allclose(found, SPOKEN, atol=0.15)


def test_nothing_was_trained_or_chosen_on_the_example(monkeypatch):
    monkeypatch.syspath_prepend(project_root() / "tools")
    tool = importlib.import_module("example")
    used = [name for _, name, _ in tool.SPEECH] + [tool.MUSIC]
    files = [(f"/usr/share/asterisk/sounds/{name.split('/', 1)[1]}", b"") for name in used]
    known = [one for package in tool.NEEDED for one in READERS[package](files)]
    splits = {one.recording: one.split for one in known}
    assert {splits[name] for name in used} == {"testing"}


def test_segments_are_those_of_detect(sound):
    changes = {"threshold": 0.7, "min_silence": 1.5, "pad": 0.2}
    found = sound.segments(sound.rules(**changes))
    assert found == atomicvad.detect(atomicvad.example(), **changes)
    times, probabilities = atomicvad.scores(atomicvad.example())
    np.testing.assert_allclose(sound.times, times)
    np.testing.assert_allclose(sound.probabilities, probabilities)
    other = sound.by(seeds()[0])
    assert other.segments(other.rules()) == atomicvad.detect(atomicvad.example(), model=seeds()[0])


def test_a_long_recording_is_cut():
    long = score(np.zeros(round(16000 * (LONGEST + 30)), np.int16), 16000, model=seeds()[0])
    assert len(long.waveform) == 16000 * LONGEST and not long.is_whole


def test_a_slider_renews_picture_and_players(sound, shown):
    explorer = Explorer(sound, "threshold")
    explorer._ipython_display_()
    whole, picture, table = shown
    assert bounds(explorer.segments) == bounds(atomicvad.detect(atomicvad.example()))
    assert picture.data.count("<img") == 1 and "5 segments" in picture.data
    assert table.data.count("<audio") == len(SPOKEN) and whole.data.count("<audio") == 1
    explorer.sliders["threshold"].value = 0.3
    assert shown[0] is whole and shown[1].data != picture.data
    assert shown[2].data.count("<audio") == len(explorer.segments) < len(SPOKEN)


def test_the_first_values_are_the_models_own_and_on_a_step(sound):
    """A browser moves a value that lies between two steps, and the picture with it."""
    explorer, rules = Explorer(sound, *explore.RANGES), sound.rules()
    for name, slider in explorer.sliders.items():
        assert slider.value == getattr(rules, name)
        steps = (slider.value - slider.min) / slider.step
        assert steps == pytest.approx(round(steps), abs=1e-4)


def test_thresholds_take_each_other_along(sound, shown):
    explorer = Explorer(sound, "threshold", "offset_threshold")
    explorer._ipython_display_()
    onset, offset = explorer.sliders.values()
    offset.value = 0.9
    assert onset.value == 0.9
    onset.value = 0.2
    assert offset.value == 0.2
    assert explorer.segments == sound.segments(sound.rules(threshold=0.2, offset_threshold=0.2))
    assert shown[1].data.count("<img") == 1


def test_rules_that_contradict_are_a_line(sound, shown):
    explorer = Explorer(sound, "offset_threshold")
    explorer._ipython_display_()
    explorer.sliders["offset_threshold"].value = 0.9
    assert shown[1].data.startswith("offset_threshold: expected at most threshold")
    explorer.sliders["offset_threshold"].value = 0.4
    assert shown[1].data.count("<img") == 1


def test_an_unknown_rule_is_named(sound):
    with pytest.raises(AtomicVADError, match="thresold: expected one of threshold, offset"):
        Explorer(sound, "thresold")


def upload(buttons, name, content):
    buttons.children[0].children[0].value = (
        {
            "name": name,
            "type": "",
            "size": len(content),
            "content": content,
            "last_modified": datetime.now(UTC),
        },
    )


def test_a_file_of_ones_own_takes_the_examples_place(sound, shown):
    explorer = Explorer(sound, "threshold")
    explorer._ipython_display_()
    buttons, file = chooser(explorer), io.BytesIO()
    soundfile.write(file, sound.waveform[: 16000 * 3], 16000, format="WAV")
    upload(buttons, "<mine>.wav", file.getvalue())
    assert shown[0].data.startswith("&lt;mine&gt;.wav, 3.0 s")
    assert len(explorer.segments) == shown[2].data.count("<audio") == 1
    upload(buttons, "notes.txt", b"no sound")
    assert buttons.children[1].value.startswith("notes.txt: ")
    assert explorer.sound.name == "<mine>.wav"
    upload(buttons, "quiet.wav", file.getvalue())
    assert buttons.children[1].value == ""


def test_a_microphone_is_heard_or_its_lack_told(sound, monkeypatch):
    explorer = Explorer(sound, "threshold")
    buttons = chooser(explorer)
    listen = buttons.children[0].children[1].click
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    listen()
    assert "pip install 'atomicvad[microphone]'" in buttons.children[1].value

    class PortAudioError(Exception):
        pass

    class Device:
        @staticmethod
        def query_devices(_device, _kind):
            return {"default_samplerate": 48000.0}

        @staticmethod
        def rec(frames, samplerate, channels, dtype, blocking):
            assert (samplerate, channels, dtype, blocking) == (48000, 1, "int16", True)
            return np.zeros((frames, 1), np.int16)

    Device.PortAudioError = PortAudioError
    monkeypatch.setitem(sys.modules, "sounddevice", Device)
    listen()
    assert explorer.sound.name == "microphone" and explorer.segments == []
    assert len(explorer.sound.waveform) == 5 * 16000 and buttons.children[1].value == ""

    def broken(*_, **__):
        raise PortAudioError("Error querying device -1")

    monkeypatch.setattr(Device, "rec", broken)
    with pytest.raises(AtomicVADError, match="no microphone: Error querying device -1; "):
        microphone.record(1.0)


def test_players_end_with_the_seconds(sound):
    """A page with hours of sound in it would not open."""
    often = score(np.tile(sound.waveform, 6), 16000)
    rules = often.rules()
    found = often.segments(rules)
    table = explore._table(often, found).data
    assert table.count("<tr>") == len(found) + 1
    assert 0 < table.count("<audio") < len(found)
    assert len(table) < 50_000 * PLAYED


def test_seeds_are_compared_with_the_recordings_model(sound):
    assert compare_seeds(sound).data.count("<img") == 1
    curves = {name: np.full(4, 0.5) for name in ("1", "2", "ensemble")}
    figure = plot_models(np.arange(4.0), curves, {name: [] for name in curves}, "a $5 call")
    above, below = figure.axes
    assert (
        len(above.lines) == 3 and above.lines[-1].get_linewidth() > above.lines[0].get_linewidth()
    )
    assert [text.get_text() for text in below.get_yticklabels()] == list(curves)


def test_the_notebook_shows_a_recording_of_ones_own(tmp_path, monkeypatch):
    """Without a browser; ``test_lab`` runs it with its defaults."""
    monkeypatch.setenv("PYTHONPATH", str(project_root()))
    soundfile.write(tmp_path / "mine.wav", 0.1 * np.sin(np.arange(48000)), 48000)
    source, out = project_root() / "notebooks" / "00_start.ipynb", tmp_path / "out.ipynb"
    run_notebook(source, out, {"recording": str(tmp_path / "mine.wav")})
    cells = nbformat.read(out, 4).cells
    data = [one.get("data", {}) for cell in cells for one in cell.get("outputs", ())]
    assert sum(one.get("text/html", "").count("<img") for one in data) == 3
    pages = "".join(str(one.get("text/html", "")) for one in data)
    assert "mine.wav, 1.0 s" in pages and "no speech" in pages and "<audio" in pages
