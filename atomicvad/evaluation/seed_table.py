"""The table of a seed (``metrics.csv``): metrics by protocol and condition, in long form."""

from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit

from atomicvad.config import Settings
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
    """Metrics of one member of the system ``name``, with the columns ``COLUMNS``.

    ``ids``: ``seed``, ``variant``, ``dataset``. Metrics of frames are in ``systems.csv`` only.
    """
    rows = []
    for protocol in protocols_of(scores, name):
        if protocol in FRAME_PROTOCOLS:
            continue
        items = clips.items(scores, name, member, protocol)
        for condition in clips.conditions:
            selected = of_condition(items, condition)
            metrics = binary_metrics(
                items.speech[selected],
                expit(items.scores[selected].astype(float)),
                settings.evaluation.threshold,
                settings.evaluation.fpr_target,
                None if items.seconds is None else items.seconds[selected],
            )
            row = ids | {"protocol": protocol, "condition": condition}
            rows += [row | {"metric": metric, "value": value} for metric, value in metrics.items()]
    return pd.DataFrame(rows).assign(profile=settings.profile)[list(COLUMNS)]
