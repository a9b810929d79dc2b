"""Tables of the real recordings to read, from ``real.csv`` and ``real_paired.csv``."""

import json
from pathlib import Path

import pandas as pd

from atomicvad.config import Settings
from atomicvad.evaluation.systems import titles
from atomicvad.files import REAL, REAL_PAIRED, REAL_RECORDINGS, REAL_TABLE
from atomicvad.report.text import ROUNDED, with_interval

AMI, SOUNDS = "ami_excerpts", "nonspeech"
AGAINST = f"against the speech of {AMI}"
Cell = tuple[str, str, str]  # corpus, metric, group
# README's columns.
CELLS: dict[str, Cell] = {
    "AUROC of frames, meetings": (AMI, "auroc", "all"),
    "F1": (AMI, "f1_tuned", "all"),
    "recall": (AMI, "recall_tuned", "all"),
    "false positives in pauses": (AMI, "false_share_tuned", "all"),
    "detection error": (AMI, "detection_error_rate_tuned", "all"),
    "AUROC, speech against sounds": (SOUNDS, "auroc", AGAINST),
    "false positives in sounds": (SOUNDS, "false_share_tuned", "all"),
}


def real_folder(settings: Settings) -> Path | None:
    """Where the tables of real recordings lie: the run's, else the reference's, else nowhere."""
    folders = [place.results_folder / REAL for place in (settings, settings.reference)]
    names = (REAL_TABLE, REAL_PAIRED, REAL_RECORDINGS)
    whole = (folder for folder in folders if all((folder / name).is_file() for name in names))
    return next(whole, None)


def read_real(folder: Path, name: str = REAL_TABLE) -> pd.DataFrame:
    """A table of real recordings in ``folder``."""
    return pd.read_csv(folder / name)


def pivot(table: pd.DataFrame, cells: dict[str, Cell], protocol: str = "frame") -> pd.DataFrame:
    """A row a system, a column a cell: value and 95 % interval."""
    rows = table[table["protocol"] == protocol]
    text = [with_interval(r.value, r.low, r.high) for r in rows.itertuples()]
    keyed = rows.assign(text=text).set_index(["corpus", "metric", "group"]).sort_index()
    columns = {
        name: keyed.loc[[key]].set_index("system")["text"]
        for name, key in cells.items()
        if key in keyed.index
    }
    wide = pd.DataFrame(columns)
    order = [name for name in table["system"].unique() if name in wide.index]
    return wide.loc[order].fillna("").rename(index=titles(table))


def by_protocol(table: pd.DataFrame) -> pd.DataFrame:
    """AUROC of frames on the meetings under every frame protocol."""
    parts = {
        name: pivot(table, {name: (AMI, "auroc", "all")}, name)
        for name in table.loc[table["metric"] == "auroc", "protocol"].unique()
    }
    return pd.concat(parts.values(), axis=1).fillna("")


def decision_table(table: pd.DataFrame) -> pd.DataFrame:
    """Decisions on the meetings, at each system's own threshold and at 0.5."""
    cells: dict[str, Cell] = {"threshold": (AMI, "threshold_tuned", "all")}
    names = {
        "f1": "F1", "precision": "precision", "recall": "recall",
        "false_share": "false-positive share", "detection_error_rate": "detection error",
    }  # fmt: skip
    for name, plain in names.items():
        cells[plain] = (AMI, f"{name}_tuned", "all")
        cells[f"{plain} at 0.5"] = (AMI, name, "all")
    return pivot(table, cells)


def boundary_table(table: pd.DataFrame) -> pd.DataFrame:
    """Errors of onsets and offsets (s) on the meetings: signed, and their sizes."""
    cells = {
        f"{edge}, {'size' if kind else 'signed'}, {'median' if part == 50 else '95 %'}": (
            AMI,
            f"{edge}_error{kind}_p{part}_tuned",
            "all",
        )
        for edge in ("onset", "offset")
        for kind in ("", "_abs")
        for part in (50, 95)
    }
    return pivot(table, cells)


def seconds_of(folder: Path) -> dict[str, float]:
    """Seconds of each group of turns, pauses and sounds that was measured on."""
    facts = json.loads((folder / REAL_RECORDINGS).read_text(encoding="utf-8"))
    return {name: seconds for of in facts.values() for name, seconds in of["seconds_of"].items()}


def real_facts(folder: Path) -> dict[str, dict]:
    """By corpus: numbers of ``recordings`` and ``seconds``, in all and ``seconds_of`` groups."""
    return dict(json.loads((folder / REAL_RECORDINGS).read_text(encoding="utf-8")))


def what_was_measured(folder: Path) -> str:
    """What the recordings are and what they were used for: one paragraph."""
    parts = [
        f"{name}: {of['recordings']} recordings, {of['seconds'] / 60:.1f} min"
        + (f", {of['speech_seconds'] / 60:.1f} min of them speech" if of["speech_seconds"] else "")
        for name, of in real_facts(folder).items()
    ]
    return (
        f"The recordings: {'; '.join(parts)}. They are a development set, to which we listened "
        "while the recipe was made, so these numbers are no test on unseen recordings. They took "
        "no part in training; thresholds and the smoothing width come from validation scenes."
    )


def standing(paired: pd.DataFrame, protocol: str = "frame") -> str:
    """Who is ahead of our seeds on real recordings, and by how much: a list."""
    paired, parts = paired[paired["protocol"] == protocol], []
    named = titles(paired, "other")
    for text, (corpus, metric, group), sign in (
        ("AUROC of frames on the meetings", CELLS["AUROC of frames, meetings"], -1),
        ("fewer false positives in sounds", CELLS["false positives in sounds"], 1),
    ):
        rows = paired[
            (paired[["corpus", "metric", "group"]] == [corpus, metric, group]).all(axis=1)
        ]
        rows = rows.assign(ahead=sign * rows["difference"]).query(f"ahead > {ROUNDED}")
        names = [
            f"{named[r.other]} by {with_interval(r.ahead, *sorted((sign * r.low, sign * r.high)))}"
            for r in rows.sort_values("ahead", ascending=False).itertuples()
        ]
        parts.append(f"\n- {text}: {', '.join(names) or 'no other system'}")
    return (
        "Systems with better results than this companion, with paired 95 % intervals:\n"
        + "".join(parts)
    )


def markdown_block(folder: Path) -> str:
    """README's block: the table, who is ahead, and what the recordings are."""
    table = pivot(read_real(folder), CELLS)
    lines = ["| system | " + " | ".join(table.columns) + " |", "|---" * (1 + table.shape[1]) + "|"]
    lines += [f"| {name} | " + " | ".join(row) + " |" for name, row in table.iterrows()]
    said = [standing(read_real(folder, REAL_PAIRED)), what_was_measured(folder)]
    return "\n\n".join(["\n".join(lines), *said])


def real_lines(settings: Settings) -> str:
    """The main numbers of every system, as plain text."""
    folder = real_folder(settings)
    if folder is None:
        return f"{settings.profile}: no measurements on real recordings yet (make real)"
    table = pivot(read_real(folder), CELLS)
    return f"{table.to_string()}\n{what_was_measured(folder)}\nTables: {folder}"
