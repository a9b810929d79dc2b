"""Tables of segments to read: the detector's, and peers' by the defaults of their authors."""

import pandas as pd

from atomicvad.config import Settings
from atomicvad.evaluation.systems import title
from atomicvad.report.collate import read_systems
from atomicvad.report.real_tables import AMI, SOUNDS, read_real, real_folder
from atomicvad.report.text import with_interval
from atomicvad.runs.segments import PROTOCOL

ALARMS = "false_alarms_per_hour"
COLUMNS = {
    "segment F1": ("segment_f1", 3),
    "onset F1": ("onset_f1", 3),
    "offset F1": ("offset_f1", 3),
    "detection error": ("detection_error_rate", 3),
    "onset error, median (s)": ("onset_error_abs_p50", 2),
    "onset error, 95 % (s)": ("onset_error_abs_p95", 2),
    "offset error, median (s)": ("offset_error_abs_p50", 2),
    "offset error, 95 % (s)": ("offset_error_abs_p95", 2),
    "time taken for speech": ("false_share", 3),
}


def segment_table(rows: pd.DataFrame) -> pd.DataFrame:
    """A row a system: boundaries within 200 ms, their errors, and false alarms an hour by kind.

    Args:
        rows: of the protocol ``segments``: ``system``, ``metric``, ``value``, ``low``, ``high``,
            ``members``.
    """
    alarms = sorted(metric for metric in rows["metric"].unique() if metric.startswith(ALARMS))
    columns = COLUMNS | {
        f"alarms an hour, {metric.removeprefix(ALARMS).strip()}".rstrip(", "): (metric, 0)
        for metric in alarms
    }
    digits = dict(columns.values())
    shown = rows[rows["metric"].isin(digits)]
    text = [
        with_interval(row.value, row.low, row.high, digits[str(row.metric)])
        for row in shown.itertuples()
    ]
    wide = shown.assign(text=text).pivot(index="system", columns="metric", values="text")
    members = rows.groupby("system")["members"].first()
    wide = wide.reindex(rows["system"].unique()).fillna("")
    wide.index = [title(str(name), members[name]) for name in wide.index]
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


def segment_block(settings: Settings) -> str:
    """README's tables of segments, in Markdown; empty where there are none."""
    parts = []
    for name, table in (
        ("Test scenes", scenes_table(settings)),
        ("Meetings", real_table(settings, AMI)),
        ("Sounds without speech", real_table(settings, SOUNDS)),
    ):
        if table is not None:
            lines = [f"| {name} | " + " | ".join(table.columns) + " |"]
            lines.append("|---" * (1 + table.shape[1]) + "|")
            lines += [f"| {row} | " + " | ".join(cells) + " |" for row, cells in table.iterrows()]
            parts.append("\n".join(lines))
    return "\n\n".join(parts)
