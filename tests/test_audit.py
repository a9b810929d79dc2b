"""The auditor finds each defect that is put in, and nothing in what is sound."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import soundfile
import trees

from atomicvad.config import LABELS, SPLITS
from atomicvad.data.audit import CHECKS, audit
from atomicvad.data.manifest import manifest_path
from atomicvad.errors import AtomicVADError


def line(name, label="speech", offset=0.0, duration=0.63, **more):
    fields = {"audio_filepath": name, "offset": offset, "duration": duration, "label": label}
    return json.dumps(fields | more)


@pytest.fixture
def folder(tmp_path):
    """Two sound recordings, and one with each defect."""
    speech, noise = trees.sound("speech"), trees.sound("noise")
    trees.write(tmp_path / "speech.wav", speech)
    trees.write(tmp_path / "noise.flac", noise)
    trees.write(tmp_path / "copy.wav", speech)
    trees.write(tmp_path / "slow.wav", trees.sound("noise", 3), 8000)
    trees.write(tmp_path / "silent.wav", np.zeros(20000, np.float32))
    trees.write(tmp_path / "clipped.wav", np.sign(noise - np.median(noise)))
    soundfile.write(tmp_path / "offset.wav", 0.3 * noise + 0.1, 16000, subtype="PCM_16")
    (tmp_path / "broken.wav").write_bytes(b"RIFF\0\0\0\0WAVEdata")
    return tmp_path


def found(folder, lines, name="a_training_manifest.json", more=(), **options):
    """Names of what the auditor finds in a manifest of ``lines`` and in others."""
    paths = []
    for path, text in ((name, lines), *more):
        (folder / path).write_text("\n".join(text) + "\n")
        paths.append(folder / path)
    report = audit(paths, **options)
    names = {name: places for name, places in report.findings.items() if places}
    assert names.keys() <= CHECKS.keys()
    return names


SOUND = [line("speech.wav"), line("noise.flac", "background")]


def test_a_sound_manifest_has_no_findings(folder):
    assert found(folder, SOUND) == {}


@pytest.mark.parametrize(
    ("bad", "name"),
    [
        (line("broken.wav"), "unreadable"),
        (line("gone.wav"), "unreadable"),
        (line("speech.wav", offset=1.5), "past the end"),
        (line("slow.wav"), "other rate"),
        (line("silent.wav"), "silent"),
        (line("clipped.wav"), "clipped"),
        (line("offset.wav"), "DC offset"),
        (line("copy.wav"), "same sound twice"),
    ],
)
def test_each_defect_is_named_with_its_line(bad, name, folder):
    names = found(folder, [*SOUND, bad, line("noise.flac", "background", 0.7)])
    assert list(names) == [name]
    place = names[name][0]
    assert "a_training_manifest.json:" in place


def test_classes_out_of_balance(folder):
    lines = [line("speech.wav"), *(line("noise.flac", "background", n / 10) for n in range(3))]
    assert list(found(folder, lines)) == ["unbalanced"]


def test_what_is_on_two_sides_is_an_error(folder):
    test = [line("copy.wav", speaker="anna", source="here"), line("noise.flac", "background", 0.7)]
    train = [line("speech.wav", speaker="anna", source="here"), SOUND[1]]
    names = found(folder, train, more=[("a_testing_manifest.json", test)])
    assert names["speaker on two sides"] == ["anna: testing, training"]
    assert names["source on two sides"] == ["here: testing, training"]
    assert len(names["same sound on two sides"]) == 1


@pytest.mark.parametrize("name", ["speech.wav", "copy.wav"])
def test_another_place_of_a_recording_on_another_side_is_an_error(name, folder):
    """Known by its content, whatever it is called; nothing but the audio says so."""
    test = [line(name, offset=1.0), line("noise.flac", "background", 0.7)]
    names = found(folder, SOUND, more=[("a_testing_manifest.json", test)])
    assert names["recording on two sides"] == [
        "noise.flac: testing, training",
        "speech.wav: testing, training",
    ]
    assert "same sound on two sides" not in names


@pytest.mark.parametrize("names", [("train/a.json", "test/a.json"), ("one.json", "two.json")])
def test_sides_go_by_folders_too_and_else_each_manifest_is_one(names, folder):
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
    first, second = names
    assert "same sound on two sides" in found(
        folder, SOUND, first, more=[(second, SOUND)], root=folder
    )


def test_a_table_beside_a_manifest_is_not_always_a_store(folder):
    (folder / "recordings.csv").write_text("title,minutes\na,1\n")
    assert found(folder, SOUND) == {}
    (folder / "samples.i16").write_bytes(b"\0\0")
    with pytest.raises(AtomicVADError, match=r"no audio store \(recordings.csv: no column"):
        found(folder, SOUND)


def test_a_link_to_itself_and_a_pipe_cannot_be_read(folder):
    (folder / "loop.wav").symlink_to(folder / "loop.wav")
    os.mkfifo(folder / "pipe.wav")
    names = found(folder, [*SOUND, line("loop.wav"), line("pipe.wav")], anywhere=True)
    assert len(names["unreadable"]) == 2


def test_a_window_that_is_drawn_twice_is_no_copy(folder):
    assert found(folder, [*SOUND, *SOUND]) == {}


@pytest.mark.parametrize("name", ["../secret.wav", "{root}/../secret.wav", "link.wav"])
def test_nothing_outside_the_root_is_touched(name, folder):
    inside = folder / "inside"
    trees.write(inside / "noise.flac", trees.sound("noise"))
    trees.write(folder / "secret.wav", trees.sound("speech"))
    (inside / "link.wav").symlink_to(folder / "secret.wav")
    lines = [line(name.format(root=inside)), line("noise.flac", "background")]
    assert list(found(inside, lines)) == ["outside the root"]
    assert found(inside, lines, anywhere=True) == {}


def test_the_prepared_manifests_are_sound(tiny, store):
    paths = [manifest_path(tiny.data_folder, label, split) for label in LABELS for split in SPLITS]
    report = audit(paths)
    assert report.errors == 0, report.to_text()
    assert report.balance()["windows"].tolist() == [64, 32, 32, 64, 32, 32]
    results = report.table().set_index("check")["result"]
    assert results["unreadable"] == "passed" and set(results) <= {"passed", "warning"}


def test_the_exit_code_says_whether_there_is_an_error(folder):
    code = "from atomicvad.cli.main import main; main()"
    for name, lines, expected in (
        ("good.json", SOUND, 0),
        ("bad.json", [*SOUND, line("broken.wav"), SOUND[1]], 1),
        ("worse.json", ["{"], 1),
    ):
        (folder / name).write_text("\n".join(lines) + "\n")
        command = [sys.executable, "-c", code, "data", "check", str(folder / name)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        assert result.returncode == expected, result.stdout + result.stderr
        assert "Traceback" not in result.stderr
    assert "worse.json:1: not JSON" in result.stderr
