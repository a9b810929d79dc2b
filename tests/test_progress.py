"""What a reproduction says of itself: in a file a seed, a line, and a table."""

import io
import json
import os
import re
import time
from itertools import pairwise

import pytest
from conftest import TINY

from atomicvad.config import settings_from
from atomicvad.console import PlainLines, duration
from atomicvad.runs import state
from atomicvad.runs.folder import RunFolder
from atomicvad.runs.progress import read_states, report, summary, tell_progress

SEEDS = [1, 2, 3, 4]


@pytest.fixture
def settings(root, store, request):
    """A profile of four seeds, of which ``finish`` has made some; on the data of ``tiny``."""
    settings = settings_from(TINY | {"seeds": SEEDS}, "tests", request.node.name)
    settings.data_folder.symlink_to(store.folder)
    return settings


def finish(settings, seed, seconds):
    folder = RunFolder(settings, seed)
    folder.path.mkdir(parents=True, exist_ok=True)
    folder.record.write_text(json.dumps({"seconds": {"training": seconds}}))
    folder.weights.touch()
    folder.history.touch()
    state.mark_current(folder, "weights", state.weights_fingerprint(settings, seed))


def tell(settings, seed, done, text="text", seconds=0.0):
    tell_progress(settings, seed, done, text, seconds)


def test_the_time_left_counts_what_each_piece_costs(settings, capsys):
    """TINY: rounds of 3 and of 2 starts, then 3 epochs: 2 + 1.5 + 3 epochs' work."""
    tell(settings, 1, 0, "begins")
    tell(settings, 1, 1, "3 starts tried", 40)  # 20 s an epoch: 30 s of trials, 60 s of epochs
    tell(settings, 1, 3, "epoch 1 of 3", 20)  # 20 s an epoch: two are left
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "seed 1: begins; 0 of 4 seeds trained"
    assert lines[1].startswith("seed 1: 3 starts tried, 2 min left; 0 of 4 seeds trained, about ")
    # This seed 40 s, and three more of 130 s one after another.
    assert lines[2] == (
        "seed 1: epoch 1 of 3, 40 s left; 0 of 4 seeds trained, about 7 min left in all"
    )


# Seconds of a seed of ``open`` on two cores: rounds of 10, 10 and 4 starts, and epochs.
ROUNDS, EPOCHS = (24.6, 24.6, 10.1), (6.0, 5.7, 5.2, 5.5, 5.7, 5.5, 6.0, 5.4)
STARTING, COMPILING = 14.0, 16.4


def recorded(seeds):
    """What two processes report: time, seed, done, text and seconds; None done: it has ended."""
    reports, clock, lasted = [], [0.0, 1.0], {}
    for number, seed in enumerate(seeds):
        now = clock[number % 2] + STARTING
        begun = now
        reports.append((now, seed, 0, 0.0))
        for done, seconds in enumerate((*ROUNDS, *EPOCHS), start=1):
            took = seconds + (COMPILING if done == 1 else 0)
            now += took
            reports.append((now, seed, done, took))
        now += 0.5
        reports.append((now, seed, None, 0.0))
        clock[number % 2], lasted[seed] = now, now - begun
    return sorted(reports), lasted


