"""Label files as people's tools write them; what is no label is passed over, never guessed."""

import pytest

from atomicvad.corpora.labels import fill, is_label_file, read_segments, read_turns
from atomicvad.errors import AtomicVADError

SPEECH = [(1.0, 2.5, True)]
BOTH = [(0.0, 1.0, False), (1.0, 2.5, True), (2.5, 10.0, False)]
INTERVALS = '"IntervalTier"\n"vad"\n0\n10\n3\n0\n1\n"{0}"\n1\n2.5\n"{1}"\n2.5\n10\n"{0}"\n'
NEW = 'File type = "ooTextFile"\nObject class = "TextGrid"\n\n'
OLD = 'File type = "ooTextFile short"\n"TextGrid"\n\n'
NEMO = '{{"audio_filepath": "audio/a.wav", "offset": {}, "duration": {}, "label": "{}"}}\n'


def read(tmp_path, name, text, encoding="utf-8"):
    (tmp_path / name).write_bytes(text.encode(encoding))
    return read_segments(tmp_path / name)


@pytest.mark.parametrize("head", [NEW, OLD])
@pytest.mark.parametrize("words", [("0", "1"), ("silent", "sounding"), ("", "Speech")])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_grids_old_and_new(head, words, line_end, encoding, tmp_path):
    text = head + "0\n10\n<exists>\n1\n" + INTERVALS.format(*words)
    assert read(tmp_path, "a.TextGrid", text.replace("\n", line_end), encoding) == BOTH


def test_tiers_of_speakers_are_a_union_and_tiers_of_words_are_none(tmp_path):
    other = '"IntervalTier"\n"bert"\n0\n10\n2\n0\n2\n""\n2\n4\n"speech"\n'
    words = '"IntervalTier"\n"words"\n0\n10\n1\n0\n10\n"hello there"\n'
    points = '"TextTier"\n"clicks"\n0\n10\n1\n5\n"click"\n'
    text = NEW + "0\n10\n<exists>\n4 ! tiers\n" + points + INTERVALS.format("0", "1")
    assert fill(read(tmp_path, "a.TextGrid", text + other + words), 10.0) == [
        (0.0, 1.0, False),
        (1.0, 4.0, True),
        (4.0, 10.0, False),
    ]


def test_a_text_grid_that_nobody_has_filled_in_is_not_silence(tmp_path):
    with pytest.raises(AtomicVADError, match="no interval has a label"):
        read(tmp_path, "a.TextGrid", NEW + "0\n10\n<exists>\n1\n" + INTERVALS.format("", ""))


@pytest.mark.parametrize(
    "text",
    [
        ";; a comment\nSPKR-INFO a 1 <NA> <NA> <NA> adult_male anna <NA>\n"
        "SPEAKER a 1 1.0 1.5 <NA> <NA> anna <NA> <NA>\nLEXEME a 1 1.1 0.2 yes lex anna 0.9\n"
        "NON-LEX a 1 1.3 0.1 <NA> laugh anna <NA>\nNON-SPEECH a 1 5 1 <NA> noise <NA> <NA>\n"
        "SU a 1 1 1.5 <NA> statement anna <NA>\nA/P a 1 1 0.1 <NA> <NA> anna <NA>\n"
        "SEGMENT a 1 1 1.5 <NA> eval anna <NA>\nFILLER a 1 1 .1 um <NA> anna <NA>\n"
        "EDIT a 1 1 .1 <NA> repetition anna <NA>\nIP a 1 1 <NA> <NA> edit anna <NA>\n"
        "CB a 1 1 <NA> <NA> coord anna <NA>\nNOSCORE a 1 <NA> <NA> <NA> <NA> <NA> <NA>\n",
        "SPEAKER\ta\t\t1.0\t1.5\t\t\tanna\t\t\n",  # blank fields
        "SPEAKER a <NA> 1.000   1.500 <NA> <NA> speaker_0 <NA> <NA>\r\n",  # NeMo
        "SPEAKER a 1 1.000 1.500 <NA> <NA> SPEAKER_00 <NA> <NA>\n",  # pyannote's write_rttm
    ],
)
def test_speaker_turns_among_all_other_types_of_lines(text, tmp_path):
    assert read(tmp_path, "a.rttm", text) == SPEECH


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("speaker a 1 1 2 <NA>\n", "a.rttm:1: .* type 'speaker'"),
        ("SPEAKER a 1 1 2\nSPEECH a 1 1 2\n", "a.rttm:2: .* type 'SPEECH'"),
        ("SPEAKER b 1 1 2\n", "a.rttm:1: expected SPEAKER a .* recording 'b'"),
        ("LEXEME a 1 1 2 yes lex anna 0.9\n", "a.rttm:1: expected SPEAKER lines"),
        ("SPEAKER a 1 1 0\n", "a.rttm:1: expected labels with a duration"),
    ],
)
def test_an_rttm_without_turns_of_this_recording_is_not_silence(text, said, tmp_path):
    with pytest.raises(AtomicVADError, match=said):
        read(tmp_path, "a.rttm", text)


def test_what_is_not_to_be_scored_is_neither_speech_nor_no_speech(tmp_path):
    (tmp_path / "a.uem").write_text("a 1 0.5 6\n")
    text = "SPEAKER a 1 1 2 <NA>\nNOSCORE a 1 2.5 1 <NA>\n"
    assert fill(read(tmp_path, "a.rttm", text), 10.0) == [
        (0.5, 1.0, False),
        (1.0, 2.5, True),
        (3.5, 6.0, False),
    ]
    (tmp_path / "a.uem").write_text("b 1 0.5 6\n")
    with pytest.raises(AtomicVADError, match=r"a\.uem:1: .* recording 'b'"):
        read_segments(tmp_path / "a.rttm")


