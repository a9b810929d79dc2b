"""Recordings of the ``open`` corpus that are left out, and suspects that were kept, with reasons.

``open_exclusions.csv`` beside this module holds what an audit (``atomicvad data audit``) suspected
and a person decided after looking at the sound: its spectrogram, its level and pitch, and what
other detectors say. No decision rests on AtomicVAD's own scores.
"""

import csv
from functools import cache
from pathlib import Path

from atomicvad.errors import AtomicVADError

DECISIONS = Path(__file__).with_name("open_exclusions.csv")
COLUMNS = ["recording", "decision", "reason", "evidence"]


@cache
def decisions() -> tuple[dict[str, str], ...]:
    """All rows of the list: ``recording``, ``decision`` (left out, kept), ``reason``, ``evidence``.

    Raises:
        AtomicVADError: a row without one of them, with another decision, or named twice.
    """
    with open(DECISIONS, encoding="utf-8", newline="") as file:
        lines = csv.DictReader(file)
        if lines.fieldnames != COLUMNS:
            raise AtomicVADError(f"{DECISIONS.name}: expected columns {', '.join(COLUMNS)}")
        rows, names = [], set()
        for row in lines:
            place = f"{DECISIONS.name}:{lines.line_num}"
            if not all(row.get(column) for column in COLUMNS):
                raise AtomicVADError(f"{place}: expected a value in each of {', '.join(COLUMNS)}")
            if row["decision"] not in ("left out", "kept"):
                raise AtomicVADError(f"{place}: expected left out or kept; got {row['decision']!r}")
            if row["recording"] in names:
                raise AtomicVADError(f"{place}: {row['recording']} is listed twice")
            names.add(row["recording"])
            rows.append(row)
    return tuple(rows)


def excluded() -> frozenset[str]:
    """Names of the recordings that are left out of the corpus."""
    return frozenset(row["recording"] for row in decisions() if row["decision"] == "left out")
