"""A training process killed at any moment ends with the bytes of one that was never stopped.

``ATOMICVAD_KILLS=20`` kills twenty runs of ``smoke`` (with trials of initial weights before it),
once each; without it one tiny run is killed four times.
"""

import json
import os
import random
import shutil
import signal
import time

import pandas as pd
import pytest
import yaml
from processes import assert_same_run

KILLS = int(os.environ.get("ATOMICVAD_KILLS", "0"))
WRITTEN = ("checkpoint.npz", "model.keras", "scores.npz", "metrics.csv")


def train_and_kill(nursery, profile, seed, folder, name, seconds):
    """Start a run; kill it ``seconds`` after file ``name`` appears; say whether that was in time.

    An empty name stands for the start of the process.
    """
    before = time.time_ns()
    process = nursery.start(profile, seed)
    while name and not nursery.ended() and not any(map(newer(before), folder.glob(name))):
        time.sleep(0.0005)
    until = time.monotonic() + seconds
    while not nursery.ended() and time.monotonic() < until:
        time.sleep(0.0005)
    if not nursery.ended():
        os.kill(process, signal.SIGKILL)
    return nursery.status() == -signal.SIGKILL


def newer(before):
    def is_newer(path):
        try:
            return path.stat().st_mtime_ns > before
        except FileNotFoundError:  # moved into place since it was seen
            return False

    return is_newer


def kill_then_finish(nursery, profile, seed, folder, reference, kills):
    """A run from its beginning, stopped by ``kills``; it must end as the reference did."""
    shutil.rmtree(folder, ignore_errors=True)
    for name, seconds in kills:
        if not train_and_kill(nursery, profile, seed, folder, name, seconds):
            return False
        print(f"killed {seconds:.2f} s after {name or 'its start'}: {state(folder)}")
    nursery.run(profile, seed)
    assert_same_run(folder, reference)
    epochs = pd.read_csv(folder / "history.csv")["epoch"]
    assert list(epochs) == list(range(1, len(epochs) + 1))
    left = {path.name for path in folder.iterdir() if path.name.startswith(".")}
    assert left == {".lock", ".weights", ".scores", ".metrics"}
    return True


def state(folder):
    """What the killed run had done, for those who read along."""
    path = folder / "progress.json"
    done = json.loads(path.read_text())["text"] if path.is_file() else "nothing said"
    return f"{done}; {sorted(path.name for path in folder.iterdir() if path.name != '.lock')}"


def length(folder):
    return sum(json.loads((folder / "run.json").read_text())["seconds"].values())


@pytest.mark.skipif(bool(KILLS), reason="the long form runs instead")
def test_a_run_killed_four_times_ends_with_the_same_bytes(checkout, nursery):
    nursery.run("tiny", 4)
    folder, reference = checkout.run_folder(4), checkout.folder / "reference"
    shutil.copytree(folder, reference)
    later = length(reference) * random.Random(0).uniform(0, 0.2)
    kills = [(".????????-checkpoint.npz", 0), ("progress.json", later)]
    kills += [("*model.keras", 0), ("*scores.npz", 0)]
    run = (nursery, "tiny", 4, folder, reference, kills)
    assert any(kill_then_finish(*run) for _ in range(3)), "the kills came after the end"


@pytest.mark.skipif(not KILLS, reason="set ATOMICVAD_KILLS to kill as many runs of smoke")
@pytest.mark.timeout(0)
def test_runs_of_smoke_killed_at_random_moments(checkout, nursery):
    """Moments all over a run; in every fourth, while or just after a file is written."""
    seed, draw = 43185, random.Random(0)
    smoke = yaml.safe_load((checkout.folder / "profiles" / "smoke.yaml").read_text())
    smoke["training"]["trials"] = [3, 2]
    (checkout.folder / "profiles" / "kills.yaml").write_text(yaml.safe_dump(smoke))
    nursery.run("kills", seed)
    folder, reference = checkout.run_folder(seed, "kills"), checkout.folder / "reference"
    shutil.copytree(folder, reference)
    for number in range(KILLS):
        name, seconds = "", (number + draw.random()) / KILLS * length(reference)
        if number % 4 == 3:
            name, seconds = f"*{WRITTEN[number // 4 % len(WRITTEN)]}", 0
        for _ in range(5):  # until the moment came before the end of the run
            if kill_then_finish(nursery, "kills", seed, folder, reference, [(name, seconds)]):
                break
            seconds *= 0.9
        else:
            pytest.fail(f"kill {number + 1} never hit")
        print(f"{number + 1} of {KILLS}: the same bytes", flush=True)
