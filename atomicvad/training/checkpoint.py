"""Training checkpoints, from which an interrupted seed is resumed."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from atomicvad.files import replacing
from atomicvad.training.trainer import Trainer


class Checkpoint:
    """The state after the last finished epoch or round of trials, in one file.

    Args:
        fingerprint: of settings, data and code; a file with another one is not loaded.

    Attributes:
        rounds: number of finished rounds of ``choose_start``.
        history: a row for every finished epoch.
        best: variables of the network with the best validation AUROC, by name.
    """

    def __init__(self, path: Path, fingerprint: str):
        self.path, self.fingerprint = path, fingerprint
        self.rounds = 0
        self.history: list[dict[str, float]] = []
        self.best: dict[str, np.ndarray] = {}

    def load(self, trainer: Trainer) -> None:
        """Load the state of an earlier run with the same fingerprint, if there is one."""
        if not self.path.is_file():
            return
        with np.load(self.path, allow_pickle=False) as stored:
            content = dict(stored)
        if str(content.pop("fingerprint")) != self.fingerprint:
            return
        self.rounds = int(content.pop("rounds"))
        self.history = json.loads(str(content.pop("history")))
        best = [name for name in content if name.startswith("best/")]
        self.best = {name.removeprefix("best/"): content.pop(name) for name in best}
        trainer.keep(range(len({name.split("/")[0] for name in content})))
        trainer.restore(content)

    def save(self, trainer: Trainer) -> None:
        """Write the trainer's state, the history and the best network."""
        content: dict[str, Any] = {"fingerprint": self.fingerprint, "rounds": self.rounds}
        content |= {"history": json.dumps(self.history)} | trainer.state()
        content |= {f"best/{name}": value for name, value in self.best.items()}
        with replacing(self.path) as path, open(path, "wb") as file:
            np.savez(file, **content)

    def waited(self, min_delta: float) -> int:
        """Epochs since validation AUROC last rose by more than ``min_delta``."""
        best, since = -np.inf, 0
        for row in self.history:
            since += 1
            if row["val_auroc"] > best + min_delta:
                best, since = row["val_auroc"], 0
        return since
