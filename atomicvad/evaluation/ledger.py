"""The ledger: every number others print, as their code would compute it here, and as it is here.

``printed.csv`` holds the numbers with their sources, and names the cells of ``systems.csv`` that
stand beside them (``system|protocol|condition|metric``). The test set here is the scenes, not
AVA-Speech: a difference between the two columns computed here is the code's, a difference from the
printed number is also the test set's.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from atomicvad.config import Settings
from atomicvad.evaluation.intervals import decision_counts, decision_metrics
from atomicvad.evaluation.judge import scene_judge
from atomicvad.evaluation.systems import load_system, system_files
from atomicvad.files import replacing

COLUMNS = ["system", "quantity", "test_set", "printed", "source"]
COLUMNS += ["as_released_code", "correct", "difference", "why"]


def first_window_metrics(settings: Settings) -> dict[str, float]:
    """What the released SPI computes: decisions on a segment's first window, mean of the members.

    Empty where the released checkpoints have no scores.
    """
    if "released" not in system_files(settings):
        return {}
    scores, judge = (
        load_system("released", settings)["testing"],
        scene_judge(settings),
    )
    found = []
    for member in range(scores["spi"].shape[1]):
        items = judge.items(scores, "released", member, "spi-window")
        first = np.unique(items.segment, return_index=True)[1]
        counts = decision_counts(
            items.speech[first], items.scores[first] >= 0, items.clip[first], judge.clips
        )
        metrics = decision_metrics(
            counts, np.ones((1, judge.clips)), settings.evaluation.fpr_target
        )
        found.append({name: values[0] for name, values in metrics.items()})
    means = pd.DataFrame(found).mean()
    return {f"released|spi-first|all|{name}": value for name, value in means.items()}


def ledger(settings: Settings, systems: pd.DataFrame) -> pd.DataFrame:
    """The table, a row a printed number; empty cells where there is nothing to compute.

    Args:
        systems: the rows of ``systems.csv``.
    """
    keys = ["system", "protocol", "condition", "metric"]
    values = dict(zip(systems[keys].agg("|".join, axis=1), systems["value"], strict=True))
    values |= first_window_metrics(settings)
    table = pd.read_csv(Path(__file__).with_name("printed.csv"), dtype=str, keep_default_na=False)
    for column in ("as_released_code", "correct"):
        table[column] = [_cell(text, values) for text in table[column]]
    table["difference"] = table["correct"] - table["as_released_code"]
    return table[COLUMNS]


def _cell(text: str, values: dict[str, float]) -> float:
    """A number, or the cell of ``systems.csv`` that is named."""
    if "|" in text:
        return values.get(text, float("nan"))
    return float(text) if text else float("nan")


def write_ledger(settings: Settings, systems: pd.DataFrame) -> pd.DataFrame:
    """Write ``ledger.csv`` beside the results; return it as it stands there."""
    path = settings.results_folder / "ledger.csv"
    with replacing(path) as temporary:
        ledger(settings, systems).to_csv(temporary, index=False, float_format="%.4f")
    return pd.read_csv(path, dtype={"printed": str}, keep_default_na=False)
