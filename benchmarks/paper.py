"""Time of an epoch of the paper's size, and of the paper's whole training."""

import numpy as np

from atomicvad.config import load_profile
from atomicvad.data.manifest import read_split
from atomicvad.data.prepare import prepare
from atomicvad.sections import Split
from atomicvad.training.batches import TrainingBatches, WindowSet
from atomicvad.training.trainer import Trainer, configure
from atomicvad.training.validation import validate, validation_batches
from benchmarks.timing import Row, seconds


def epoch() -> list[Row]:
    """One epoch of the paper's settings and counts, on windows of the open recordings."""
    paper, data = load_profile("paper"), load_profile("open")
    store = prepare(data)

    def windows(split: Split) -> WindowSet:
        manifest = read_split(data.data_folder, split, store)
        sample = manifest.groupby("label").sample(
            paper.windows.counts[split], replace=True, random_state=0
        )
        return WindowSet(sample.reset_index(drop=True), store, paper)

    batches = TrainingBatches(windows("training"), paper, paper.seeds[0])
    configure(paper, paper.seeds[0])
    trainer = Trainer(paper, paper.seeds[0], 100_000)
    held_out = validation_batches(paper, windows("validation"))
    trainer.step(*batches.prepare(0, batches.order(0)[0]))

    def train() -> None:
        for features, targets in batches.epoch(0):
            trainer.step(features, targets)

    training = seconds(train)
    validating = np.median([seconds(lambda: validate(trainer, held_out)) for _ in range(3)])
    hours = (training + validating) * paper.training.epochs * len(paper.seeds) / 3600
    return [
        ("paper_epoch_windows", len(batches.windows), "windows"),
        ("paper_epoch_seconds", training, "s"),
        ("paper_validation_seconds", float(validating), "s"),
        ("paper_run_hours_one_seed_at_a_time", hours, "h"),
    ]
