"""Scores of AtomicVAD: several detectors on both sets of clips, with features computed once."""

from collections.abc import Callable, Sequence

import keras
import numpy as np
from scipy.special import expit

from atomicvad.config import CLIP_SETS, Settings
from atomicvad.files import WEIGHTS
from atomicvad.model import load_model, new_model
from atomicvad.scoring.logits import logit_score
from atomicvad.scoring.protocols import score_set
from atomicvad.scoring.scores import Sets
from atomicvad.scoring.windows import in_batches, step_of, window_starts


def seed_models(settings: Settings, seeds: Sequence[int]) -> list[keras.Model]:
    """The trained detectors of seeds.

    Raises:
        AtomicVADError: a seed without weights, or with those of another architecture.
    """
    paths = [settings.run_folder(seed) / WEIGHTS for seed in seeds]
    return [load_model(path, new_model(settings)) for path in paths]


def score_models(models: Sequence[keras.Model], settings: Settings) -> Sets:
    """Logits of several detectors on both sets of clips: ``[windows, models]``."""
    score = logit_score(*models)
    return {split: score_set(score, settings.clips_folder(split), settings) for split in CLIP_SETS}


def scores_of_model(sets: Sets, number: int) -> Sets:
    """The scores of one model from those of ``score_models``: ``[windows]``."""
    return {
        split: {key: v[:, number] if v.ndim == 2 else v for key, v in table.items()}
        for split, table in sets.items()
    }


def mean_probability(settings: Settings, seeds: Sequence[int]) -> Callable[[np.ndarray], float]:
    """The function from a waveform to the mean probability of speech, over windows and seeds."""
    score = logit_score(*seed_models(settings, seeds))
    window, step = settings.window_samples, step_of("swi", settings)

    def mean(waveform: np.ndarray) -> float:
        starts = window_starts(0, len(waveform), window, step)
        ends = np.full(len(starts), len(waveform))
        logits = in_batches(
            score, waveform, starts, ends, window, settings.evaluation.batch_windows
        )
        return float(expit(logits).mean())

    return mean
