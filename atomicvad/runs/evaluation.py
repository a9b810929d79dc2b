"""Any models on any labelled recordings: found, scored together, measured."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from atomicvad.config import Settings
from atomicvad.data.labelled_audio import read_labelled
from atomicvad.errors import AtomicVADError
from atomicvad.evaluation.labelled_audio import OVER, PROTOCOL_OF, Evaluation, evaluate_labelled
from atomicvad.evaluation.systems import ENSEMBLE
from atomicvad.scoring.labelled_audio import score_labelled
from atomicvad.scoring.logits import logit_score
from atomicvad.scoring.named_models import find_model, paper_model


@dataclass(frozen=True)
class Outcome:
    """An evaluation, how many files were left out, and how long it took to score how much (s)."""

    evaluation: Evaluation
    left_out: int
    seconds: float
    audio_seconds: float


def evaluate_models(
    names: Sequence[str], data: Sequence[Path], settings: Settings, unit: str, threshold: float
) -> Outcome:
    """Score models on labelled recordings, and measure them.

    Args:
        names: of models, see ``scoring.named_models.find_model``, or ``ensemble``: all seeds of the
            profile, their logits averaged.
        data: folders or manifests, see ``data.labelled_audio.read_labelled``.
        settings: the profile whose seeds ``names`` may name.
        unit: ``window``, ``segment`` or ``frame``: what is an item.
        threshold: probability from which on an item is taken for speech.

    Raises:
        AtomicVADError: an unknown unit or model, a model of another architecture, or data that
            cannot be used.
    """
    if unit not in PROTOCOL_OF:
        raise AtomicVADError(f"--unit: expected {', '.join(PROTOCOL_OF)}; got {unit!r}")
    rows = _named(names, settings)
    models = [paper_model(path) for paths in rows.values() for path in paths]
    settings = settings.model_copy(update={"window_samples": models[0].input_shape[1]})
    audio = read_labelled(data)
    along = unit == "frame"
    if along:
        audio.require_apart()
    score = _averaged(logit_score(*models), [len(paths) for paths in rows.values()])
    score(np.zeros((1, settings.window_samples), np.float32))  # compiled before time is taken
    started = time.perf_counter()
    scored = score_labelled(score, audio, settings, along)
    seconds = time.perf_counter() - started
    labels = scored.labels
    whole = scored.scores["clip_samples"].sum() / settings.sample_rate
    return Outcome(
        evaluate_labelled(list(rows), scored.scores, labels, settings, unit, threshold),
        len(audio.left_out) + len(scored.left_out),
        seconds,
        float(whole if along else (labels["end"] - labels["start"]).sum()),
    )


def _named(names: Sequence[str], settings: Settings) -> dict[str, list[Path]]:
    """Model files by the names of their rows: a file each, and of ``ensemble`` all seeds'.

    Of two rows that would be named alike, and where the name stands for something else, the path.
    """
    found = [_found(name, settings) for name in names]
    counts = Counter(row for row, _ in found)
    rows: dict[str, list[Path]] = {}
    for given, (name, paths) in zip(names, found, strict=True):
        is_taken = given != ENSEMBLE and (counts[name] > 1 or name in (*OVER, ENSEMBLE))
        row = str(paths[0]) if is_taken else name
        if row in rows:
            raise AtomicVADError(f"MODEL: {row} is named twice")
        rows[row] = paths
    return rows


def _found(name: str, settings: Settings) -> tuple[str, list[Path]]:
    if name == ENSEMBLE:
        return name, [find_model(str(seed), settings)[1] for seed in settings.seeds]
    row, path = find_model(name, settings)
    return row, [path]


def _averaged(
    score: Callable[[np.ndarray], np.ndarray], members: list[int]
) -> Callable[[np.ndarray], np.ndarray]:
    """Means of logits over so many members for each row: ``[n, models]`` -> ``[n, rows]``."""
    firsts, counts = np.cumsum([0, *members[:-1]]), np.array(members, np.float32)
    return lambda windows: np.add.reduceat(score(windows), firsts, axis=1) / counts
