"""The table of a seed: every metric under every protocol and condition, in long form."""

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from atomicvad.config import Settings
from atomicvad.corpora.clips import CONDITIONS
from atomicvad.evaluation.items import (
    FRAME_PROTOCOLS,
    ClipSet,
    of_condition,
    protocols_of,
)
from atomicvad.metrics import binary_metrics

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
