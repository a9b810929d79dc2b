"""How far a reproduction is: each seed writes it into its run folder and prints a line.

Whoever sees the run folders can tell the state of the whole. Nothing here enters a number.
"""

import json
import statistics
import sys
import time
from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ValidationError
from tqdm import tqdm

from atomicvad.config import Settings
from atomicvad.console import duration
from atomicvad.files import replacing
from atomicvad.runs.folder import RunFolder
from atomicvad.runs.state import trained_seeds

BETWEEN_SEEDS = 60.0  # s, in which the next seed has begun when one has ended, at most


class SeedState(BaseModel):
    """What a seed last reported.

    Attributes:
        text: what it does.
        done: finished share of the work, from 0 to 1.
        seconds_left: of this seed; none before the first measurement.
        begun: when it began or was resumed, in seconds since 1970.
        paces: seconds an epoch's work took, in each of its rounds or, once there are any, epochs.
        time: when it reported.
        due: when its next report is expected.
    """

    seed: int
    text: str
    done: float
    seconds_left: float | None = None
    begun: float
    paces: list[float] = []
    time: float
    due: float

    @property
    def silent(self) -> bool:
        """Whether the seed has not reported for so long that it must have been stopped."""
        now = time.time()
        return now - self.due > 60 + 2 * (self.due - self.time)


def tell_progress(settings: Settings, seed: int, done: int, text: str, seconds: float = 0) -> None:
    """Write the state of a seed into its run folder, and print it with that of the whole.

    Args:
        done: finished rounds of trials and epochs.
        text: what the seed does, or the outcome of the last one.
        seconds: that the last one took, if it was measured.
    """
    training, now = settings.training, time.time()
    # In epochs: to prepare the windows costs about what a step on them does, and a round has both.
    rounds = [(1 + starts) / 2 for starts in training.trials]
    pieces = [*rounds, *[1] * training.epochs]
    before = read_state(settings, seed) if seconds else None
    # The first round compiles, and an epoch is validated as well: the two are not mixed.
    paces = before.paces if before and done != len(rounds) + 1 else []
    paces = [*paces, seconds / pieces[done - 1]] if seconds else []
    pace = statistics.median(paces) if paces else 0
    state = SeedState(
        seed=seed,
        text=text,
        done=sum(pieces[:done]) / sum(pieces),
        seconds_left=pace * sum(pieces[done:]) if seconds else None,
        begun=before.begun if before else now,
        paces=paces,
        time=now,
        due=now + (pace * pieces[done] if seconds and done < len(pieces) else 120),
    )
    with replacing(RunFolder(settings, seed).progress) as path:
        path.write_text(state.model_dump_json() + "\n", encoding="utf-8")
    print_state(settings, state, read_states(settings) | {seed: state})


def print_state(settings: Settings, state: SeedState, states: Mapping[int, SeedState]) -> None:
    """Print a seed's state, and in how long all will be trained."""
    left = f", {duration(state.seconds_left)} left" if state.seconds_left else ""
    tqdm.write(f"seed {state.seed}: {state.text}{left}; {summary(settings, states)}")
    sys.stdout.flush()


def read_states(settings: Settings) -> dict[int, SeedState]:
    """The states of the seeds that are at work, or were when they were stopped."""
    states = {seed: read_state(settings, seed) for seed in settings.seeds}
    return {seed: state for seed, state in states.items() if state}


def read_state(settings: Settings, seed: int) -> SeedState | None:
    """What a seed last reported, unless it is trained or not begun."""
    try:
        text = RunFolder(settings, seed).progress.read_text(encoding="utf-8")
        return SeedState.model_validate_json(text)
    except (FileNotFoundError, ValidationError):
        return None


def summary(settings: Settings, states: Mapping[int, SeedState] | None = None) -> str:
    """The state of all seeds in a few words: how many are trained, and the time left.

    A seed not begun will take as long as those that are trained, or else as the running ones seem
    to. Without ``states``, those in the run folders count.
    """
    states = read_states(settings) if states is None else states
    done = trained_seeds(settings)
    running = [s for s in states.values() if s.seed not in done and not s.silent]
    text = f"{len(done)} of {len(settings.seeds)} seeds trained"
    # Seconds left, and share done, of the seeds that have measured their pace.
    measured = [(s.seconds_left, s.done) for s in running if s.seconds_left is not None]
    if not running or not (measured or done) or len(done) == len(settings.seeds):
        return text
    lengths = [_seconds(settings, seed) for seed in done]
    lengths = lengths or [left / (1 - share) for left, share in measured if share < 1] or [0.0]
    length = sum(lengths) / len(lengths)
    left = [length * (1 - s.done) if s.seconds_left is None else s.seconds_left for s in running]
    waiting = len(settings.seeds) - len(done) - len(running)
    at_once = _at_once(settings, running, done)
    total = max(*left, (sum(left) + waiting * length) / at_once)
    return f"{text}, about {duration(total)} left in all" if total >= 1 else text


def _at_once(settings: Settings, running: Sequence[SeedState], done: Sequence[int]) -> int:
    """How many seeds are trained at a time.

    When one has just ended, the next has not begun yet: those count that were at work then.
    """
    ends = {seed: RunFolder(settings, seed).record.stat().st_mtime for seed in done}
    recent = [end for end in ends.values() if time.time() - end < BETWEEN_SEEDS]
    if not recent:
        return len(running)
    then = min(recent)
    begun = [state.begun for state in running]
    begun += [end - _seconds(settings, seed) for seed, end in ends.items() if end >= then]
    return max(len(running), sum(start < then for start in begun))


def _seconds(settings: Settings, seed: int) -> float:
    """How long a trained seed took."""
    record = json.loads(RunFolder(settings, seed).record.read_text(encoding="utf-8"))
    return sum(record["seconds"].values())


def report(settings: Settings) -> str:
    """The state of a reproduction, a line a seed, from its run folders."""
    states, trained, lines = read_states(settings), trained_seeds(settings), []
    for seed in settings.seeds:
        if seed in trained:
            text = f"trained in {duration(_seconds(settings, seed))}"
        elif seed in states:
            state = states[seed]
            ago = f"{duration(time.time() - state.time)} ago"
            text = f"{'stopped?' if state.silent else ''} {state.done:4.0%}  {state.text} ({ago})"
        else:
            text = "not begun"
        lines.append(f"seed {seed}: {text.strip()}")
    return "\n".join([*lines, summary(settings, states)])
