"""Work that is computed ahead: in order, a bounded number of items, and none left behind."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from atomicvad.parallel import computed_ahead


def test_results_come_in_order_and_few_are_under_way():
    taken, done = 0, []

    def slow(item):
        assert item < taken + 4
        time.sleep(0.002 * (item % 3))
        done.append(item)
        return item * item

    with ThreadPoolExecutor(3) as pool:
        for number, pair in enumerate(computed_ahead(pool, slow, range(20), 3)):
            assert pair == (number, number * number)
            taken += 1
    assert sorted(done) == list(range(20)) and taken == 20


def test_a_failure_comes_where_it_belongs_and_stops_the_rest():
    with ThreadPoolExecutor(1) as pool:
        results = computed_ahead(pool, lambda item: 1 / item, [1, 2, 0, 4], 4)
        assert [next(results), next(results)] == [(1, 1), (2, 0.5)]
        with pytest.raises(ZeroDivisionError):
            next(results)


def test_a_closed_iterator_drops_what_has_not_begun():
    begun, gate = [], threading.Event()

    def wait(item):
        begun.append(item)
        if item:
            gate.wait(10)

    with ThreadPoolExecutor(1) as pool:
        results = computed_ahead(pool, wait, range(100), 8)
        next(results)
        results.close()
        gate.set()
    assert len(begun) <= 2


# Interrupted while its processes start, of which the second is slow.
INTERRUPTED = """
import os, signal, sys, threading, time
from multiprocessing import popen_forkserver, popen_spawn_posix
from atomicvad.parallel import process_pool

def interrupting(popen):
    def start(self, process):
        launch(self, process)
        os.kill(os.getpid(), signal.SIGINT)
    launch, popen.__init__ = popen.__init__, start

if __name__ == "__mp_main__":
    try:
        os.mkdir("first")
    except FileExistsError:
        time.sleep(1)
if __name__ == "__main__":
    for popen in (popen_forkserver.Popen, popen_spawn_posix.Popen):
        interrupting(popen)
    threading.Thread(target=threading.Event().wait, daemon=True).start()  # as a progress bar has
    try:
        with process_pool(2, sys.argv[1]):
            print("went on")
    except KeyboardInterrupt:
        print("interrupted")
        sys.exit(130)
"""


@pytest.mark.parametrize("method", ["forkserver", "spawn"])
def test_ctrl_c_while_processes_are_started_waits_for_them(tmp_path, method):
    """Whichever thread receives it: a process that outlives its owner would write a traceback."""
    script = tmp_path / "interrupted.py"
    script.write_text(INTERRUPTED)
    done = subprocess.run(
        [sys.executable, script, method],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        preexec_fn=hear_signals,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("interrupted\n", "", 130)


def hear_signals():
    """As at a terminal: what starts in the background ignores Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("seconds", [0.0, 0.7])
def test_ctrl_c_ends_with_one_line(checkout, tmp_path, seconds):
    """Also while processes that decode are being started."""
    copy = checkout.copy(tmp_path / "checkout")
    shutil.rmtree(copy.folder / "data")
    copy.environment.pop("TQDM_DISABLE")
    process = copy.command(
        "data", "--profile", "smoke", start_new_session=True, preexec_fn=hear_signals
    )
    said = ""
    while "decoding" not in said:
        said = process.stdout.readline()
        assert said, "ended by itself"
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGINT)
    rest, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert (
        "Traceback" not in rest and rest.splitlines()[-1] == "stopped; the same command continues"
    )
