"""Where the project lies, what its files are called, and files that appear whole or not at all."""

import os
import re
import unicodedata
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Of a profile's data.
RECORDINGS = "recordings.csv"
SAMPLES = "samples.i16"
SEGMENTS = "segments.csv"
BALANCE = "balance.csv"
# Of a folder of labelled clips.
CLIP_LABELS = "labels.csv"
CLIP_STATES = "clips.csv"
CLIP_BACKGROUNDS = "backgrounds.csv"

# Of a run folder.
WEIGHTS = "model.keras"
HISTORY = "history.csv"
RECORD = "run.json"
SCORES = "scores.npz"
TESTING = "testing.csv"  # also the table over all seeds
METRICS = "metrics.csv"  # also the table of all seeds
CHECKPOINT = "checkpoint.npz"
PROGRESS = "progress.json"

# Of a folder of results.
SUMMARY = "summary.csv"
SYSTEMS = "systems.csv"
HEADLINE = "headline.csv"
COMPARISON = "comparison.csv"
VERDICT = "verdict.txt"
PAIRED = "paired.csv"
LEDGER = "ledger.csv"
ATLAS = "atlas.csv"
ATLAS_SCORES = "atlas_scores.csv"
CLIP_DIGESTS = "scenes.json"
BACKGROUNDS = "scenes-backgrounds.csv"
SYSTEM_RECORD = "system.json"
SMOOTHING = "smoothing.csv"
DEVICE = "device.csv"
DEVICE_FUNCTIONS = "device_functions.csv"
INTEGER_STEPS = "integer_steps.csv"
REAL = "real"  # a folder in it: scores of real recordings, with these tables
REAL_TABLE = "real.csv"
REAL_PAIRED = "real_paired.csv"
REAL_RECORDINGS = "recordings.json"


def project_root() -> Path:
    """The checkout: the folder that holds ``profiles/``, ``notebooks/`` and ``results/``."""
    return Path(__file__).resolve().parents[1]


def is_text(name: str) -> bool:
    """Whether a name can stand in a manifest: no control characters, no stray bytes."""
    return not any(unicodedata.category(character) in ("Cc", "Cs") for character in name)


def as_text(name: str) -> str:
    """A name with escapes for the bytes in it that are no text."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def as_field(name: str) -> str:
    """A name as a field of a line: without blanks and quotes.

    >>> as_field('my "own" file')
    'my__own__file'
    """
    return re.sub(r"[\s\"]", "_", as_text(name)) or "_"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; move it into place, or remove it on any failure."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{uuid.uuid4().hex[:8]}-{path.name}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def remove_unfinished(folder: Path) -> None:
    """Remove what processes that were killed within ``replacing`` left in a folder."""
    for temporary in folder.glob(".????????-*"):
        temporary.unlink(missing_ok=True)
