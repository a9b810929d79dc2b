"""Files of segments are read back by libraries of others, and by the project's own readers."""

import csv
import io
import json
import re

import pytest
import webvtt
from hypothesis import given, settings
from hypothesis import strategies as st
from praatio import textgrid
from pyannote.database.util import load_rttm

from atomicvad.corpora.labels import read_segments, read_turns
from atomicvad.detection.formats import FORMATS, Detections, timestamps
from atomicvad.detection.segment import Segment

# Of four hours, the first and last moment too, a touching pair, and less than half a millisecond.
SEGMENTS = [
    Segment(0.0, 0.5, 0.91234567, 0.99), Segment(0.5, 1.0004, 0.8, 1.0),
    Segment(2.0, 2.0003, 0.6, 0.7), Segment(59.9996, 61.25, 0.75, 0.875),
    Segment(3723.0042, 3725.5, 0.5, 0.5), Segment(14399.0, 14400.0004, 0.9, 0.95),
]  # fmt: skip
EXPECTED = [
    *((0.0, 0.5), (0.5, 1.0), (60.0, 61.25), (3723.004, 3725.5), (14399.0, 14400.0)),
]
LONG = Detections("a.wav", 14400.0002, SEGMENTS)
NAMES = [
    'quo"ted "name".wav', "comma, semicolon; tab\t.wav", " leading and trailing .wav ",
    "line\nbreak\r\n.wav", "Straße/日本語/🎙.flac", "folder/a.wav", "other/a.wav", "back\\slash.ogg",
    "it's.wav", "-", "{braces}.wav", "$5.wav", "=1+1.wav", "<stdin>",
]  # fmt: skip


def text(name, *recordings):
    return FORMATS[name].write(recordings)


def names():
    letters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
    return st.text(letters, min_size=1, max_size=20)


@st.composite
def detections(draw):
    """Any recording, whose segments may reach beyond it by rounding."""
    duration = draw(st.floats(0.01, 1e5))
    cuts = draw(st.lists(st.floats(-1e-3, duration + 1e-3), max_size=12, unique=True))
    pairs = zip(sorted(cuts)[::2], sorted(cuts)[1::2], strict=False)
    score = st.floats(0, 1)
    segments = [Segment(start, end, draw(score), draw(score)) for start, end in pairs]
    return Detections(draw(names()), duration, segments)


def rounded(found):
    """What files should hold, in ms."""
    last = int(1000 * found.duration + 1e-6)
    spans = [(round(1000 * one.start), round(1000 * one.end)) for one in found.segments]
    spans = [(max(0, start), min(end, last)) for start, end in spans]
    return [(start / 1000, end / 1000) for start, end in spans if start < end]


def read_json(content):
    return {
        one["file"]: [(segment["start"], segment["end"]) for segment in one["segments"]]
        for one in json.loads(content)
    }


def read_csv(content):
    found = {}
    for row in csv.DictReader(io.StringIO(content, newline="")):
        assert row["label"] == "speech"
        assert 0 <= float(row["mean"]) <= 1 and 0 <= float(row["peak"]) <= 1
        found.setdefault(row["file"], []).append((float(row["start"]), float(row["end"])))
    return found


def read_rttm(path):
    return {
        file: [(round(turn.start, 3), round(turn.end, 3)) for turn in turns.itersegments()]
        for file, turns in load_rttm(path).items()
    }


def read_text_grid(path):
    grid = textgrid.openTextgrid(str(path), includeEmptyIntervals=True, reportingMode="error")
    (tier,) = grid.tiers
    return grid.maxTimestamp, tier.entries


def read_subtitles(content, form):
    if form == "srt" and not content:  # to the library no SRT; to the format a file without a cue
        return []
    captions = webvtt.from_buffer(io.StringIO(content), format=form, strict=form == "vtt")
    assert {caption.text for caption in captions} <= {"speech"}
    return [(seconds(caption.start), seconds(caption.end)) for caption in captions]


def seconds(clock):
    hours, minutes, rest = clock.replace(",", ".").split(":")
    return round(3600 * int(hours) + 60 * int(minutes) + float(rest), 3)


def written(folder, name, content):
    path = folder / name
    path.write_bytes(content.encode("utf-8"))
    return path


def test_json():
    (found,) = json.loads(text("json", LONG))
    assert (found["file"], found["duration"]) == ("a.wav", 14400.0)
    assert [(one["start"], one["end"]) for one in found["segments"]] == EXPECTED
    assert (found["segments"][0]["mean"], found["segments"][0]["peak"]) == (0.9123, 0.99)


def test_csv(tmp_path):
    assert read_csv(text("csv", LONG)) == {"a.wav": EXPECTED}
    found = read_segments(written(tmp_path, "a.csv", text("csv", LONG)))
    assert [tuple(one) for one in found] == [(*span, True) for span in EXPECTED]


def test_rttm(tmp_path):
    path = written(tmp_path, "a.rttm", text("rttm", LONG))
    assert read_rttm(path) == {"a": EXPECTED}
    assert [one[:2] for one in read_segments(path)] == [pytest.approx(one) for one in EXPECTED]
    assert path.read_text().splitlines()[0] == (
        "SPEAKER a 1 0.000 0.500 <NA> <NA> speech <NA> <NA>"
    )


