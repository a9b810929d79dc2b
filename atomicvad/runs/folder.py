"""The run folder of a seed: what its files are called, who is working in it, what is cleared."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from filelock import FileLock, Timeout

from atomicvad.config import Settings
from atomicvad.errors import AtomicVADError
from atomicvad.files import (
    CHECKPOINT,
    HISTORY,
    METRICS,
    PROGRESS,
    RECORD,
    SCORES,
    TESTING,
    WEIGHTS,
    remove_unfinished,
)

# Of a finished run, in the order in which they are written: the table comes last.
RESULTS = (WEIGHTS, HISTORY, RECORD, TESTING, SCORES, METRICS)
# Stages of a run, each made from the one before; ``.<stage>`` is the stamp of its files.
STAGES = ("weights", "scores", "metrics")


class RunFolder:
    """Files of one seed of a reproduction.

    Attributes:
        path: the folder.
        weights, history, record: what training leaves.
        testing, scores, metrics: what scoring leaves; the table comes last.
        checkpoint, progress: of a training that is not finished.
        stamps, outputs: the stamp and the files of each stage.

    Raises:
        AtomicVADError: the profile has no such seed.
    """

    def __init__(self, settings: Settings, seed: int):
        self.path = settings.run_folder(seed)
        self.weights, self.history = self.path / WEIGHTS, self.path / HISTORY
        self.record, self.scores = self.path / RECORD, self.path / SCORES
        self.testing = self.path / TESTING
        self.metrics = self.path / METRICS
        self.checkpoint, self.progress = self.path / CHECKPOINT, self.path / PROGRESS
        self.results = [self.path / name for name in RESULTS]
        self.stamps = {stage: self.path / f".{stage}" for stage in STAGES}
        self.outputs = {
            "weights": [self.weights, self.history, self.record],
            "scores": [self.testing, self.scores],
            "metrics": [self.metrics],
        }

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder, so that no other process works in it.

        Raises:
            AtomicVADError: another process holds it. (The system frees the lock of one that died.)
        """
        self.path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.path / ".lock", timeout=0)
        try:
            lock.acquire()
        except Timeout:
            raise AtomicVADError(f"{self.path}: another process is working on this seed") from None
        try:
            remove_unfinished(self.path)  # of processes that were killed here
            yield
        finally:
            lock.release()

    def begin(self, stage: str) -> None:
        """Remove the stamps of a stage and of those after it, and the table, which would be stale.

        So a run that fails leaves no table of an earlier one behind.
        """
        for later in STAGES[STAGES.index(stage) :]:
            self.stamps[later].unlink(missing_ok=True)
        self.metrics.unlink(missing_ok=True)

    def clear_unfinished(self) -> None:
        """Remove what only an unfinished training needs."""
        for file in (self.checkpoint, self.progress):
            file.unlink(missing_ok=True)


def run_folders(settings: Settings, seeds: Sequence[int] | None = None) -> dict[int, RunFolder]:
    """The folders of ``seeds``, by seed; of all seeds of the profile by default."""
    return {
        seed: RunFolder(settings, seed) for seed in settings.seeds if seeds is None or seed in seeds
    }


def missing_seeds(settings: Settings) -> list[int]:
    """Seeds of a profile that have no table yet."""
    folders = run_folders(settings)
    return [seed for seed, folder in folders.items() if not folder.metrics.is_file()]


def require_seeds(settings: Settings) -> None:
    """Every seed of the profile has its table.

    Raises:
        AtomicVADError: names those that have none.
    """
    if missing := missing_seeds(settings):
        raise AtomicVADError(
            f"{settings.results_folder}: no table of seed {', '.join(map(str, missing))}; "
            f"make train PROFILE={settings.profile} SEED={missing[0]}"
        )
