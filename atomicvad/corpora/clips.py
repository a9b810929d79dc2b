"""Labelled clips in AVA-Speech's format, in which scenes and all test sets are stored.

A folder holds ``labels.csv`` (``video_id,start,end,label``, times from 900 s on) and
``audio/<video_id>.*``.
"""

import glob
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd

from atomicvad.audio.decode import decode
from atomicvad.errors import AtomicVADError
from atomicvad.files import CLIP_LABELS
from atomicvad.parallel import computed_ahead

CLIP_START = 900.0  # s; AVA-Speech's clips begin at minute 15 of a film
# AVA-Speech's classes, and their names in tables.
CONDITION_OF = {
    "NO_SPEECH": "background",
    "CLEAN_SPEECH": "clean",
    "SPEECH_WITH_NOISE": "noise",
    "SPEECH_WITH_MUSIC": "music",
}
# Conditions of the metrics: one condition's speech, or all speech, against all background.
CONDITIONS = ("all", "clean", "noise", "music")


def read_labels(path: Path) -> pd.DataFrame:
    """Segments of a label file in AVA-Speech's format: ``video_id,start,end,label``, no header.

    Returns:
        These columns (times in s) with ``condition`` and ``speech``. Rows that repeat a
        (video_id, start) are dropped, and so are segments of zero length.

    Raises:
        AtomicVADError: a file that cannot be read, or a malformed line; names ``file:line``.
    """
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise AtomicVADError(f"{path}: cannot be read as text ({error})") from None
    rows = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        fields = line.split(",")
        if len(fields) != 4:
            raise AtomicVADError(f"{path}:{number}: expected 4 fields, got {len(fields)}")
        # It becomes a file name, which must not lead out of the clips' folder.
        if not re.fullmatch(r"[\w-][\w.-]{0,200}", fields[0]):
            raise AtomicVADError(
                f"{path}:{number}: video_id: expected a plain name, got {fields[0][:60]!r}"
            )
        try:
            start, end = float(fields[1]), float(fields[2])
        except ValueError:
            raise AtomicVADError(f"{path}:{number}: times: expected two numbers") from None
        if not (np.isfinite([start, end]).all() and 0 <= start <= end):
            raise AtomicVADError(f"{path}:{number}: expected 0 <= start <= end, got {start}, {end}")
        if fields[3] not in CONDITION_OF:
            raise AtomicVADError(
                f"{path}:{number}: label: expected one of {', '.join(CONDITION_OF)}; "
                f"got {fields[3]!r}"
            )
        rows.append((fields[0], start, end, fields[3]))
    if not rows:
        raise AtomicVADError(f"{path}: no labels in it")
    table = pd.DataFrame(rows, columns=["video_id", "start", "end", "label"])
    table = table[table["end"] > table["start"]].drop_duplicates(["video_id", "start"])
    table["condition"] = table["label"].map(CONDITION_OF)
    table["speech"] = table["label"] != "NO_SPEECH"
    return table.reset_index(drop=True)


def clip_files(folder: Path) -> list[Path]:
    """The labels and the audio files of a set, by which its content is known."""
    audio = (path for path in folder.glob("audio/*") if not path.name.startswith("."))
    return [folder / CLIP_LABELS, *sorted(audio)]


def find_clip(folder: Path, video_id: str) -> Path:
    """The audio file of a clip, in any format.

    Raises:
        AtomicVADError: there is no such file.
    """
    paths = sorted(Path(folder, "audio").glob(f"{glob.escape(video_id)}.*"))
    if not paths:
        raise AtomicVADError(f"{folder}/audio: no clip {video_id}.*")
    return paths[0]


def decoded_clips(folder: Path, labels: pd.DataFrame) -> Iterator[tuple[str, np.ndarray]]:
    """Yield name and waveform of all clips in order of name; two clips are decoded ahead."""
    names = sorted(labels["video_id"].unique())
    with ThreadPoolExecutor(1) as pool:
        yield from computed_ahead(pool, lambda name: decode(find_clip(folder, name)), names, 3)
