"""A log of finished work is taken up as far as it can be trusted, and no further."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atomicvad.journal import Journal

ENTRIES = [["a", 1], ["b", 2], {"c": "ü"}]


@pytest.fixture
def path(tmp_path):
    journal = Journal(tmp_path / "folder" / "log", "key")
    journal.add(ENTRIES[0])
    journal.add(*ENTRIES[1:])
    journal.close()
    return journal.path


def test_a_stopped_command_goes_on(path):
    journal = Journal(path, "key")
    assert journal.entries == ENTRIES
    journal.add("more")
    journal.close()
    assert Journal(path, "key").entries == [*ENTRIES, "more"]


def test_another_key_begins_anew(path):
    journal = Journal(path, "other")
    assert journal.entries == []
    journal.add("new")
    journal.close()
    assert Journal(path, "other").entries == ["new"] and Journal(path, "key").entries == []


@given(cut=st.integers(0, 200))
def test_a_log_cut_anywhere_keeps_its_whole_lines(tmp_path_factory, cut):
    lines = [json.dumps(value) + "\n" for value in ["key", *ENTRIES]]
    path = tmp_path_factory.mktemp("cut") / "log"
    text = "".join(lines)
    path.write_text(text[:cut])
    whole = text[:cut].count("\n")
    assert Journal(path, "key").entries == ENTRIES[: max(0, whole - 1)]


@pytest.mark.parametrize("damage", [b"\0\xff\n", b"half a", b"[1, 2\n"])
def test_nothing_after_a_damaged_line_counts(path, damage):
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], damage, *lines[2:]]))
    journal = Journal(path, "key")
    assert journal.entries == ENTRIES[:1]
    journal.add("next")
    journal.close()
    assert Journal(path, "key").entries == [ENTRIES[0], "next"]


def test_entries_are_forgotten_and_the_log_removed(path):
    journal = Journal(path, "key")
    journal.keep(1)
    journal.add("second")
    assert Journal(path, "key").entries == [ENTRIES[0], "second"]
    journal.remove()
    assert not path.exists() and not list(path.parent.iterdir())
