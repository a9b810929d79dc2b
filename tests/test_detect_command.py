"""``atomicvad detect``: files, folders, stdin and streams to segments; failures are lines."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import typer
from test_light import TYPER, run_lightly
from typer.testing import CliRunner
from voices import RATE, recording

from atomicvad import detect
from atomicvad.audio import sndfile
from atomicvad.cli.main import app
from atomicvad.cli.stream import pcm as pcm_blocks
from atomicvad.detection import processes
from atomicvad.detection.formats import FORMATS, Detections
from atomicvad.detection.places import find_recordings, names_of_outputs
from atomicvad.detection.processes import call_in_process, ended_early, prepare_process
from atomicvad.detection.recordings import Job, Options, run
from atomicvad.errors import AtomicVADError
from atomicvad.interrupts import interrupts_wait
from atomicvad.parallel import process_pool

# Ctrl-C is heard as at a terminal: what starts in the background ignores it.
HEARS = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
COMMAND = [sys.executable, "-c", f"{HEARS}; from atomicvad.cli.main import main; main()"]
FOUND = recording("", "voice", "", "voice", "")


def atomicvad(*arguments, stdin=None, code=0):
    """What ``atomicvad detect`` prints on stdout and stderr."""
    result = CliRunner().invoke(app, ["detect", *map(str, arguments)], input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.stdout, result.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Recordings of three formats, in two folders, and a file that is none."""
    folder = tmp_path_factory.mktemp("recordings")
    (folder / "in" / "ner").mkdir(parents=True)
    soundfile.write(folder / "a.wav", FOUND, RATE)
    soundfile.write(folder / "a.mp3", FOUND, RATE)
    soundfile.write(folder / "in" / "b.flac", recording("", ""), RATE)
    soundfile.write(folder / "in" / "ner" / "a.wav", recording("voice", ""), RATE)
    (folder / "notes.txt").write_text("not audio")
    return folder


