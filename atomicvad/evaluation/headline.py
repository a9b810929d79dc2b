"""The headline numbers of a reproduction, by seed; they were named before any comparison."""

import pandas as pd
from sklearn.metrics import fbeta_score, roc_auc_score

from atomicvad.config import Settings
from atomicvad.evaluation.calibration import best_threshold
from atomicvad.evaluation.items import ClipSet, Items, of_condition, recorded_clips
from atomicvad.files import SCORES
from atomicvad.scoring.scores import load_scores

# Title -> protocol and condition of an AUROC.
AUROCS = {
    "AUROC": ("swi-median", "all"),
    "AUROC, clean speech": ("swi-median", "clean"),
    "AUROC, speech in noise": ("swi-median", "noise"),
    "AUROC, speech in music": ("swi-median", "music"),
    "AUROC of frames": ("frame", "all"),
}
F2 = "F2"  # of segments, at the threshold chosen on the validation clips


def headline(settings: Settings) -> pd.DataFrame:
    """The headline numbers of all seeds that have scores: ``seed``, ``quantity``, ``value``.

    A condition that the test set does not have is left out.

    Raises:
        AtomicVADError: scores of other clips than those recorded.
    """
    test, validation = recorded_clips(settings), recorded_clips(settings, "validation")
    rows = []
    for seed in settings.seeds:
        path = settings.run_folder(seed) / SCORES
        if path.is_file():
            sets = load_scores(path, settings)
            values = _of_seed(sets["testing"], sets["validation"], test, validation)
            rows += [{"seed": seed, "quantity": name, "value": v} for name, v in values.items()]
    return pd.DataFrame(rows, columns=["seed", "quantity", "value"])


def _of_seed(
    scores: dict, validation_scores: dict, test: ClipSet, validation: ClipSet
) -> dict[str, float]:
    items: dict[str, Items] = {}
    values = {}
    for name, (protocol, condition) in AUROCS.items():
        if condition not in test.conditions:
            continue
        if protocol not in items:
            items[protocol] = test.items(scores, "atomicvad", 0, protocol)
        selected = of_condition(items[protocol], condition)
        speech, scores_of = items[protocol].speech[selected], items[protocol].scores[selected]
        values[name] = float(roc_auc_score(speech, scores_of))
    tuning = validation.items(validation_scores, "atomicvad", 0, "swi-median")
    segments = items["swi-median"]
    decisions = segments.scores >= best_threshold(tuning.speech, tuning.scores)
    return values | {F2: float(fbeta_score(segments.speech, decisions, beta=2))}
