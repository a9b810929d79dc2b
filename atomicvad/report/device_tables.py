"""Tables of the detector on microcontrollers, from ``device.csv`` and the tables of systems."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from atomicvad.config import Settings
from atomicvad.corpora.clips import CONDITIONS
from atomicvad.device.emulate.measure import CYCLES
from atomicvad.evaluation.items import STREAM
from atomicvad.evaluation.systems import INTEGER, OURS, titles
from atomicvad.files import INTEGER_STEPS, project_root
from atomicvad.report.collate import read_paired, read_systems
from atomicvad.report.real_tables import AGAINST, AMI, SOUNDS, read_real, real_folder
from atomicvad.report.text import with_interval

MARKDOWN = ["flash (kB)", "RAM (kB)", "instructions", "clock (MHz)", "time (ms, estimated)"]
SYSTEMS_HERE = (OURS, INTEGER, STREAM)
# Of real recordings: corpus and metric as they are read.
RECORDINGS = {AMI: "meetings", SOUNDS: "sounds without speech"}
MEASURES = {
    "auroc": "AUROC of frames",
    AGAINST: "AUROC of frames, against the speech of the meetings",
    "false_share_tuned": "false-positive share",
    "recall_tuned": "recall",
}


def cost_table(costs: pd.DataFrame) -> pd.DataFrame:
    """Memory, instructions, and what is estimated from them; a row a form and core."""
    low, high = CYCLES

    def between(name: str, form: str, unit: float = 1.0) -> list[str]:
        pairs = zip(costs[f"{name}_{low}"] / unit, costs[f"{name}_{high}"] / unit, strict=True)
        return [f"{a:{form}} to {b:{form}}" if np.isfinite(a) else "" for a, b in pairs]

    return (
        pd.DataFrame(
            {
                "form": costs["form"],
                "core": costs["core"],
                "flash (kB)": (costs["flash"] / 1000).map("{:.1f}".format),
                "RAM (kB)": (costs["ram"] / 1000).map("{:.1f}".format),
                "of it stack (bytes)": costs["stack"],
                "instructions": costs["instructions"].map("{:,.0f}".format),
                "cycles (estimated, thousands)": between("cycles", ",.0f", 1000),
                "clock (MHz)": costs["megahertz"],
                "time (ms, estimated)": between("milliseconds", ".2f"),
                "energy (µJ, estimated)": between("microjoules", ".0f"),
            }
        )
        .set_index(["form", "core"])
        .sort_index()
    )


def markdown_costs(costs: pd.DataFrame, cores: Sequence[str] = ()) -> str:
    """``cost_table`` in Markdown, of some cores or of all: what README and REPRODUCING print."""
    kept = costs[costs["core"].isin(cores)] if cores else costs
    table = cost_table(kept)[MARKDOWN].reset_index()
    lines = ["| " + " | ".join(table.columns) + " |", "|---" * table.shape[1] + "|"]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in table.itertuples(index=False)]
    return "\n".join(lines)


def accuracy_table(settings: Settings) -> pd.DataFrame | None:
    """AUROC of segments on the scenes by condition: floating point, and both forms in integers."""
    systems = read_systems(settings)
    rows = systems[systems["system"].isin(SYSTEMS_HERE) & (systems["metric"] == "auroc")]
    rows = rows[rows["protocol"].isin(("swi-median", "frame", "frame-causal"))]
    return _wide(rows, "value", "system") if INTEGER in set(rows["system"]) else None


def difference_table(settings: Settings) -> pd.DataFrame:
    """AUROC of floating point minus each form in integers, on the same draws."""
    paired = read_paired(settings)
    rows = paired[paired["other"].isin(SYSTEMS_HERE) & (paired["metric"] == "auroc")]
    rows = rows[rows["protocol"].isin(("swi-median", "frame", "frame-causal"))]
    return _wide(rows, "difference", "other", digits=4, sign="+")


def _wide(
    rows: pd.DataFrame, value: str, system: str, digits: int = 3, sign: str = ""
) -> pd.DataFrame:
    text = [
        with_interval(a, b, c, digits, sign)
        for a, b, c in rows[[value, "low", "high"]].itertuples(index=False)
    ]
    wide = rows.assign(text=text).pivot(
        index=["protocol", system], columns="condition", values="text"
    )
    shown = [condition for condition in CONDITIONS if condition in wide]
    return wide.rename(index=titles(rows, system))[shown].rename_axis(["protocol", "system"])


def real_table(settings: Settings) -> pd.DataFrame | None:
    """The same systems on the real recordings: AUROC of frames, and sounds taken for speech."""
    if not (folder := real_folder(settings)):
        return None
    table = read_real(folder)
    rows = table[table["system"].isin(SYSTEMS_HERE) & (table["protocol"] == "frame")]
    rows = rows[rows["metric"].isin(MEASURES)]
    rows = rows[rows["group"].isin(("all", AGAINST))].copy()
    rows.loc[rows["group"] == AGAINST, "metric"] = AGAINST
    text = [with_interval(r.value, r.low, r.high) for r in rows.itertuples()]
    wide = rows.assign(text=text).pivot(index=["corpus", "metric"], columns="system", values="text")
    wide = wide.rename(columns=titles(rows), index=RECORDINGS | MEASURES)
    return wide.rename_axis(index=["recordings", "quantity"], columns=None)


def step_table() -> pd.DataFrame | None:
    """Errors of each integer step, as ``benchmarks.integers`` measured them; nothing without."""
    path = project_root() / "results" / INTEGER_STEPS
    return pd.read_csv(path).set_index("step") if path.is_file() else None


def int8_table() -> pd.DataFrame | None:
    """What 8 bits cost, as ``benchmarks.exports`` measured it; nothing without."""
    path = project_root() / "results" / "int8_costs.csv"
    return pd.read_csv(path) if path.is_file() else None
