"""Label files of every kind say the same; a bad one is named, with its line."""

import os
import time

import pytest
import trees

from atomicvad.corpora.labels import fill, read_segments
from atomicvad.errors import AtomicVADError

ROWS = [(0.0, 1.5, "0"), (1.5, 3.5, "1"), (3.5, 5.0, "0")]
SEGMENTS = [(0.0, 1.5, False), (1.5, 3.5, True), (3.5, 5.0, False)]


@pytest.mark.parametrize("suffix", [".csv", ".rttm", ".txt", ".TextGrid"])
def test_all_kinds_say_the_same(suffix, tmp_path):
    path = trees.label_file(tmp_path / f"a{suffix}", ROWS)
    assert fill(read_segments(path), 5.0) == SEGMENTS


@pytest.mark.parametrize("short", [True, False])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_grids_of_both_forms(short, encoding, tmp_path):
    path = tmp_path / "a.TextGrid"
    path.write_text(trees.text_grid(ROWS, short), encoding=encoding)
    assert read_segments(path) == SEGMENTS


def test_what_is_not_labelled_is_no_speech_only_if_speech_alone_is_labelled():
    assert fill([(1.0, 2.0, True)], 3.0) == [(0.0, 1.0, False), (1.0, 2.0, True), (2.0, 3.0, False)]
    both = [(0.0, 1.0, False), (2.0, 3.0, True)]
    assert fill(both, 4.0) == both


def test_labels_are_cut_at_the_end():
    assert fill([(0.0, 2.05, True)], 2.0) == [(0.0, 2.0, True)]
    assert fill([(0.0, 1.0, True), (1.5, 2.4, True), (1.9, 2.3, True)], 2.0)[1:] == [
        (1.0, 1.5, False),
        (1.5, 2.0, True),
    ]


@pytest.mark.parametrize(("suffix", "text"), [(".rttm", "SPKR-INFO a 1 <NA>\n"), (".txt", "")])
def test_a_file_without_a_line_of_speech_says_that_there_is_none(suffix, text, tmp_path):
    path = tmp_path / f"a{suffix}"
    path.write_text(text)
    assert fill(read_segments(path), 5.0)[-1] == (0.0, 5.0, False)


@pytest.mark.parametrize(
    "text",
    [
        "label,end,start\nspeech,2,1\n",
        '"start","end","label"\r\n"1","2","speech"\r\n',
        "1, 2, Speech\n",
    ],
)
def test_columns_go_by_their_names(text, tmp_path):
    (tmp_path / "a.csv").write_text(text, newline="")
    assert read_segments(tmp_path / "a.csv") == [(1.0, 2.0, True)]


def test_a_long_text_grid_takes_no_longer_a_line_than_a_short_one(tmp_path):
    """Eight times the lines take about eight times the work, not 64 times."""
    seconds = []
    for count in (5_000, 40_000):
        rows = [(float(n), n + 1.0, str(n % 2)) for n in range(count)]
        path = tmp_path / f"{count}.TextGrid"
        path.write_text(trees.text_grid(rows))
        attempts = []
        for _ in range(3):
            started = time.process_time()  # of this process alone, whatever else is at work
            assert len(read_segments(path)) == count
            attempts.append(time.process_time() - started)
        seconds.append(min(attempts))
    assert seconds[1] < 24 * seconds[0]


def test_a_pipe_is_no_label_file(tmp_path):
    os.mkfifo(tmp_path / "a.csv")
    with pytest.raises(AtomicVADError, match="not a file that can be read"):
        read_segments(tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.csv", "0,1,speech\n1,0.5,noise\n", "a.csv:2: expected 0 <= start < end"),
        ("a.csv", "start,end,label\n0,x,speech\n", "a.csv:2: times: expected two numbers"),
        ("a.csv", "0,nan,speech\n", "a.csv:1: times"),
        ("a.csv", "0,1\n", "a.csv:1: expected start,end,label"),
        ("a.csv", "start,end,word\n0,1,a\n", "a.csv:1: expected the columns start, end, label"),
        ("a.csv", "0,1,perhaps\n", "a.csv:1: label: expected one of .* got 'perhaps'"),
        ("a.csv", "0,2,speech\n1,3,noise\n", "speech and no speech overlap at 1.000 s"),
        ("a.csv", "\n", "no labels in it"),
        ("a.rttm", "SPEAKER ../b 1 0 1 <NA>\n", "a.rttm:1: expected SPEAKER a"),
        ("a.rttm", "SPEAKER a 1 -1 1\n", "a.rttm:1: expected start and duration of 0 s"),
        ("a.txt", "0 1 speech\n", "a.txt:1: expected start TAB end TAB label"),
        ("a.TextGrid", "words", "a.TextGrid:1: expected a Praat TextGrid"),
        ("a.TextGrid", trees.text_grid(ROWS).replace('"1"', '"x"'), "a.TextGrid:20: label"),
        ("a.TextGrid", trees.text_grid(ROWS).replace("size = 3", "size = 9"), "found fewer"),
        ("a.wav", "0,1,speech", "expected a label file"),
    ],
)
def test_a_bad_label_file_is_named(name, text, said, tmp_path):
    (tmp_path / name).write_text(text)
    with pytest.raises(AtomicVADError, match=said) as caught:
        read_segments(tmp_path / name)
    assert "\n" not in str(caught.value)
