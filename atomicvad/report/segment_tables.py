"""Tables of segments to read: the detector's, and peers' by the defaults of their authors."""

import pandas as pd

from atomicvad.config import Settings
from atomicvad.evaluation.items import STREAM
from atomicvad.evaluation.systems import ENSEMBLE, INTEGER, TITLES
from atomicvad.report.collate import read_systems
from atomicvad.report.real_tables import AMI, SOUNDS, read_real, real_folder
from atomicvad.report.text import with_interval
from atomicvad.runs.segments import PROTOCOL

ALARMS = "false_alarms_per_hour"
NAMES = {
    ENSEMBLE: "AtomicVAD, ten seeds together: the default",
    STREAM: "AtomicVAD, one seed, every 10 ms",
    INTEGER: "AtomicVAD, one seed, every 79 ms",
}
ORDER = [ENSEMBLE, STREAM, INTEGER]
COLUMNS = {
    "segment F1": ("segment_f1", 3),
    "onset F1": ("onset_f1", 3),
    "offset F1": ("offset_f1", 3),
    "detection error": ("detection_error_rate", 3),
    "onset error, median (s)": ("onset_error_abs_p50", 2),
    "onset error, 95 % (s)": ("onset_error_abs_p95", 2),
    "offset error, median (s)": ("offset_error_abs_p50", 2),
    "offset error, 95 % (s)": ("offset_error_abs_p95", 2),
    "false-positive share": ("false_share", 3),
}

README_COLUMNS = {
    "Test scenes": [
        *("segment F1", "detection error", "onset error, median (s)", "offset error, median (s)"),
        *("false alarms an hour, noise", "false alarms an hour, music"),
    ],
    "Meetings": ["segment F1", "detection error"],
    "Sounds without speech": ["false-positive share"],
}


def segment_table(rows: pd.DataFrame) -> pd.DataFrame:
    """A row a system: boundaries within 200 ms, their errors, and false alarms an hour by kind.

    Args:
        rows: of the protocol ``segments``: ``system``, ``metric``, ``value``, ``low``, ``high``,
            ``members``.
    """
    alarms = sorted(metric for metric in rows["metric"].unique() if metric.startswith(ALARMS))
    columns = COLUMNS | {
        f"false alarms an hour, {metric.removeprefix(ALARMS).strip()}".rstrip(", "): (metric, 0)
        for metric in alarms
    }
    digits = dict(columns.values())
    shown = rows[rows["metric"].isin(digits)]
    text = [
        with_interval(row.value, row.low, row.high, digits[str(row.metric)])
        for row in shown.itertuples()
    ]
    wide = shown.assign(text=text).pivot(index="system", columns="metric", values="text")
    names = sorted(rows["system"].unique(), key=[*ORDER, *TITLES].index)
    wide = wide.reindex(names).fillna("").rename(index=TITLES | NAMES).rename_axis(columns=None)
    return wide.rename(columns={metric: name for name, (metric, _) in columns.items()})[
        [name for name, (metric, _) in columns.items() if metric in wide]
    ]


def scenes_table(settings: Settings) -> pd.DataFrame | None:
    """Segments in the test scenes; nothing where they were not found."""
    systems = read_systems(settings)
    rows = systems[systems["protocol"] == PROTOCOL]
    return segment_table(rows) if len(rows) else None


def real_table(settings: Settings, corpus: str) -> pd.DataFrame | None:
    """Segments in a corpus of real recordings; nothing where they were not found."""
    if not (folder := real_folder(settings)):
        return None
    table = read_real(folder)
    rows = table[(table["protocol"] == PROTOCOL) & (table["corpus"] == corpus)]
    names = rows["metric"] + " " + rows["group"].where(rows["metric"] == ALARMS, "")
    return segment_table(rows.assign(metric=names.str.strip())) if len(rows) else None


def markdown(table: pd.DataFrame, corner: str) -> str:
    """A table in Markdown."""
    lines = [f"| {corner} | " + " | ".join(table.columns) + " |"]
    lines.append("|---" * (1 + table.shape[1]) + "|")
    lines += [f"| {name} | " + " | ".join(cells) + " |" for name, cells in table.iterrows()]
    return "\n".join(lines)


def segment_blocks(settings: Settings) -> dict[str, str]:
    """What README.md and REPRODUCING.md say of segments, in Markdown; nothing without any."""
    tables = {
        "Test scenes": scenes_table(settings),
        "Meetings": real_table(settings, AMI),
        "Sounds without speech": real_table(settings, SOUNDS),
    }
    known = {name: table for name, table in tables.items() if table is not None}
    if not known:
        return {}
    short = {
        f"{name.lower()}: {column}": table[column]
        for name, table in known.items()
        for column in README_COLUMNS[name]
        if column in table
    }
    return {
        "README.md": markdown(pd.DataFrame(short), "detector"),
        "REPRODUCING.md": "\n\n".join(markdown(table, name) for name, table in known.items()),
    }
