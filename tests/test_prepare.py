"""A folder is made once, repaired where it is damaged, and resumed after a kill."""

import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest
import trees
import yaml
from conftest import TINY

from atomicvad import config
from atomicvad.config import load_profile, settings_from
from atomicvad.data.manifest import manifest_path, read_split
from atomicvad.data.prepare import prepare
from atomicvad.data.unfinished import UnfinishedStore
from atomicvad.errors import AtomicVADError


def test_damaged_data_are_made_again(root):
    settings = settings_from(TINY, "tests", "damaged")
    store = prepare(settings)
    before = (settings.data_folder / "samples.i16").read_bytes()
    os.truncate(settings.data_folder / "samples.i16", 1000)
    manifest_path(settings.data_folder, "speech", "training").unlink()
    again = prepare(settings)
    assert (settings.data_folder / "samples.i16").read_bytes() == before
    assert len(read_split(settings.data_folder, "training", again)) > 0
    assert again.recordings.equals(store.recordings)


KILLED = {
    "corpus": "sources",
    "sources": [{"corpus": "speech_commands"}, {"corpus": "freesound"}],
    "test": [{"corpus": "ava_speech"}],
    "seeds": [1],
    "windows": {
        "stride_seconds": {"speech": 0.63, "background": 0.15},
        "counts": {"training": 50, "validation": 20, "testing": 20},
        "energy_gate": False,
        "balance": "fixed",
    },
}
PREPARE = """
import sys
from pathlib import Path
from atomicvad import config
config.project_root = lambda: Path(sys.argv[1])
from atomicvad.data.prepare import prepare
prepare(config.load_profile("killed"))
"""


def lines(path) -> int:
    return path.read_bytes().count(b"\n") if path.is_file() else 0


def files_of(folder) -> dict:
    """All that preparation leaves but caches and stamps, which hold local times."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".") and path.parent.name != "index"
    }


def test_killed_while_it_decodes_it_goes_on_to_the_same_bytes(tmp_path, monkeypatch):
    monkeypatch.setenv("ATOMICVAD_CORPORA", str(tmp_path / "corpora"))
    trees.speech_commands(tmp_path / "corpora" / "speech_commands", each=100)
    trees.freesound(tmp_path / "corpora" / "freesound")
    trees.ava_speech(tmp_path / "corpora" / "ava_speech", clips=8)
    for name in ("whole", "pieces"):
        (tmp_path / name / "profiles").mkdir(parents=True)
        (tmp_path / name / "profiles" / "killed.yaml").write_text(yaml.safe_dump(KILLED))
    monkeypatch.setattr(config, "project_root", lambda: tmp_path / "whole")
    prepare(load_profile("killed"))
    data = tmp_path / "pieces" / "data" / "killed"
    command = [sys.executable, "-c", PREPARE, str(tmp_path / "pieces")]
    for part, enough in (
        (data / ".recordings.part", 60),
        (data / "scenes" / ".clips.part", 3),
    ):
        kill_when(command, lambda part=part, enough=enough: lines(part) >= enough)
        assert not (data / "balance.csv").exists() and lines(part) >= enough
    subprocess.run(command, check=True, capture_output=True)
    assert files_of(data) == files_of(tmp_path / "whole" / "data" / "killed")
    assert not list(data.rglob(".*.part")) and not list(data.rglob(".????????-*"))


def kill_when(command, ready) -> None:
    """Start a command, and kill it and its children as soon as ``ready``."""
    process = subprocess.Popen(
        command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while not ready() and process.poll() is None:
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.fixture
def unfinished(tmp_path):
    """Three recordings handled, one of them bad; as a killed process leaves it."""
    unfinished = UnfinishedStore(tmp_path, "mark")
    for number in range(3):
        if number == 1:
            unfinished.refuse("bad", "bad: why")
        else:
            unfinished.add({"recording": str(number)}, np.full(100, number, "<i2"))
    unfinished.close()
    return unfinished


@pytest.mark.parametrize(
    ("damage", "known"),
    [
        (lambda u: None, ["0", "bad", "2"]),
        (lambda u: os.truncate(u.journal.path, u.journal.path.stat().st_size - 5), ["0", "bad"]),
        (lambda u: os.truncate(u.path, 250), ["0", "bad"]),
        (lambda u: u.path.write_bytes(b"\1" * 400), []),
        (lambda u: u.journal.path.write_text('"another"\n'), []),
        (lambda u: u.journal.path.write_bytes(b"\0\xff\n"), []),
        (lambda u: u.path.unlink(), []),
    ],
)
def test_only_what_can_be_trusted_is_taken_up(damage, known, unfinished, tmp_path):
    damage(unfinished)
    again = UnfinishedStore(tmp_path, "mark")
    assert [name for name in ("0", "bad", "2") if again.knows(name)] == known
    again.add({"recording": "new"}, np.full(100, 7, "<i2"))
    again.close()
    assert again.path.stat().st_size == 2 * again.position


def test_a_full_disk_is_told_before_anything_is_decoded(root, tmp_path, monkeypatch):
    trees.musan(tmp_path / "musan")
    source = {"corpus": "musan", "folder": str(tmp_path / "musan")}
    settings = settings_from(TINY | {"corpus": "sources", "sources": [source]}, "tests", "full")
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(AtomicVADError, match=r"the disk is full: 0\.00 GB needed"):
        prepare(settings)
    assert not (settings.data_folder / "samples.i16").exists()
