"""The wheel: small, with weights and the compiled core in it, and whole without a compiler."""

import json
import os
import shutil
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import soundfile
from test_detect import speech
from test_light import ALLOWED, HIDE

from atomicvad import detect
from atomicvad.files import project_root

BUILD = "from setuptools import build_meta; build_meta.build_wheel({folder!r})"
MEGABYTES = 3.0  # of the wheel; what it needs besides NumPy takes some 20
USE = """
import json, sys
import atomicvad
from atomicvad.device.engine import is_compiled
found = atomicvad.detect(sys.argv[1])
heavy = sorted({"pandas", "scipy", "matplotlib", "keras", "av"} & set(sys.modules))
print(json.dumps([is_compiled(), atomicvad.__file__, [[s.start, s.end] for s in found], heavy]))
"""


def built(folder, **environment):
    """A wheel of the checkout, unpacked, and its path."""
    source = folder / "source"
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=project_root(), capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    for name in names:
        if name.startswith(("atomicvad/", "pyproject", "README", "LICENSE")):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(project_root() / name, source / name)
    made = subprocess.run(
        [sys.executable, "-c", BUILD.format(folder=str(folder))],
        cwd=source, env=os.environ | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr[-2000:]
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "installed")
    return wheel


def used(folder, path):
    """What a process outside the checkout sees that finds the wheel and few packages alone."""
    code = HIDE.format(allowed=ALLOWED) + USE
    result = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        cwd=folder, env=os.environ | {"PYTHONPATH": str(folder / "installed")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    path = tmp_path_factory.mktemp("audio") / "speech.wav"
    soundfile.write(path, speech(), 16000)
    return path


@pytest.mark.parametrize("compiler", ["cc", "none"])
def test_a_wheel_detects_with_and_without_a_compiler(compiler, tmp_path, recording):
    environment = {} if compiler == "cc" else {"CC": "/nowhere/cc", "LDSHARED": "/nowhere/cc"}
    wheel = built(tmp_path, **environment)
    assert wheel.stat().st_size < MEGABYTES * 1e6 and "-cp311-abi3-" in wheel.name
    compiled, place, found, heavy = json.loads(used(tmp_path, recording))
    assert compiled == (compiler == "cc") and "installed" in place and not heavy
    expected = [[each.start, each.end] for each in detect(recording)]
    np.testing.assert_array_equal(found, expected)
    assert len(expected) > 1
