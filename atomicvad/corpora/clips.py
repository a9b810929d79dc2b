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
from atomicvad.console import report_left_out
from atomicvad.errors import AtomicVADError
from atomicvad.files import CLIP_LABELS
from atomicvad.parallel import computed_ahead

CLIP_START = 900.0  # s; AVA-Speech's clips begin at minute 15 of a film
CLOSE = 1e-3  # s; labels are written with three or four decimals
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
        These columns (times in s) with ``condition`` and ``speech``. Of rows with one
        (video_id, start) the longest counts; segments of zero length are dropped. Rows that repeat
        no other to the letter, and overlaps of speech and no speech, are reported.

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
        rows.append((fields[0], start, end, fields[3], number))
    if not rows:
        raise AtomicVADError(f"{path}: no labels in it")
    table = _without_repeats(rows, path)
    table["condition"] = table["label"].map(CONDITION_OF)
    table["speech"] = table["label"] != "NO_SPEECH"
    return table.reset_index(drop=True)


def _without_repeats(rows: list[tuple], path: Path) -> pd.DataFrame:
    """One row a clip and start, in the order of the file; what is dropped or doubtful is said."""
    columns = ["video_id", "start", "end", "label"]
    table = pd.DataFrame(rows, columns=[*columns, "line"]).drop_duplicates(columns)
    table = table[table["end"] > table["start"]]
    longest = table.sort_values("end", ascending=False, kind="stable")
    dropped = longest[longest.duplicated(["video_id", "start"])]
    doubts = [f"{path}:{line}: another row begins there and is longer" for line in dropped["line"]]
    table = table.drop(index=dropped.index)
    for _, of_clip in table.sort_values("start").groupby("video_id"):
        latest = {True: 0.0, False: 0.0}  # end of what is labelled, of no speech and the rest
        for row in of_clip.itertuples():
            silent = row.label == "NO_SPEECH"
            if row.start < latest[not silent] - CLOSE:
                doubts.append(f"{path}:{row.line}: speech and no speech overlap")
            latest[silent] = max(latest[silent], row.end)
    report_left_out(doubts, what="labels")
    return table[columns]


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