def inside(folder):
    """Relative paths of all that lies in a folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Nothing is written where the tests are run."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", FORMATS)
def test_formats_are_chosen_by_name_or_suffix(name, folder, tmp_path):
    path = folder / "a.wav"
    expected = FORMATS[name].write([Detections(str(path), 10.0, detect(path))])
    assert "speech" in expected or name == "json"
    stdout, stderr = atomicvad(path, "--format", name)
    assert stdout == expected and stderr.startswith("1 recording: 10.0 s of audio, ")
    out = tmp_path / f"found{FORMATS[name].suffix}"
    assert atomicvad(path, "--out", out)[0] == ""
    assert out.read_bytes().decode() == expected


def test_a_folder_is_mirrored_and_names_stay_apart(folder, tmp_path):
    atomicvad(folder, "--out", tmp_path / "out", "--format", "textgrid")
    expected = ["a.mp3.TextGrid", "a.wav.TextGrid", "in/b.TextGrid", "in/ner/a.TextGrid"]
    assert inside(tmp_path / "out") == expected
    rows = json.loads(atomicvad(folder, folder / "a.wav", "--format", "json")[0])
    names = ["a.mp3", "a.wav", "in/b.flac", "in/ner/a.wav"]
    assert [row["file"] for row in rows] == [str(folder / name) for name in names]
    assert [len(row["segments"]) for row in rows] == [2, 2, 0, 1]


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["d/a.wav"], ["a"]),
        (["d/a.wav", "d/b.wav"], ["a", "b"]),
        (["d/a.wav", "e/a.wav", "e/b.wav"], ["d/a.wav", "e/a.wav", "b"]),
        (["d/a.wav", "d/a.mp3", "./d/a.wav"], ["a.wav", "a.mp3"]),
        (["d/a.wav", "d/a.mp3", "d/a.mp3.wav"], ["a.wav", "d/a.mp3", "d/a.mp3.wav"]),
        (["d/a.wav", "e/A.wav"], ["d/a.wav", "e/A.wav"]),
        (["../a.wav", "a.wav"], None),
    ],
)
def test_names_of_outputs_differ(arguments, names):
    found = names_of_outputs(find_recordings([Path(argument) for argument in arguments])[0])
    assert len({name.casefold() for name in found}) == len(found)
    assert not any(name.startswith("..") for name in found)
    if names is not None and names[1:2] != ["d/a.mp3"]:
        assert [name.casefold() for name in found] == [name.casefold() for name in names]


def test_processes_change_nothing(folder, tmp_path):
    files = [folder / "a.wav", folder / "missing.wav", folder, folder / "notes.txt"]
    one = atomicvad(*files, code=1)
    assert atomicvad(*files, "-j", 3, code=1)[0] == one[0]
    assert one[0].count(str(folder / "a.wav")) == 2
    atomicvad(*files, "-j", 3, "--out", tmp_path / "out", code=1)
    assert len(inside(tmp_path / "out")) == 4


def test_what_cannot_be_read_is_a_line_each(folder, tmp_path):
    (tmp_path / "empty.wav").touch()
    (tmp_path / "two\nlines.wav").touch()
    (tmp_path / "none").mkdir()
    bad = [tmp_path / "none", tmp_path / "empty.wav", tmp_path / "two\nlines.wav", "x" * 300]
    stdout, stderr = atomicvad(*bad, folder / "notes.txt", folder / "a.wav", code=1)
    assert stdout == atomicvad(folder / "a.wav")[0]
    lines = stderr.splitlines()
    assert len(lines) == 6 and all(line.startswith("error: ") for line in lines[:5])
    assert "none: no audio files in it" in lines[0] and "the file is empty" in lines[1]
    assert lines[5].endswith("; 5 could not be read")
    assert atomicvad(*bad, "--out", "all.csv", code=1)[0] == "" and not os.path.exists("all.csv")


def test_stdin_is_a_file_of_any_format(folder):
    for name in ("a.wav", "a.mp3"):
        stdout, _ = atomicvad("-", "--format", "audacity", stdin=(folder / name).read_bytes())
        assert stdout == atomicvad(folder / name, "--format", "audacity")[0]
    _, stderr = atomicvad("-", stdin=b"nothing", code=1)
    assert stderr.startswith("error: <stdin>: ") or stderr.startswith("error: audio: ")


def test_files_that_are_there_stay(folder, tmp_path):
    out = tmp_path / "out"
    atomicvad(folder, "--out", out)
    (out / "a.wav.csv").write_text("mine")
    (out / "in" / "b.csv").unlink()
    _, stderr = atomicvad(folder, "--out", out)
    assert "1 recording:" in stderr and stderr.endswith("; 3 skipped because their files exist\n")
    assert (out / "a.wav.csv").read_text() == "mine" and (out / "in" / "b.csv").exists()
    atomicvad(folder, "--out", out, "--overwrite")
    assert "speech" in (out / "a.wav.csv").read_text()
    with pytest.raises(AtomicVADError, match=r"a.wav.csv: already exists; --overwrite"):
        atomicvad(folder / "a.wav", "--out", out / "a.wav.csv")


def test_a_recording_is_never_written_to(folder, tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes((folder / "a.wav").read_bytes())
    for out in (path, tmp_path):
        with pytest.raises(AtomicVADError, match="is a recording; expected another output file"):
            atomicvad(path, "--out", out, "--overwrite")
    assert path.read_bytes() == (folder / "a.wav").read_bytes()


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_nothing_is_left_of_an_interrupted_write(stop, folder, tmp_path, monkeypatch):
    def half(path, text, **_):
        path.write_bytes(text[: len(text) // 2].encode())
        raise stop

    monkeypatch.setattr(Path, "write_text", half)
    with pytest.raises((OSError, AssertionError)):
        atomicvad(folder, "--out", tmp_path / "out")
    assert inside(tmp_path) == []


def test_what_is_redirected_is_utf_8(folder, tmp_path):
    (tmp_path / "é日.wav").symlink_to(folder / "a.wav")
    result = CliRunner(charset="latin-1").invoke(app, ["detect", "é日.wav", "--format", "json"])
    assert json.loads(result.stdout_bytes)[0]["file"] == "é日.wav"


def test_a_dash_is_the_standard_output(folder, tmp_path):
    stdout, _ = atomicvad(folder / "a.wav", "--out", "-")
    assert stdout == atomicvad(folder / "a.wav")[0] and inside(tmp_path) == []


def test_a_closed_folder_is_a_line(folder, tmp_path, monkeypatch):
    usual = os.scandir

    def scandir(path):
        if str(path).endswith("ner"):
            raise PermissionError(13, "Permission denied", path)
        return usual(path)

    monkeypatch.setattr(os, "scandir", scandir)
    stdout, stderr = atomicvad(folder, code=1)
    assert stderr.startswith(f"error: {folder}/in/ner: Permission denied\n3 recordings: ")
    assert stdout.count("a.wav") == 2


def test_pictures(folder, tmp_path):
    pytest.importorskip("matplotlib")
    atomicvad(folder, "--out", "out", "--plot")
    pictures = [path for path in inside(tmp_path) if path.endswith(".png")]
    assert pictures == ["out/a.mp3.png", "out/a.wav.png", "out/in/b.png", "out/in/ner/a.png"]
    atomicvad(folder / "a.wav", "--plot")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(AtomicVADError, match=r"^a.png: already exists; --overwrite"):
        atomicvad(folder / "a.wav", "--plot")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("a.wav", "--format", "xml"), "--format: expected one of json, csv, rttm, textgrid"),
        (("a.wav", "--out", "found.xml"), "found.xml: expected a suffix of .json, .csv"),
        (
            ("a.wav", "in/b.flac", "--format", "srt"),
            "--format srt: a file holds one recording; expected",
        ),
        (("a.wav", "--threshold", "2"), "threshold: expected more than 0 and less than 1, got 2"),
        (("a.wav", "--pad", "-1"), "pad: expected 0 s or more, got -1"),
        (("a.wav", "--step", "5ms"), "step: expected 10ms or 79ms, got '5ms'"),
        (("a.wav", "--model", "1"), "or a file .npz or .keras; got '1'"),
        (("a.wav", "-"), "-: expected stdin alone"),
        (("a.wav", "--stream"), "--stream: expected - alone"),
        (("a.wav", "--rate", "8000"), "--rate, --channels: expected --stream"),
    ],
)
def test_a_mistake_is_one_line(arguments, said, folder, monkeypatch):
    monkeypatch.chdir(folder)
    with pytest.raises(AtomicVADError) as caught:
        atomicvad(*arguments)
    assert said in str(caught.value) and "\n" not in str(caught.value)


def pcm(samples):
    return np.round(samples * 32767).astype("<i2").tobytes()


@pytest.mark.parametrize(("rate", "channels"), [(16000, 1), (44100, 2)])
def test_a_stream_finds_what_the_file_has(rate, channels):
    content = pcm(np.repeat(recording("voice", "", "voice", rate=rate)[:, None], channels, 1))
    samples = np.frombuffer(content, "<i2").reshape(-1, channels)
    options = ["--rate", str(rate), "--channels", str(channels), "--pad", "0.1"]
    result = subprocess.run(
        [*COMMAND, "detect", "-", "--stream", *options],
        input=content + b"\0",  # half a sample
        capture_output=True, check=True,
    )  # fmt: skip
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert [event["event"] for event in events] == ["start", "end"] * 2
    assert result.stderr == b""
    found = detect(samples.astype(np.int16), rate, pad=0.1)
    for start, end, segment in zip(events[::2], events[1::2], found, strict=True):
        assert start["time"] == end["start"] == round(segment.start, 3)
        assert end["time"] == end["end"] == round(segment.end, 3)
        assert end["peak"] == round(segment.peak, 4) and end["mean"] == round(segment.mean, 4)


def test_a_file_in_place_of_raw_pcm_is_one_line(folder):
    with open(folder / "a.wav", "rb") as file, pytest.raises(AtomicVADError, match="omit --stream"):
        list(pcm_blocks(file.fileno(), 1))


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, "nobody reads"])
def test_a_stream_tells_at_once_and_ends_cleanly(how):
    speech = pcm(recording("voice", "voice"))
    process = subprocess.Popen(
        [*COMMAND, "detect", "-", "--stream", "--min-silence", "0.1"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    process.stdin.write(speech)
    process.stdin.flush()
    assert json.loads(process.stdout.readline())["event"] == "start"  # while stdin is open
    if how != "nobody reads":
        process.send_signal(how)
        assert json.loads(process.stdout.readline())["event"] == "end"
    else:
        process.stdout.close()
        with contextlib.suppress(BrokenPipeError):  # it may be gone already
            process.stdin.write(pcm(recording("", "voice", "")))
            process.stdin.flush()
    assert process.wait(30) == 0
    assert process.stderr.read() == b""
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()
    process.stdout.close()
    process.stderr.close()


@pytest.fixture
def interruptible():
    """Ctrl-C is answered to; a job in the background of a shell ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("form", ["WAV", "FLAC", "MP3"])