def test_the_time_left_does_not_jump(root, store, request, monkeypatch, capsys):
    """Recorded times of ten seeds, two at a time: what is said stays near what is true."""
    training = TINY["training"] | {"trials": [10, 10, 4], "epochs": 8}
    seeds = list(range(1, 11))
    profile = TINY | {"seeds": seeds, "training": training}
    settings = settings_from(profile, "tests", request.node.name)
    settings.data_folder.symlink_to(store.folder)
    reports, lasted = recorded(seeds)
    began, said = time.time(), []
    for now, seed, done, took in reports:
        monkeypatch.setattr(time, "time", lambda now=now: began + now)
        if done is None:
            finish(settings, seed, lasted[seed])
            os.utime(RunFolder(settings, seed).record, times=(began + now, began + now))
            continue
        tell(settings, seed, done, seconds=took)
        line = capsys.readouterr().out
        if match := re.search(r"about ([\d.]+) (s|min) left in all", line):
            said.append((float(match[1]) * {"s": 1, "min": 60}[match[2]], reports[-1][0] - now))
    assert len(said) > 10 * len(seeds)
    # The first two rounds compile, which is not known to be done once.
    for estimate, truth in said[4:]:
        assert abs(estimate - truth) < 60 + 0.25 * truth, (estimate, truth)
    steps = [abs(after[0] - before[0]) for before, after in pairwise(said[4:])]
    assert max(steps) <= 120


def test_seeds_at_work_share_what_is_left(settings):
    finish(settings, 1, 100)
    tell(settings, 2, 3, seconds=20)  # 40 s left
    tell(settings, 3, 4, seconds=20)  # 20 s left
    # 40 + 20 + the 100 s that a finished seed took, by two
    assert summary(settings) == "1 of 4 seeds trained, about 80 s left in all"
    finish(settings, 4, 100)
    assert summary(settings) == "2 of 4 seeds trained, about 40 s left in all"


def test_a_stopped_seed_waits_for_its_turn(settings):
    tell(settings, 1, 3, seconds=20)
    tell(settings, 2, 3, seconds=20)
    path = settings.run_folder(2) / "progress.json"
    state = json.loads(path.read_text())
    path.write_text(json.dumps(state | {"time": state["time"] - 500, "due": state["due"] - 500}))
    assert [state.silent for state in read_states(settings).values()] == [False, True]
    assert "stopped? 69%" in report(settings).replace("  ", " ") or "stopped?" in report(settings)
    assert summary(settings).endswith("about 7 min left in all")  # 40 s + 3 x 130 s


def test_the_report_has_a_line_for_every_seed(settings):
    finish(settings, 1, 600)
    tell(settings, 2, 4, "epoch 2 of 3, loss 0.1000", 20)
    (settings.run_folder(3)).mkdir()
    (settings.run_folder(3) / "progress.json").write_text("{half a")
    lines = report(settings).splitlines()
    assert lines[0] == "seed 1: trained in 10 min"
    assert lines[1] == "seed 2: 85%  epoch 2 of 3, loss 0.1000 (0 s ago)"
    assert lines[2:4] == ["seed 3: not begun", "seed 4: not begun"]
    assert lines[4].startswith("1 of 4 seeds trained, about ")


def test_a_stamp_of_other_settings_counts_for_nothing(settings):
    finish(settings, 1, 100)
    assert state.trained_seeds(settings) == [1]
    other = settings.model_copy(update={"data_seed": 43})
    assert state.trained_seeds(other) == []


def test_what_a_killed_process_left_changes_nothing(settings):
    finish(settings, 1, 100)
    weights = RunFolder(settings, 1).weights
    before = state.scores_fingerprint(settings, weights)
    leftover = settings.clips_folder("testing") / "audio" / ".abcd1234-scene-00.flac"
    leftover.touch()
    try:
        assert state.trained_seeds(settings) == [1]
        assert state.scores_fingerprint(settings, weights) == before
    finally:
        leftover.unlink()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(12.4, "12 s"), (89, "89 s"), (95, "2 min"), (5000, "83 min"), (7200, "2.0 h")],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_bars_become_lines_in_a_log():
    from tqdm import tqdm

    log = io.StringIO()
    stream = PlainLines(log)
    for _ in tqdm(range(3), desc="scenes", file=stream, mininterval=0, disable=False):
        time.sleep(0.001)
    print("a message", file=stream)
    lines = log.getvalue().splitlines()
    assert "\r" not in log.getvalue() and all(lines)
    assert lines[0].startswith("scenes:   0%") and "3/3" in lines[-2]
    assert lines[-1] == "a message"
