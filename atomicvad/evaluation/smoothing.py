"""How wide frames are smoothed: AUROC of frames on the validation scenes, by width.

``evaluation.smoothing_seconds`` is chosen by this table, never on a test set. It costs no scoring:
score files hold the logits of windows, and frames are computed from them.
"""

from collections.abc import Sequence

import pandas as pd
from sklearn.metrics import roc_auc_score

from atomicvad.config import Settings
from atomicvad.evaluation.items import members, recorded_clips
from atomicvad.evaluation.systems import OURS, load_system

WIDTHS = (0.0, 0.08, 0.16, 0.24, 0.32, 0.4, 0.48, 0.63)  # s


def auroc_by_width(settings: Settings, widths: Sequence[float] = WIDTHS) -> pd.DataFrame:
    """AUROC of frames on the validation scenes: ``smoothing_seconds, seed, auroc``, a row a seed.

    Raises:
        AtomicVADError: scores of other clips than those recorded.
    """
    scores, rows = load_system(OURS, settings)["validation"], []
    for width in widths:
        evaluation = settings.evaluation.model_copy(update={"smoothing_seconds": width})
        clips = recorded_clips(settings.model_copy(update={"evaluation": evaluation}), "validation")
        for member in range(members(scores)):
            items = clips.items(scores, OURS, member, "frame")
            auroc = float(roc_auc_score(items.speech, items.scores))
            rows.append({"smoothing_seconds": width, "seed": member, "auroc": auroc})
    return pd.DataFrame(rows)