@pytest.mark.parametrize(("call", "number"), [("readinto", 1), ("readinto", 20), ("tell", 2)])
def test_ctrl_c_is_not_lost_within_libsndfile(form, call, number, monkeypatch):
    """Whatever of a file's functions it falls into, while it is opened or read."""
    file, calls = io.BytesIO(), []
    soundfile.write(file, np.tile(FOUND, 30), RATE, format=form)
    usual = getattr(sndfile._Guarded, call)

    def interrupted(*arguments):
        calls.append(call)
        if len(calls) == number:
            signal.raise_signal(signal.SIGINT)
        return usual(*arguments)

    monkeypatch.setattr(sndfile._Guarded, call, interrupted)
    with pytest.raises(KeyboardInterrupt):
        detect(file)


DESTRUCTOR = """
import signal, time
from atomicvad.interrupts import keep_interrupts

class Interrupted:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)
keep_interrupts()
one = Interrupted()
try:
    del one
    time.sleep(30)
except KeyboardInterrupt:
    print("interrupted")
"""


def test_ctrl_c_is_not_lost_within_a_destructor():
    command = [sys.executable, "-c", DESTRUCTOR]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=25)
    assert (done.stdout, done.stderr) == ("interrupted\n", "")


LOADING = """
import signal, sys, time
import _frozen_importlib_external as loaders
from atomicvad.interrupts import keep_interrupts

NAME = sys.argv[1]

class Interrupted:
    def __getattr__(self, name):
        return getattr(usual, name)

    def create_dynamic(self, spec):
        if spec.name == MODULE:
            signal.raise_signal(getattr(signal, NAME))
        return usual.create_dynamic(spec)

MODULE = "soxr.soxr_ext"
signal.signal(signal.SIGINT, signal.default_int_handler)
keep_interrupts()
usual, loaders._imp = loaders._imp, Interrupted()
try:
    import soxr
    time.sleep(30)
except KeyboardInterrupt:
    print("interrupted", MODULE in sys.modules)
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_an_end_waits_for_a_module_that_is_loaded(name):
    """Interrupted, soxr, which is in C++, would abort the process."""
    command = [sys.executable, "-c", LOADING, name]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=25)
    assert (done.stdout, done.stderr) == ("interrupted True\n", "")


@pytest.mark.timeout(60)
def test_processes_end_while_they_read_and_at_no_other_time(tmp_path):
    """One that ends while it holds the pool's lock would leave the others waiting for it."""
    soundfile.write(tmp_path / "one.wav", FOUND, RATE)
    with process_pool(2, prepare=prepare_process) as pool:
        with pytest.raises(AtomicVADError), ended_early():
            raise AtomicVADError("another end")
        assert pool.submit(int).result(10) == 0
        job = Job("one", tmp_path / "one.wav", tmp_path / "one.csv")
        with pytest.raises(SystemExit):
            pool.submit(call_in_process, run, job, Options()).result(10)
        assert pool.submit(int).result(10) == 0
    assert inside(tmp_path) == ["one.wav"]


