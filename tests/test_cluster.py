"""Seeds on a Dask cluster, also when a worker is lost, or by papermill: the same bytes."""

import contextlib
import json
import signal
import subprocess
import time

import pytest
from conftest import TINY
from processes import assert_same_run

from atomicvad.config import settings_from
from atomicvad.errors import AtomicVADError
from atomicvad.files import project_root
from atomicvad.runs.cluster import _check, identity, run_seeds


def wait_for(condition):
    while not condition():
        time.sleep(0.02)


@contextlib.contextmanager
def running(*processes):
    """Processes that end with the test, whatever happens."""
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.wait()


@pytest.fixture
def scheduler(checkout, tmp_path):
    """A Dask scheduler in a process of its own; yields its address and file."""
    file = tmp_path / "scheduler.json"
    arguments = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", file)
    process = checkout.start("-m", "distributed.cli.dask_scheduler", *arguments)
    with running(process):
        wait_for(file.is_file)
        yield json.loads(file.read_text())["address"]


def start_worker(checkout, scheduler, name, folder, threads="1"):
    arguments = ("--no-nanny", "--no-dashboard", "--nthreads", threads, "--name", name)
    return checkout.start(
        "-m",
        "distributed.cli.dask_worker",
        scheduler,
        *arguments,
        "--local-directory",
        folder,
        stdout=subprocess.DEVNULL,
    )


def test_workers_are_lost_and_nothing_else(serial, scheduler, tmp_path):
    """Two workers share a disk, the client has its own: what they make travels to it.

    Both are killed while a seed has a checkpoint; a third one takes up the work.
    """
    here, there = serial.copy(tmp_path / "here"), serial.copy(tmp_path / "there")
    workers = [start_worker(there, scheduler, name, tmp_path / name) for name in ("a", "b")]
    client = here.command("cluster", "--profile", "tiny", "--scheduler", scheduler)
    with running(client, *workers):
        checkpoints = [there.run_folder(seed) / "checkpoint.npz" for seed in TINY["seeds"]]
        wait_for(lambda: client.poll() is not None or any(path.is_file() for path in checkpoints))
        assert client.poll() is None
        for worker in workers:
            worker.send_signal(signal.SIGKILL)
        with running(start_worker(there, scheduler, "c", tmp_path / "c", threads="2")):
            output, _ = client.communicate()
    assert client.returncode == 0, output
    assert "2 of 2 seeds trained" in output.splitlines()[-1]
    assert "resumes" in output and "epoch 3 of 3" in output and "Traceback" not in output
    for seed in TINY["seeds"]:
        assert_same_run(here.run_folder(seed), serial.run_folder(seed))
        assert_same_run(there.run_folder(seed), serial.run_folder(seed))
    scenes = (serial.folder / "runs" / "tiny" / "scenes.csv").read_bytes()
    assert (here.folder / "runs" / "tiny" / "scenes.csv").read_bytes() == scenes


def test_a_cluster_is_started_where_none_is_given(serial):
    """On the profile with deterministic operations, which on a CPU changes no number."""
    client = serial.command("cluster", "--profile", "deterministic")
    output, _ = client.communicate()
    assert client.returncode == 0, output
    assert "1 of 1 seeds trained" in output.splitlines()[-1]
    run = serial.run_folder(1, "deterministic")
    assert (run / "model.keras").read_bytes() == (serial.run_folder(1) / "model.keras").read_bytes()
    # All seeds are done, so no cluster is started.
    client = serial.command(
        "cluster", "--profile", "deterministic", "--scheduler", "tcp://127.0.0.1:1"
    )
    output, _ = client.communicate()
    assert client.returncode == 0 and output.startswith("1 of 1 seeds trained"), output


def test_papermill_makes_the_same_bytes(serial, tmp_path):
    """As ``make`` trains, in the notebook's kernel, and scores in a process of its own."""
    here = serial.copy(tmp_path / "here")
    (here.folder / "notebooks").symlink_to(project_root() / "notebooks")
    for stage in ("train", "score"):
        client = here.command(stage, "--profile", "tiny", "--seed", "1")
        output, _ = client.communicate()
        assert client.returncode == 0, output
    assert output.endswith("tiny: 1 of 1 seeds scored, the rest up to date\n")
    assert_same_run(here.run_folder(1), serial.run_folder(1))


def test_no_scheduler_is_one_line(root, store):
    settings = settings_from(TINY | {"seeds": [7]}, "tests", "tiny")
    for address in ("tcp://127.0.0.1:1", "tcp://x"):
        with pytest.raises(AtomicVADError, match=f"no Dask scheduler at {address}") as caught:
            run_seeds(settings, address)
        assert "\n" not in str(caught.value)


def test_a_worker_with_other_code_is_refused(checkout, scheduler, tmp_path):
    here, other = checkout.copy(tmp_path / "here"), checkout.copy(tmp_path / "other")
    with open(other.folder / "atomicvad" / "model.py", "a") as file:
        file.write("NOT_THE_SAME = True\n")
    worker = start_worker(other, scheduler, "other", tmp_path / "scratch")
    with running(worker):
        client = here.command("cluster", "--profile", "tiny", "--scheduler", scheduler)
        output, _ = client.communicate()
    assert client.returncode == 1
    last = output.splitlines()[-1]
    assert last.startswith("error: worker tcp://127.0.0.1:") and "code of atomicvad/" in last
    assert "Traceback" not in output and not list(here.folder.glob("runs/*/*/metrics.csv"))


def test_other_libraries_and_settings_are_refused():
    here = identity("smoke")
    _check("tcp://w", dict(here), here)
    with pytest.raises(AtomicVADError, match=r"worker tcp://w: tensorflow: expected .*, got 1\.0"):
        _check("tcp://w", here | {"tensorflow": "1.0"}, here)
    with pytest.raises(AtomicVADError, match=r"worker tcp://w: profiles/smoke.yaml: expected"):
        _check("tcp://w", here | {"profiles/smoke.yaml": "changed"}, here)
    with pytest.raises(AtomicVADError, match="ModuleNotFoundError: No module named 'atomicvad'"):
        _check("tcp://w", ModuleNotFoundError("No module named 'atomicvad'"), here)