def test_text_grid(tmp_path):
    path = written(tmp_path, "a.TextGrid", text("textgrid", LONG))
    last, entries = read_text_grid(path)
    assert last == 14400
    assert [entry[:2] for entry in entries if entry.label] == EXPECTED
    assert [one[:2] for one in read_segments(path) if one[2]] == EXPECTED
    borders = [entry.start for entry in entries] + [last]
    assert borders[1:] == [entry.end for entry in entries] and borders[0] == 0


def test_audacity(tmp_path):
    path = written(tmp_path, "a.txt", text("audacity", LONG))
    assert [tuple(one) for one in read_segments(path)] == [(*span, True) for span in EXPECTED]


@pytest.mark.parametrize("form", ["srt", "vtt"])
def test_subtitles(form):
    assert read_subtitles(text(form, LONG), form) == EXPECTED


def test_recordings_of_any_name_stay_apart(tmp_path):
    recordings = [Detections(name, 2.0, [Segment(0.5, 1.5, 0.9, 0.9)]) for name in NAMES]
    expected = {name: [(0.5, 1.5)] for name in NAMES}
    assert read_json(text("json", *recordings)) == expected
    assert read_csv(text("csv", *recordings)) == expected
    path = written(tmp_path, "all.rttm", text("rttm", *recordings))
    assert len(read_rttm(path)) == len(NAMES) == len(read_turns(path))
    for name, several in [(name, form.several) for name, form in FORMATS.items()]:
        assert several == (name in ("json", "csv", "rttm"))


def test_names_in_rttm(tmp_path):
    for name, other, expected in [
        ("my file.wav", "b.wav", {"my_file", "b"}),
        ("x/a.wav", "y/a.wav", {"x/a", "y/a"}),
        ("a.wav", "a.flac", {"a.wav", "a.flac"}),
        ("a b.wav", "a_b.wav", {"1_a_b.wav", "2_a_b.wav"}),
    ]:
        recordings = [Detections(one, 2.0, [Segment(0, 1, 1, 1)]) for one in (name, other)]
        path = written(tmp_path, "a.rttm", text("rttm", *recordings))
        assert read_rttm(path).keys() == expected


def test_names_with_blanks_are_read_back_beside_their_recording(tmp_path):
    name = 'my "own" file'
    found = Detections(f"{name}.wav", 2.0, [Segment(0, 1, 1, 1)])
    path = written(tmp_path, f"{name}.rttm", text("rttm", found))
    assert [one[:2] for one in read_segments(path)] == [(0, 1)]


def test_bytes_that_are_no_text_are_escaped():
    found = Detections("caf\udce9.wav", 2.0, [Segment(0.5, 1.5, 0.9, 0.9)])
    for form in FORMATS.values():
        form.write([found]).encode("utf-8")
    assert read_json(text("json", found)) == {"caf\\udce9.wav": [(0.5, 1.5)]}


def test_without_segments(tmp_path):
    nothing = Detections("a.wav", 2.5, [])
    assert json.loads(text("json", nothing)) == [{"file": "a.wav", "duration": 2.5, "segments": []}]
    assert read_csv(text("csv", nothing)) == {} and text("csv", nothing).count("\n") == 1
    assert text("rttm", nothing) == text("audacity", nothing) == text("srt", nothing) == ""
    assert text("vtt", nothing) == "WEBVTT\n" and read_subtitles("WEBVTT\n", "vtt") == []
    last, entries = read_text_grid(written(tmp_path, "a.TextGrid", text("textgrid", nothing)))
    assert (last, [tuple(entry) for entry in entries]) == (2.5, [(0, 2.5, "")])
    assert [tuple(one) for one in read_segments(written(tmp_path, "a.txt", ""))] == [(0, 0, True)]


def test_of_a_single_sample(tmp_path):
    """Praat opens no file without a length."""
    content = text("textgrid", Detections("a.wav", 1 / 16000, []))
    last, entries = read_text_grid(written(tmp_path, "a.TextGrid", content))
    assert (last, [tuple(entry) for entry in entries]) == (0.001, [(0, 0.001, "")])


@settings(max_examples=150, deadline=None)
@given(detections())
def test_any_segments_survive(tmp_path_factory, found):
    expected, folder = rounded(found), tmp_path_factory.mktemp("a")
    assert read_json(text("json", found)) == {found.file: expected}
    assert read_csv(text("csv", found)) == ({found.file: expected} if expected else {})
    for form in ("srt", "vtt"):
        assert read_subtitles(text(form, found), form) == expected
    (turns,) = read_turns(written(folder, "a.rttm", text("rttm", found))).values() or [[]]
    assert [one[:2] for one in turns] == [pytest.approx(span) for span in expected]
    last, entries = read_text_grid(written(folder, "a.TextGrid", text("textgrid", found)))
    assert [entry[:2] for entry in entries if entry.label] == expected
    assert all(0 <= entry.start < entry.end <= last <= found.duration + 1e-9 for entry in entries)
    lines = [re.split("\t", line) for line in text("audacity", found).splitlines()]
    assert [(float(start), float(end)) for start, end, _ in lines] == expected


def test_timestamps_as_silero_returns_them():
    found = timestamps(SEGMENTS[:2])
    assert found == [{"start": 0.0, "end": 0.5}, {"start": 0.5, "end": 1.0}]
    found = timestamps(SEGMENTS[:2], rate=16000)
    assert found == [{"start": 0, "end": 8000}, {"start": 8000, "end": 16006}]
    assert all(type(value) is int for one in found for value in one.values())