@pytest.mark.timeout(60)
def test_a_process_that_dies_takes_its_pool_along():
    with process_pool(2, prepare=prepare_process) as pool:
        os.kill(active_children()[0].pid, signal.SIGKILL)
        with pytest.raises(BrokenProcessPool):
            while True:
                pool.submit(int).result(10)


def test_no_process_outlives_a_command_that_is_killed(tmp_path):
    """Those of ``-j`` would read to the end, and wait for ever."""
    process = reading(tmp_path)
    process.kill()
    process.communicate(timeout=10)  # to the end of stderr, which all of them share
    assert inside(tmp_path) == ["long.wav", "longer.wav"]


def test_a_process_ends_between_two_blocks(tmp_path, monkeypatch):
    """Wherever the signal falls: nothing is raised within libraries, or while a result is sent."""
    monkeypatch.setattr(processes, "STATE", SimpleNamespace(received=[], is_reading=False))
    before = {number: signal.getsignal(number) for number in (signal.SIGUSR1, signal.SIGTERM)}
    long_recordings(tmp_path)
    read = sndfile._Forward.read
    calls = []

    def told(sound, *arguments, **options):
        calls.append(1)
        if len(calls) == 3:
            signal.raise_signal(signal.SIGUSR1)
        return read(sound, *arguments, **options)

    monkeypatch.setattr(sndfile._Forward, "read", told)
    job = Job("long", tmp_path / "long.wav", tmp_path / "long.csv")
    try:
        prepare_process()
        with pytest.raises(SystemExit):
            call_in_process(run, job, Options())
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert len(calls) == 3 and inside(tmp_path) == ["long.wav", "longer.wav"]


