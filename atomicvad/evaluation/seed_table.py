"""The table of a seed: every metric under every protocol and condition, in long form."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from atomicvad.config import Settings
from atomicvad.corpora.clips import CONDITIONS, read_labels
from atomicvad.evaluation.items import (
    FRAME_PROTOCOLS,
    ClipSet,
    of_condition,
    protocols_of,
)
from atomicvad.files import CLIP_LABELS
from atomicvad.metrics import binary_metrics
from atomicvad.scoring.protocols import score_set

COLUMNS = (
    *("profile", "seed", "variant", "dataset"),
    *("protocol", "condition", "metric", "value"),
)


def seed_metrics(
    clips: ClipSet,
    scores: dict[str, np.ndarray],
    name: str,
    settings: Settings,
    member: int = 0,
    **ids: Any,
) -> pd.DataFrame:
    """Metrics of one member of a system on the test scenes, in the long form of ``COLUMNS``.

    ``ids``: ``seed``, ``variant``, ``dataset``. Frames are left to ``systems.csv``.
    """
    rows = []
    for protocol in protocols_of(scores, name):
        if protocol in FRAME_PROTOCOLS:
            continue
        items = clips.items(scores, name, member, protocol)
        for condition in CONDITIONS:
            if condition != "all" and not (clips.condition == condition).any():
                continue  # not every test set has all of them
            judged = of_condition(items, condition)
            metrics = binary_metrics(
                items.speech[judged],
                expit(items.scores[judged].astype(float)),
                settings.evaluation.threshold,
                settings.evaluation.fpr_target,
                None if items.seconds is None else items.seconds[judged],
            )
            row = ids | {"protocol": protocol, "condition": condition}
            rows += [row | {"metric": metric, "value": value} for metric, value in metrics.items()]
    return pd.DataFrame(rows).assign(profile=settings.profile)[list(COLUMNS)]


def evaluate_folder(
    score: Callable[[np.ndarray], np.ndarray], folder: Path, settings: Settings, **ids: Any
) -> pd.DataFrame:
    """One detector on a folder in AVA-Speech's shape, or on AVA-Speech: the table of a seed.

    Args:
        score: from ``scoring.logit_score`` of one model.
        folder: holds ``labels.csv`` and ``audio/<video_id>.*``, which begin at 900 s.
        ids: ``seed``, ``variant``, ``dataset``.
    """
    clips = ClipSet(settings, read_labels(folder / CLIP_LABELS))
    return seed_metrics(clips, score_set(score, folder, settings), "atomicvad", settings, **ids)
