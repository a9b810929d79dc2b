"""Labels against the length of the audio: each moment once, or a named reason, never silence."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import trees
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from atomicvad.config import settings_from
from atomicvad.corpora.labels import fill, read_segments, remarks
from atomicvad.corpora.registry import get_corpus
from atomicvad.data.label_check import check_labels
from atomicvad.data.testset import prepare_clips
from atomicvad.errors import AtomicVADError
from atomicvad.sections import SourceSettings

PAST = "past the end of the audio"


def milliseconds(rows, length):
    """An independent reading: a moment a millisecond, speech and no speech each as an array.

    ``rows`` are (start, end, speech) in ms. A text instead of the arrays is the reason to refuse.
    """
    if any(end < start for start, end, _ in rows):
        return "start"
    if rows and all(start == end for start, end, _ in rows):
        return "with a duration"
    size = max([length, *(end for _, end, _ in rows)])
    speech, silence = np.zeros(size, bool), np.zeros(size, bool)
    for start, end, is_speech in rows:
        (speech if is_speech else silence)[start:end] = True
    if (speech & silence).any():
        return "overlap"
    for start, end, _ in rows:
        if end > length + 500 or start > length + 10:
            return PAST
    if all(is_speech for *_, is_speech in rows):
        silence = ~speech
    speech, silence = speech[:length], silence[:length]
    return (speech, silence) if (speech | silence).any() else "nothing of"


def written(kind, rows, unit):
    """The rows as a file of a format, in s, or in another unit of which a second has ``unit``."""
    times = [(start * unit / 1000, end * unit / 1000, label) for start, end, label in rows]
    if kind == "rttm":
        return "".join(f"SPEAKER a 1 {a:.3f} {b - a:.3f} <NA> <NA> x <NA>\n" for a, b, _ in times)
    if kind == "txt":
        lines = (f"{a:.3f}\t{b:.3f}\t{'speech' if s else 'noise'}\n" for a, b, s in times)
        return "".join(lines).replace(".", ",")
    sign = {"csv": ",", "semicolons.csv": ";"}[kind]
    return "".join(f"{a:.3f}{sign}{b:.3f}{sign}{int(s)}\n" for a, b, s in times)


ROWS = st.lists(
    st.tuples(st.integers(0, 1100), st.integers(-3, 500) | st.integers(0, 40), st.booleans()),
    max_size=6,
)


@settings(
    max_examples=2000,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(
    st.sampled_from(["csv", "semicolons.csv", "rttm", "txt"]),
    ROWS,
    st.integers(600, 1500),
    st.sampled_from([1, 1, 1, 1, 1, 1000]),
)
def test_labels_equal_a_plain_reading_or_are_refused(tmp_path_factory, kind, rows, length, unit):
    """2,000 pairs of labels and lengths of audio."""
    rows = [(start, max(start + more, 0), kind == "rttm" or s) for start, more, s in rows]
    if kind.endswith("csv"):  # a row of no length is refused there
        rows = [(start, end + (end == start), s) for start, end, s in rows]
    expected = milliseconds([(a * unit, b * unit, s) for a, b, s in rows], length)
    if not rows:
        expected = milliseconds([], length) if kind in ("rttm", "txt") else "no labels"
    path = tmp_path_factory.getbasetemp() / "spans" / f"a.{kind}"
    path.parent.mkdir(exist_ok=True)
    path.write_text(written(kind, rows, unit))
    try:
        spans = fill(read_segments(path), length / 1000, 16000)
    except AtomicVADError as error:
        assert isinstance(expected, str) and expected in str(error), (error, expected)
        assert str(error).startswith(str(path)) and "\n" not in str(error)
        return
    assert not isinstance(expected, str), expected
    found = np.zeros((2, length), int)
    for start, end, speech in spans:
        found[0 if speech else 1, round(start * 1000) : round(end * 1000)] += 1
    assert (found == expected).all()


@pytest.mark.parametrize(
    ("text", "name", "cause"),
    [
        ("3000,9000,speech\n", "a.csv", "milliseconds (a factor of 1,000)"),
        ("48000,144000,speech\n", "a.csv", "samples at 16000 Hz (a factor of 16,000)"),
        ("300,900,speech\n", "a.csv", "frames of 10 ms (a factor of 100)"),
        ("30000000 90000000 speech\n", "a.lab", "HTK's units of 100 ns (a factor of 10,000,000)"),
        ("SPEAKER a 1 3000 6000\n", "a.rttm", "milliseconds (a factor of 1,000)"),
    ],
)
def test_times_of_another_unit_are_refused_with_the_likely_cause(text, name, cause, tmp_path):
    (tmp_path / name).write_text(text)
    with pytest.raises(AtomicVADError) as caught:
        fill(read_segments(tmp_path / name), 10.0, 16000)
    assert f"{name}:1: " in str(caught.value) and PAST in str(caught.value)
    assert cause in str(caught.value)


def test_times_a_little_past_the_end_have_no_other_cause(tmp_path):
    (tmp_path / "a.csv").write_text("1,2,noise\n3,12,speech\n")
    with pytest.raises(AtomicVADError, match=r"a\.csv:2: .* has 10\.00 s$"):
        fill(read_segments(tmp_path / "a.csv"), 10.0, 16000)


@pytest.mark.parametrize(
    "rows",
    [
        ["0,10,speech", "1,2,speech", "3,4,noise"],
        ["0,9,noise", "1,2,noise", "2,3,noise", "8.5,9.5,speech"],
        ["5,6,speech", "5,6,noise"],
    ],
)
def test_any_two_rows_that_contradict_each_other_are_named(rows, tmp_path):
    (tmp_path / "a.csv").write_text("\n".join(rows))
    with pytest.raises(AtomicVADError, match=r"a\.csv:\d: speech and no speech overlap.*line \d"):
        read_segments(tmp_path / "a.csv")


def test_speech_is_the_union_of_the_speakers_in_every_set_of_labels(root, tmp_path):
    """Nested turns and turns with one start count once, in a test set and with both labels."""
    turns = {"nested": [(1.0, 3.0), (1.5, 0.5)], "same": [(1.0, 0.5), (1.0, 3.0)]}
    for number, (name, rows) in enumerate(turns.items()):
        trees.write(tmp_path / "test" / f"{name}.wav", trees.sound("speech", 40 + number, 6.0))
        lines = [f"SPEAKER {name} 1 {start} {length} <NA> <NA> x\n" for start, length in rows]
        (tmp_path / "test" / f"{name}.rttm").write_text("".join(lines))
    rows = "1,1.5,speech\n1,4,speech\n0,1,noise\n0.5,1,noise\n4,6,noise\n"
    trees.write(tmp_path / "test" / "both.wav", trees.sound("speech", 42, 6.0))
    (tmp_path / "test" / "both.csv").write_text(rows)
    source = {"corpus": "folder", "folder": str(tmp_path)}
    values = {"corpus": "sources", "sources": [source], "test": [source], "seeds": [1]}
    counts = {"training": 8, "validation": 8, "testing": 8}
    windows = {"counts": counts, "stride_seconds": {"speech": 0.1, "background": 0.1}}
    values |= {"windows": windows, "training": {"batch_size": 8, "epochs": 1}}
    profile = settings_from(values, "tests", "union")
    prepare_clips(profile, profile.test, "testing")
    columns = ["clip", "start", "end", "label"]
    labels = pd.read_csv(profile.clips_folder("testing") / "labels.csv", names=columns)
    for _, rows in labels.groupby("clip"):
        assert rows[["start", "end"]].to_numpy().tolist() == [[900, 901], [901, 904], [904, 906]]
        assert rows["label"].tolist() == ["NO_SPEECH", "CLEAN_SPEECH", "NO_SPEECH"]
    assert labels["clip"].nunique() == 3


def test_what_is_doubtful_is_said_with_its_line(tmp_path):
    def doubts(name, text, seconds=10.0):
        (tmp_path / name).write_text(text)
        segments = read_segments(tmp_path / name)
        assert fill(segments, seconds)
        return [line.removeprefix(f"{tmp_path}/") for line in remarks(segments, seconds)]

    assert doubts("a.csv", "0,3,noise\n3,10.005,speech\n") == []
    assert doubts("a.csv", "0,3,noise\n3,10.3,speech\n") == [
        "a.csv:2: 0.300 s past the end of the audio, which has 10.00 s: cut"
    ]
    assert doubts("a.csv", "3,3.05,speech\n") == [
        "a.csv: its labels cover 0.050 s of 10.00 s: the rest is taken as no speech"
    ]
    assert doubts("a.txt", "1\t1\n2\t5\n") == ["a.txt:1: a span of no length at 1 s: passed over"]
    assert doubts("a.txt", "") == ["a.txt:1: no label in it: all is taken as no speech"]


@pytest.fixture
def labelled(tmp_path):
    """Recordings of 2 s with sound labels, with each defect, and with a transcript."""
    texts = {"sound.csv": "0,1,noise\n1,2,speech\n", "ms.csv": "500,1500,speech\n"}
    texts |= {"cut.txt": "1\t2.2\tspeech\n", "said.txt": "so she said\n"}
    for name, text in texts.items():
        trees.write(tmp_path / "speech" / f"{name[:-4]}.wav", trees.sound("speech", 3))
        (tmp_path / "speech" / name).write_text(text)
    (tmp_path / "speech" / "lost.rttm").write_text("SPEAKER lost 1 1 1\n")
    return tmp_path / "speech"


def test_data_check_lists_all_findings_of_a_folder(labelled):
    code = "from atomicvad.cli.main import main; main()"
    command = [sys.executable, "-c", code, "data", "check"]
    done = subprocess.run([*command, str(labelled)], capture_output=True, text=True, check=False)
    lines = done.stdout.replace(f"{labelled}/", "").splitlines()
    assert done.returncode == 1
    assert lines[0].startswith("error: ms.csv:1: 500 to 1500 s: past the end")
    assert set(lines[1:]) == {
        "warning: said.txt: a transcript, no labels",
        "warning: lost.rttm: labels without a recording",
        "warning: cut.txt:1: 0.200 s past the end of the audio, which has 2.00 s: cut",
        "3 recordings with labels, 1 errors, 3 warnings",
    }
    assert check_labels(labelled, "sound.csv").to_text().endswith("labels, 0 errors, 0 warnings")
    with pytest.raises(AtomicVADError, match=r"said\.txt: expected labels"):
        check_labels(labelled, "said.txt")


def test_a_folder_names_its_transcripts_and_refuses_two_label_files(labelled, capsys):
    source = SourceSettings(corpus="folder", folder=labelled.parent)
    entries = list(get_corpus("folder").entries(labelled.parent, source, 42))
    assert {entry.path: len(entry.segments) for entry in entries} == {
        "speech/cut.wav": 1,
        "speech/ms.wav": 1,
        "speech/said.wav": 0,
        "speech/sound.wav": 2,
    }
    said = capsys.readouterr().out
    assert "said.txt: a transcript" in said and "lost.rttm: labels without a recording" in said
    (labelled / "sound.TextGrid").write_text("")
    with pytest.raises(AtomicVADError, match="expected one label file of a recording"):
        list(get_corpus("folder").entries(labelled.parent, source, 42))