@pytest.mark.usefixtures("interruptible")
def test_signals_that_wait_are_delivered_each_and_handlers_put_back():
    heard, numbers = [], (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda n, _: heard.append(n)) for number in numbers}
    handlers = [signal.getsignal(number) for number in numbers]
    try:
        with interrupts_wait():
            for number in (*numbers, *numbers):
                signal.raise_signal(number)
            assert heard == []
        assert sorted(heard) == sorted(numbers)
        assert [signal.getsignal(number) for number in numbers] == handlers
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@pytest.mark.usefixtures("interruptible")
def test_a_handler_that_is_not_put_back_answers_nevertheless(monkeypatch):
    """The first one that is put back raises at once: the other's stand-in stays."""
    heard, setting = [], signal.signal
    before = setting(signal.SIGTERM, lambda n, _: heard.append(n))

    def interrupted(number, handler):
        setting(number, handler)
        if handler is signal.default_int_handler:
            signal.raise_signal(signal.SIGINT)

    try:
        with pytest.raises(KeyboardInterrupt), interrupts_wait():
            monkeypatch.setattr(signal, "signal", interrupted)
        monkeypatch.undo()
        signal.raise_signal(signal.SIGTERM)
        assert heard == [signal.SIGTERM]
    finally:
        setting(signal.SIGTERM, before)


WITHIN_EXEC = """
import os, signal, sys
from atomicvad.interrupts import exit_code, keep_interrupts
keep_interrupts()
try:
    exec("os.kill(os.getpid(), signal.SIGTERM)\\nfor _ in range(100): pass")
except KeyboardInterrupt:
    sys.exit(exit_code())
"""


