"""The ledger: every number others print, as their code would compute it here, and as it is here.

``printed.csv`` holds the numbers with their sources, and names the cells of ``systems.csv`` that
stand beside them (``system|protocol|condition|metric``). The test set here is the scenes, not
AVA-Speech: a difference between the two columns computed here is the code's, a difference from the
printed number is also the test set's.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit

from atomicvad.config import Settings
from atomicvad.device.emulate.measure import CYCLES
from atomicvad.evaluation.items import Items, members, recorded_clips
from atomicvad.evaluation.systems import RELEASED, load_system, system_files
from atomicvad.files import LEDGER, replacing
from atomicvad.metrics import DECISION, HARD, binary_metrics
from atomicvad.report.device_files import read_device

PRINTED = Path(__file__).with_name("printed.csv")
COLUMNS = ["system", "quantity", "test_set", "printed", "source"]
COLUMNS += ["as_released_code", "correct", "difference", "why"]


def released_code_metrics(settings: Settings) -> dict[str, float]:
    """What the released code would print of the released checkpoints, means over them.

    ``as-released``: SWI medians of windows whose floor depends on their batch; ``spi-first``: its
    SPI, which takes a segment's first window only. Empty where there are no such scores.
    """
    if "released" not in system_files(settings):
        return {}
    scores, clips = load_system("released", settings)["testing"], recorded_clips(settings)
    of_members: dict[str, list[dict[str, float]]] = {"as-released": [], "spi-first": []}
    for member in range(members(scores)):
        median = clips.items(
            scores | {"swi": scores["as_released"]}, "released", member, "swi-median"
        )
        of_members["as-released"].append(_hard(median, settings))
        windows = clips.items(scores, "released", member, "spi-window")
        first = np.unique(windows.segment, return_index=True)[1]
        first_windows = Items(
            windows.scores[first],
            windows.segment[first],
            windows.clip[first],
            windows.speech[first],
            windows.condition[first],
        )
        of_members["spi-first"].append(_hard(first_windows, settings))
    return {
        f"released|{protocol}|all|{metric}": value
        for protocol, rows in of_members.items()
        for metric, value in pd.DataFrame(rows).mean().items()
    }


def device_values(settings: Settings) -> dict[str, float]:
    """Memory and estimated latency on emulated cores: ``device|core|form|quantity``."""
    if (costs := read_device(settings)) is None:
        return {}
    high = list(CYCLES)[-1]
    found: dict[str, float] = {}
    for row in costs.to_dict("records"):
        quantities = {
            "ms": row[f"milliseconds_{high}"],
            "s": row[f"milliseconds_{high}"] / 1000,
            "flash kB": row["flash"] / 1000,
            "RAM kB": row["ram"] / 1000,
        }
        at = f"device|{row['core']}|{row['form']}"
        found |= {f"{at}|{name}": value for name, value in quantities.items()}
    return found


def _hard(items: Items, settings: Settings) -> dict[str, float]:
    """Metrics of decisions at 0.5; the released code has no others."""
    metrics = binary_metrics(items.speech, expit(items.scores), 0.5, settings.evaluation.fpr_target)
    return {name: metrics[name] for name in (*DECISION, *HARD)}


def ledger(settings: Settings, systems: pd.DataFrame) -> pd.DataFrame:
    """The table, a row a printed number; empty cells where there is nothing to compute.

    Args:
        systems: the rows of ``systems.csv``.
    """
    keys = ["system", "protocol", "condition", "metric"]
    values = dict(zip(systems[keys].agg("|".join, axis=1), systems["value"], strict=True))
    values |= released_code_metrics(settings) | device_values(settings)
    table = pd.read_csv(PRINTED, dtype=str, keep_default_na=False)
    of_released = table["correct"].str.startswith("released|")
    if (counts := systems.loc[systems["system"] == "released", "members"]).size:
        table.loc[of_released, "why"] += f" ({counts.iloc[0]} of {RELEASED} checkpoints)"
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
    path = settings.results_folder / LEDGER
    with replacing(path) as temporary:
        ledger(settings, systems).to_csv(temporary, index=False, float_format="%.4f")
    return pd.read_csv(path, dtype={"printed": str}, keep_default_na=False)
