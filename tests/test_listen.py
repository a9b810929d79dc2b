"""``atomicvad listen``: blocks of a microphone to a meter and events; devices that are missing."""

import json
import sys
import types

import numpy as np
import pytest
from typer.testing import CliRunner
from voices import RATE, recording

from atomicvad import SpeechDetector, detect
from atomicvad.cli import listen
from atomicvad.cli.main import app
from atomicvad.cli.meter import Meter
from atomicvad.detection.microphone import find_sounddevice
from atomicvad.errors import AtomicVADError

SAMPLES = np.round(32767 * recording("", "voice", "", "voice")).astype(np.int16)[:, np.newaxis]
BLOCKS = [SAMPLES[first : first + 800] for first in range(0, len(SAMPLES), 800)]


def test_the_meter_shows_level_probability_and_state():
    meter, lines, events = Meter(SpeechDetector()), [], []
    for block in BLOCKS:
        events += meter.push(block)
        lines.append(meter.line())
    assert lines[19].startswith("00:01.0   -66 dBFS  [###") and "speech" not in lines[19]
    assert lines[69].endswith("speech") and "[###################" in lines[69]
    assert meter.seconds == 8 and len(meter.line(30)) == 30
    events += meter.flush()
    assert not meter.is_speech
    assert [event.segment for event in events if event.segment] == detect(SAMPLES, RATE)


def test_levels_are_of_full_scale():
    meter = Meter(SpeechDetector(channel=1))
    square = np.full((800, 2), -32768, np.int16)
    square[:, 0] = 0
    meter.push(square)
    assert meter.level == 0
    meter.push(np.zeros((800, 2), np.int16))
    assert meter.level == -99


def microphone(devices=1):
    """A stand-in of sounddevice: what it is asked for, and the blocks of a recording."""

    class InputStream:
        def __init__(self, callback, **asked):
            self.callback = callback
            assert asked["samplerate"] == RATE and asked["blocksize"] == 800

        def __enter__(self):
            for number, block in enumerate(BLOCKS):
                self.callback(block, 800, None, types.SimpleNamespace(input_overflow=number == 3))

        def __exit__(self, *_):
            pass

    def query_devices(device=None, kind=None):
        row = {"index": 0, "name": "USB", "max_input_channels": 2, "default_samplerate": 16000.0}
        if kind is None:
            return [row, row | {"max_input_channels": 0, "name": "loudspeaker"}][: 2 * devices]
        if device not in (None, 0, "USB"):
            raise ValueError(f"No input device matching {device!r}")
        return row

    return types.SimpleNamespace(
        InputStream=InputStream, query_devices=query_devices, PortAudioError=RuntimeError,
        default=types.SimpleNamespace(device=(0, 0)),
    )  # fmt: skip


def run(monkeypatch, *arguments, module=None):
    monkeypatch.setitem(sys.modules, "sounddevice", module or microphone())
    result = CliRunner().invoke(app, ["listen", *arguments])
    if result.exception is not None:
        raise result.exception
    return result


def test_events_are_lines_where_stdout_is_no_terminal(monkeypatch):
    result = run(monkeypatch, "--seconds", "8", "--device", "USB")
    events = [json.loads(line) for line in result.stdout.splitlines()]
    found = detect(SAMPLES, RATE)
    assert [event["event"] for event in events] == ["start", "end"] * len(found)
    assert [event["end"] for event in events[1::2]] == [round(one.end, 3) for one in found]
    assert result.stderr == "listen: the computer was too slow; sound was lost 1 times\n"


def test_microphones_are_listed(monkeypatch):
    assert run(monkeypatch, "--list").stdout == "*  0  USB, 2 channels, 16000 Hz\n"
    with pytest.raises(AtomicVADError, match="PortAudio finds no microphone"):
        run(monkeypatch, "--list", module=microphone(0))


def test_what_is_missing_is_one_line(monkeypatch):
    with pytest.raises(AtomicVADError, match=r"^--device x: No input device matching 'x'; "):
        run(monkeypatch, "--device", "x")
    monkeypatch.setattr(listen, "PATIENCE", 0.01)
    with pytest.raises(AtomicVADError, match=r"no sound from the device for 0.01 s"):
        run(monkeypatch)


def test_a_missing_portaudio_is_one_line(monkeypatch, tmp_path):
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    with pytest.raises(AtomicVADError, match="needs PortAudio: apt install libportaudio2"):
        find_sounddevice()