def test_sigterm_within_exec_has_its_exit_code(tmp_path):
    """As while dataclasses are made, in ``python -m``."""
    (tmp_path / "within.py").write_text(WITHIN_EXEC)
    done = subprocess.run([sys.executable, "-m", "within"], cwd=tmp_path, check=False, timeout=25)
    assert done.returncode == 143


def test_two_signals_in_a_row_end_it_as_well(tmp_path):
    """As ``timeout`` sends them, to the command and to its group."""
    process = reading(tmp_path)
    process.send_signal(signal.SIGTERM)
    os.killpg(process.pid, signal.SIGTERM)
    _, said = process.communicate(timeout=10)
    assert process.returncode in (143, -signal.SIGTERM) and "Traceback" not in said
    assert inside(tmp_path) == ["long.wav", "longer.wav"]


def long_recordings(folder):
    """Two that take longer than any test waits."""
    with soundfile.SoundFile(folder / "long.wav", "w", RATE, 1) as file:
        for _ in range(1080):
            file.write(FOUND)
    (folder / "longer.wav").symlink_to("long.wav")


def reading(folder, processes="2"):
    """The command, in a session of its own, while it reads such recordings of ``folder``."""
    long_recordings(folder)
    process = subprocess.Popen(
        [*COMMAND, "detect", folder, "--out", folder / "out", "-j", processes],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(3)
    return process


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_command_stops_at_once_and_leaves_nothing(processes, how, tmp_path):
    """After Ctrl-C, or as ``timeout`` and ``systemctl`` stop it."""
    process = reading(tmp_path, processes)
    process.send_signal(how)
    _, said = process.communicate(timeout=10)  # to the end of stderr, which all processes share
    assert (process.returncode, said) == (128 + how, "stopped after 0 of 2 recordings\n")
    assert inside(tmp_path) == ["long.wav", "longer.wav"]


def test_a_reader_of_stdout_may_leave(folder):
    process = subprocess.Popen(
        [*COMMAND, "detect", folder], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    assert process.wait(30) == 1
    assert b"Traceback" not in process.stderr.read()
    process.stderr.close()


def commands(command, name="atomicvad"):
    """Every command and group, by what a user writes."""
    yield name, command
    for inner in getattr(command, "commands", {}).values():
        yield from commands(inner, f"{name} {inner.name}")


@pytest.mark.parametrize(("name", "command"), commands(typer.main.get_command(app)))
def test_every_help_has_an_example(name, command):
    assert f"For example: {name}" in command.help


LIGHTLY = """
sys.argv = ["atomicvad", *{arguments!r}]
from atomicvad.cli.main import main
main()
"""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--help",), "detect"),
        (("--version",), "atomicvad "),
        (("detect", "a.wav"), '"a.wav",'),
        (("detect", "--help"), "For example"),
        (("listen", "--help"), "For example"),
    ],
)
def test_a_light_install_detects(arguments, said, folder):
    arguments = [str(folder / one) if one == "a.wav" else one for one in arguments]
    result = run_lightly(LIGHTLY.format(arguments=arguments), TYPER)
    assert result.returncode == 0, result.stderr
    assert said.replace('"a.wav', f'"{folder}/a.wav') in result.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("train", "--seed", "1"), "pip install 'atomicvad[reproduce]'"),
        (("data", "check", "x.json"), "pip install 'atomicvad[reproduce]'"),
        (("evaluate", "43185", "--data", "x"), "pip install 'atomicvad[reproduce]'"),
        (("listen",), "pip install 'atomicvad[microphone]'"),
        (("detect", "a.wav", "--plot"), "pip install 'atomicvad[plot]'"),
    ],
)
def test_a_light_install_names_what_a_command_needs(arguments, said):
    result = run_lightly(LIGHTLY.format(arguments=arguments), TYPER)
    assert result.returncode == 1 and result.stderr.count("\n") == 1, result.stderr
    assert result.stderr.startswith("error: ") and said in result.stderr