def test_turns_of_several_recordings_may_have_the_same_times(tmp_path):
    (tmp_path / "all.rttm").write_text("SPEAKER a 1 1 2\nNOSCORE a 1 1 2\nSPEAKER b 1 1 2\n")
    assert {n: len(turns) for n, turns in read_turns(tmp_path / "all.rttm").items()} == {
        "a": 2,
        "b": 1,
    }


@pytest.mark.parametrize(
    "text",
    [
        "1,000000\t2,500000\tspeech\n\\\t100,0\t4000,0\n",
        "1.0\t2.5\t\n\\\t-1.000000\t-1.000000\n",
        "1\t2.5\tSPEAKER_01\r\n",
        "1\t2.5\n",
    ],
)
def test_label_tracks_of_audacity(text, tmp_path):
    assert read(tmp_path, "a.txt", text) == SPEECH
    assert is_label_file(tmp_path / "a.txt")


@pytest.mark.parametrize(
    "text",
    [
        "start;end;label\r\n0;1;noise\r\n1;2,5;speech\r\n2,5;10;noise\r\n",
        "\ufeffonset\toffset\tevent_label\n0\t1\tnoise\n1\t2.5\tspeech\n2.5\t10\tnoise\n",
        'Begin Time (s),End Time (s),Speaker,Label\n0,1,"x, y",sil\n1,2.5,,voice\n2.5,10,,sil\n',
        "file,start_ms,end_ms,label\na.wav,0,1000,0\na.wav,1000,2500,1\na.wav,2500,10000,0\n",
        "start,end,duration,label\n0,1,1,0\n1,2.5,1.5,1\n2.5,10,7.5,0\n",
        "offset,duration,label\n0,1,background\n1,1.5,speech\n2.5,7.5,background\n",
        "0, 1, noise\r1, 2.5, speech\r2.5, 10, noise\r",
    ],
)
def test_tables_of_many_kinds(text, tmp_path):
    assert read(tmp_path, "a.csv", text) == BOTH


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("start,end,label\n1,2,\n", "a.csv:2: label"),
        ("start,end,label\n1,1,speech\n", "a.csv:2: expected 0 <= start < end"),
        ("start,start,label\n1,1,speech\n", "a.csv:1: expected the columns"),
        ("file,start,end,label\nb.wav,1,2,speech\n", "a.csv:2: expected the recording 'a'"),
        ("1_0,2_0,speech\n", "a.csv:1: times"),
        ('start,end,label\n1,2,"speech\n', r"a.csv:\d: not a table"),
        ('"1,000","2,000",speech\n', "a.csv:1: times"),
    ],
)
def test_a_table_that_needs_a_guess_is_refused(text, said, tmp_path):
    with pytest.raises(AtomicVADError, match=said):
        read(tmp_path, "a.csv", text)


def test_lab_files_and_nemos_json_lines(tmp_path):
    lab = "0.000 1.000 silence\n1.000 2.500 SPEAKER_00\n2.500 10.000 sil\n"
    assert read(tmp_path, "a.lab", lab) == BOTH
    rows = NEMO.format(0, 1, "background") + NEMO.format(1, 1.5, "speech")
    assert read(tmp_path, "a.jsonl", rows + NEMO.format(2.5, 7.5, "background")) == BOTH
    with pytest.raises(AtomicVADError, match=r"a\.json:2: expected an object"):
        read(tmp_path, "a.json", NEMO.format(0, 1, "speech") + "[]\n")
    with pytest.raises(AtomicVADError, match=r"b\.json:1: expected the recording 'b'"):
        read(tmp_path, "b.json", NEMO.format(0, 1, "speech"))


@pytest.mark.parametrize(
    ("name", "text", "is_label"),
    [
        ("a.txt", "She had your dark suit in greasy wash water all year.\n", False),
        ("a.txt", "0 46797 She had your dark suit in greasy wash water.\n", False),  # TIMIT
        ("a.txt", "4 7 1 9\n", False),
        ("a.txt", "1,500 people\n", False),
        ("a.txt", "[0.00 - 2.50] Hello\n00:00:01 and good bye\n", False),
        ("a.lab", "so she said\n", False),
        ("a.json", '{\n  "text": "so she said"\n}\n', False),
        ("a.json", '{"text": "so she said", "label": 1}\n', False),
        ("a.txt", "0 1 speech\n", True),
        ("a.txt", "0,1,speech\n", True),
        ("a.txt", "0.5 1.5 speach\n", True),
        ("a.txt", "0,5 1,5\n", True),
        ("a.txt", "0.5\t1.5\tso she said\n", True),
        ("a.txt", "0.5\t1.5\tspeech\tmore\n", True),
        ("a.lab", "0 3600000 sil\n", True),  # HTK
    ],
)
def test_transcripts_are_passed_over_and_bad_tracks_are_not(name, text, is_label, tmp_path):
    (tmp_path / name).write_text(text)
    assert is_label_file(tmp_path / name) == is_label
    if is_label and name.endswith(".txt"):
        with pytest.raises(AtomicVADError, match=r"a\.txt:1: "):
            read_segments(tmp_path / name)
