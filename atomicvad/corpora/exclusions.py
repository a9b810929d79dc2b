"""Recordings of the ``open`` corpus that are left out, and why."""

import csv
from pathlib import Path

LIST = Path(__file__).with_name("open_exclusions.csv")


def excluded() -> frozenset[str]:
    """Names of the recordings that are left out."""
    with open(LIST, encoding="utf-8", newline="") as file:
        return frozenset(row["recording"] for row in csv.DictReader(file))
