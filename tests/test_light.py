"""What detects speech needs few packages: the rest, and FFmpeg, may be missing."""

import re
import subprocess
import sys

import numpy as np
import pytest
from test_decoding import JOINED, encoded, tone, written

from atomicvad.audio.decode import AudioError, decode, read_header
from atomicvad.files import project_root

ALLOWED = {
    *("atomicvad", "numpy", "soxr", "tqdm"),
    *("soundfile", "_soundfile", "_soundfile_data", "cffi", "_cffi_backend", "pycparser"),
    "typing_extensions",
}
TYPER = {  # what its versions need
    *("typer", "typer_slim", "click", "rich", "shellingham", "markdown_it", "mdurl", "pygments"),
    *("annotated_doc", "annotated_types", "pydantic", "pydantic_core", "typing_inspection"),
}
LIGHT = [
    *("atomicvad", "atomicvad.errors", "atomicvad.files", "atomicvad.console"),
    *("atomicvad.audio.decode", "atomicvad.audio.signal"),
    *("atomicvad.device.integer.detector", "atomicvad.device.integer.weights"),
    *("atomicvad.detection.formats", "atomicvad.detection.plot", "atomicvad.parallel"),
    *("atomicvad.detection.places", "atomicvad.detection.recordings"),
    *("atomicvad.detection.detect", "atomicvad.detection.detector"),
    *("atomicvad.detection.explore", "atomicvad.detection.microphone"),
]
HIDE = """
import importlib.machinery, sys
allowed = {allowed!r} | sys.stdlib_module_names
class Allowed:
    # All that was there before, for the allowed names.
    finders = list(sys.meta_path)
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name.partition(".")[0] in allowed or name.startswith("_sysconfigdata"):
            specs = (finder.find_spec(name, path, target) for finder in cls.finders)
            return next((spec for spec in specs if spec is not None), None)
    find_distributions = importlib.machinery.PathFinder.find_distributions
sys.meta_path[:] = [Allowed]
"""


def run_lightly(code, more=frozenset()):
    """A process that finds the allowed packages alone."""
    return subprocess.run(
        [sys.executable, "-c", HIDE.format(allowed=ALLOWED | more) + code],
        cwd=project_root(), capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("name", LIGHT)
def test_light_modules_import_few_packages(name):
    result = run_lightly(f"importlib.import_module({name!r})")
    assert result.returncode == 0, result.stderr


def test_other_packages_are_hidden():
    assert "No module named 'scipy'" in run_lightly("import scipy").stderr


PACKAGE = """
import atomicvad, pydoc, runpy
from atomicvad import *
print(sorted(set(atomicvad.__all__) & set(globals())) == sorted(atomicvad.__all__))
page = pydoc.render_doc(atomicvad, "%s", pydoc.plaintext)
print(*[name for name in dir(atomicvad) if name in page])
try:
    from atomicvad import load_model
except ImportError as error:
    print(error)
sys.argv = ["atomicvad", "--version"]
runpy.run_module("atomicvad", run_name="__main__")
"""


def test_the_package_says_what_it_holds():
    """To ``help``, to a star, and as a command; what is not installed is named."""
    result = run_lightly(PACKAGE, TYPER)
    assert result.returncode == 0, result.stderr
    star, names, missing, version = result.stdout.splitlines()
    assert star == "True" and {"detect", "scores", "SpeechDetector", "example"} <= set(
        names.split()
    )
    assert re.fullmatch(r"load_model needs \w+: pip install 'atomicvad\[reproduce\]'", missing)
    assert version.startswith("atomicvad ")


@pytest.fixture
def without_ffmpeg(monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)


FFMPEG = {
    "a.m4a": encoded("ipod", "aac", 44100, seconds=1),
    "a.webm": encoded("webm", "libopus", seconds=1),
    "a.g722": encoded("g722", "g722", 16000, seconds=1),
    "a.mkv": encoded("matroska", "pcm_s16le", 16000, seconds=1),
}
SNDFILE = {kind: JOINED[kind] for kind in JOINED if kind not in ("m4a", "webm", "tta")}


@pytest.mark.usefixtures("without_ffmpeg")
@pytest.mark.parametrize("name", ["a.m4a", "a.webm", "a.g722", "a.mkv"])
def test_formats_of_ffmpeg_name_the_extra(name):
    content = FFMPEG[name]
    for read in (decode, read_header):
        with pytest.raises(AudioError) as caught:
            read(content, name)
        assert str(caught.value) == (
            f"{name}: libsndfile does not read this format; FFmpeg may: "
            "pip install 'atomicvad[formats]'"
        )


@pytest.mark.parametrize("kind", SNDFILE)
def test_formats_of_libsndfile_are_read_as_with_ffmpeg(kind, request):
    files = [SNDFILE[kind](), SNDFILE[kind]() * 2]
    with_ffmpeg = [(decode(file), read_header(file)) for file in files]
    request.getfixturevalue("without_ffmpeg")
    for file, (waveform, header) in zip(files, with_ffmpeg, strict=True):
        np.testing.assert_array_equal(decode(file), waveform)
        assert read_header(file) == header


def test_mp3_without_a_count_is_read_to_the_end(without_ffmpeg):
    """libsndfile guesses its length from the first frame, whose bit rate is low in silence."""
    sound = np.concatenate([np.zeros(22050), np.random.default_rng(0).normal(0, 0.2, 44100 * 4)])
    content = written("MP3", sound=sound.clip(-1, 1).astype("f4"), rate=44100)
    content = content.replace(b"Xing", b"\0\0\0\0")
    assert len(decode(content)) == pytest.approx(4.5 * 16000, abs=0.15 * 16000)
    assert read_header(content).seconds == pytest.approx(4.5, abs=0.15)


def test_damage_that_ffmpeg_would_mend_is_named(without_ffmpeg):
    ogg = written("OGG", "VORBIS", tone(20, 48000), 48000)
    pages = [at for at in range(len(ogg)) if ogg.startswith(b"OggS\0", at)]
    with pytest.raises(AudioError, match=r"^a: pages of it are missing, .*'atomicvad\[formats\]'$"):
        decode(ogg[: pages[4]] + ogg[pages[6] :], "a")


def test_a_length_that_no_head_states_is_counted(without_ffmpeg):
    flac = written("FLAC")
    flac = flac[:21] + bytes([flac[21] & 0xF0]) + bytes(4) + flac[26:]
    ogg = written("OGG", "OPUS", tone(5, 48000), 48000)
    for content in (flac, ogg[: ogg.rfind(b"OggS")]):
        assert read_header(content).seconds == pytest.approx(len(decode(content)) / 16000, abs=0.01)
