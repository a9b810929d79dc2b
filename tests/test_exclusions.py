"""What is left out of the open corpus stands in a list, once and with its reason."""

import re

import pytest

from atomicvad.corpora import exclusions
from atomicvad.corpora.exclusions import COLUMNS, decisions, excluded
from atomicvad.errors import AtomicVADError

NAME = re.compile(r"[a-z0-9_-]+(/[^/]+)+\.(g722|mp3|ogg|opus|wav)$")


def test_every_decision_names_a_recording_and_says_why():
    for row in decisions():
        assert NAME.match(row["recording"]), row["recording"]
        assert len(row["reason"]) > 3 and "dBFS" in row["evidence"]
        assert "atomicvad" not in row["evidence"].lower(), "our detector decides nothing"


def test_known_wrong_labels_are_left_out_and_kept_ones_are_not():
    left_out = excluded()
    assert {"ktuberling-nn/tux-zzz.opus", "lincity/Substation3.wav"} <= left_out
    kept = {row["recording"] for row in decisions() if row["decision"] == "kept"}
    assert "ktuberling-uk/tux-zzz.ogg" in kept and not kept & left_out


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        (["a/b.wav,left out,,1 s"], "a value in each"),
        (["a/b.wav,perhaps,noise,1 s"], "left out or kept; got 'perhaps'"),
        (["a/b.wav,kept,noise,1 s", "a/b.wav,left out,noise,1 s"], "twice"),
    ],
)
def test_a_mistake_in_the_list_is_named_with_its_line(rows, problem, tmp_path, monkeypatch):
    path = tmp_path / "list.csv"
    path.write_text("\n".join([",".join(COLUMNS), *rows]) + "\n")
    monkeypatch.setattr(exclusions, "DECISIONS", path)
    with pytest.raises(AtomicVADError, match=rf"list.csv:{len(rows) + 1}: .*{problem}"):
        decisions.__wrapped__()
