"""Manifests: JSON Lines with one window of a recording per line, in NeMo's fields.

A line is ``{"audio_filepath": …, "offset": s, "duration": s, "label": "speech"}``; further fields
are kept.
"""

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from atomicvad.audio.signal import SAMPLE_RATE
from atomicvad.config import LABELS, SPLITS
from atomicvad.data.store import AudioStore
from atomicvad.errors import AtomicVADError
from atomicvad.files import RECORDINGS, is_text, replacing
from atomicvad.stamps import content_of

FIELDS = {"audio_filepath": str, "offset": float, "duration": float, "label": str}
GROUPS = ("speaker", "source")  # optional fields
LONGEST = 1e8  # s; greatest offset and duration


class ManifestError(AtomicVADError):
    """A manifest that cannot be used; the message names the file and the line."""


def manifest_path(folder: Path, label: str, split: str) -> Path:
    """The manifest of one class and one split."""
    return Path(folder) / f"balanced_{label}_{split}_manifest.json"


def manifest_paths(folder: Path, splits: Iterable[str] = SPLITS) -> list[Path]:
    """Manifests of both classes of ``splits``; all six by default."""
    return [manifest_path(folder, label, split) for split in splits for label in LABELS]


def training_content(folder: Path) -> dict[str, str]:
    """Digests of what training reads in a data folder; the table holds those of the audio."""
    paths = manifest_paths(folder, ("training", "validation"))
    return content_of([folder / RECORDINGS, *paths], folder)


def write_manifest(frame: pd.DataFrame, path: Path) -> None:
    """Write windows (columns ``FIELDS`` and any others) as JSON Lines."""
    with replacing(path) as temporary:
        frame.to_json(temporary, orient="records", lines=True, double_precision=6)


def _is_number(value: object) -> bool:
    # Finite; true and false are of type int in Python, but no numbers in JSON.
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond any float
        return False


def _check(entry: Any, where: str) -> None:
    if not isinstance(entry, dict):
        raise ManifestError(f"{where}: expected a JSON object, got {type(entry).__name__}")
    for field, kind in FIELDS.items():
        if field not in entry:
            raise ManifestError(f"{where}: field {field!r} is missing")
        value = entry[field]
        if not (_is_number(value) if kind is float else isinstance(value, str)):
            expected = "a finite number" if kind is float else "text"
            raise ManifestError(f"{where}: {field}: expected {expected}, got {value!r}")
    for field in GROUPS:
        if not isinstance(entry.get(field), str | int | float | None):
            raise ManifestError(f"{where}: {field}: expected text, got {entry[field]!r}")
    if not is_text(entry["audio_filepath"]):
        raise ManifestError(
            f"{where}: audio_filepath: expected a name without control characters, "
            f"got {ascii(entry['audio_filepath'])[:80]}"
        )
    if max(entry["offset"], entry["duration"]) > LONGEST:
        raise ManifestError(f"{where}: expected times of at most {LONGEST:.0e} s")
    if entry["offset"] < 0:
        raise ManifestError(f"{where}: offset: expected 0 s or more, got {entry['offset']}")
    if entry["duration"] <= 0:
        raise ManifestError(f"{where}: duration: expected more than 0 s, got {entry['duration']}")
    if entry["label"] not in LABELS:
        expected = " or ".join(LABELS)
        raise ManifestError(f"{where}: label: expected {expected}, got {entry['label']!r}")


def read_manifest(path: Path) -> pd.DataFrame:
    """The windows of a manifest, one row per line, validated.

    Raises:
        ManifestError: no such file, an empty one, or a line that is no JSON object, lacks a field
            or has an impossible value; names ``file:line``.
    """
    path = Path(path)
    try:
        if path.exists() and not path.is_file():
            raise ManifestError(f"{path}: not a file that can be read")
        lines = path.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        raise ManifestError(f"{path}: no such manifest") from None
    except (OSError, RuntimeError, UnicodeDecodeError) as error:
        raise ManifestError(f"{path}: cannot be read as text ({error})") from None
    entries = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError) as error:  # ValueError: also a too long number
            reason = getattr(error, "msg", "nested too deeply or a number too long")
            raise ManifestError(f"{where}: not JSON ({reason})") from None
        _check(entry, where)
        entries.append(entry | {"line": number})
    if not entries:
        raise ManifestError(f"{path}: the manifest is empty")
    return pd.DataFrame(entries)


def read_split(folder: Path, split: str, store: AudioStore | None = None) -> pd.DataFrame:
    """The windows of both classes of a split; with a store, they are checked against it.

    Raises:
        ManifestError: a malformed manifest, windows of the other class, or windows that are not
            in the store.
    """
    tables = []
    for label in LABELS:
        path = manifest_path(folder, label, split)
        frame = read_manifest(path)
        misplaced = frame[frame["label"] != label]
        if len(misplaced):
            raise ManifestError(
                f"{path}:{misplaced['line'].iloc[0]}: label: expected {label}, "
                f"got {misplaced['label'].iloc[0]!r}"
            )
        if store is not None:
            check_against_store(frame, store, path)
        tables.append(frame)
    return pd.concat(tables, ignore_index=True)


def check_against_store(frame: pd.DataFrame, store: AudioStore, path: Path) -> None:
    """Check that every window lies within a recording of the store.

    Raises:
        ManifestError: an unknown recording, or a window past its end; names ``file:line``.
    """
    seconds = store.recordings.set_index("recording")["samples"] / SAMPLE_RATE
    lengths = frame["audio_filepath"].map(seconds)
    ends = frame["offset"] + frame["duration"]
    bad = lengths.isna() | (ends > lengths + 0.5 / SAMPLE_RATE)
    if bad.any():
        row = frame[bad].iloc[0]
        where, name = f"{path}:{row['line']}", row["audio_filepath"]
        if name not in seconds.index:
            raise ManifestError(f"{where}: audio_filepath: no recording {name!r} in {store.folder}")
        raise ManifestError(
            f"{where}: the window ends at {row['offset'] + row['duration']:.4f} s, "
            f"past the end of {name} ({seconds[name]:.4f} s)"
        )
