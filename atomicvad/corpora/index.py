"""Index of the audio files in a folder, from their headers, kept between calls."""

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from functools import partial
from pathlib import Path

import pandas as pd
from tqdm.auto import tqdm

from atomicvad.audio.decode import AudioError, read_header
from atomicvad.audio.folders import SUFFIXES, files_below
from atomicvad.console import report_left_out
from atomicvad.journal import Journal
from atomicvad.parallel import FEW_FILES, computed_ahead, process_pool

COLUMNS = ["path", "bytes", "modified", "seconds", "rate", "channels", "problem"]
MOST_KINDS = 12  # that are named in a line
CHUNK = 500  # files read by a process in one task


def find_files(folder: Path, suffixes: Iterable[str] = SUFFIXES) -> list[str]:
    """Relative paths (with ``/``) of the files with one of ``suffixes`` in ``folder``, sorted.

    Hidden files and folders are ignored, and links to folders are not followed. Names that are not
    UTF-8, or contain control characters, are left out with a message.
    """
    refused: list[str] = []
    paths = files_below(folder, suffixes, refused)
    report_left_out([f"{folder}: the name {ascii(name)[:80]}" for name in refused], most=3)
    return paths


def passed_over(folder: Path, known: Iterable[str] = ()) -> str:
    """What ``find_files`` does not return, counted by kind in one line; empty if nothing.

    Args:
        known: suffixes of other files that are used, such as those of label files.
    """
    known = SUFFIXES | {suffix.lower() for suffix in known}
    kinds: Counter = Counter()
    for parent, folders, files in os.walk(folder):
        links = [name for name in folders if Path(parent, name).is_symlink()]
        kinds["links to folders"] += len(links)
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122
            if name.startswith("."):
                kinds["hidden files"] += 1
            elif suffix not in known:
                kinds[ascii(suffix)[1:-1][:12] or "without a suffix"] += 1
    named = [f"{count} {kind}" for kind, count in kinds.most_common() if count]
    if not named:
        return ""
    more = [f"{len(named) - MOST_KINDS} more kinds"] if len(named) > MOST_KINDS else []
    return f"{folder}: passed over: {', '.join(named[:MOST_KINDS] + more)}"


def find_matching(folder: Path, layout: re.Pattern) -> dict[str, re.Match]:
    """The audio files whose path matches a corpus' layout: path -> match."""
    matches = {path: layout.search(path) for path in find_files(folder)}
    return {path: match for path, match in matches.items() if match}


def index_files(folder: Path, paths: list[str], cache: Path, workers: int = 2) -> pd.DataFrame:
    """Size and header of every file: one row each, in the given order, with columns ``COLUMNS``.

    The index is kept in ``cache`` (a ``Journal``), so that an interrupted call can be resumed. A
    file whose size or modification time has changed is read again. ``problem`` is what is wrong
    with a file, or empty.
    """
    journal = Journal(cache, COLUMNS)
    known = {row[0]: row for row in journal.entries if _is_row(row)}
    rows: dict[str, list] = {}
    missing = []
    for path in paths:
        try:
            status = Path(folder, path).stat()
        except OSError as error:
            rows[path] = [path, 0, 0, 0.0, 0, 0, error.strerror or str(error)]
            continue
        row = known.get(path)
        if row and row[1:3] == [status.st_size, status.st_mtime_ns]:
            rows[path] = row
        else:
            missing.append((path, status.st_size, status.st_mtime_ns))
    if missing:
        with (
            closing(journal),
            tqdm(total=len(paths), initial=len(rows), desc="headers", unit="file") as bar,
        ):
            for chunk in _read_headers(folder, missing, workers):
                journal.add(*chunk)
                rows |= {row[0]: row for row in chunk}
                bar.update(len(chunk))
            journal.replace(rows[path] for path in paths)  # without what has changed or is gone
    return pd.DataFrame([rows[path] for path in paths], columns=COLUMNS)


def _is_row(entry: object) -> bool:
    """Whether an entry of the journal has the columns' types; a damaged one is not used."""
    types = [str, int, int, float, int, int, str]
    return isinstance(entry, list) and [type(value) for value in entry] == types


def _read_headers(folder: Path, missing: list[tuple], workers: int) -> Iterator[list[list]]:
    chunks = [missing[first : first + CHUNK] for first in range(0, len(missing), CHUNK)]
    if len(missing) < FEW_FILES or workers < 2:
        yield from (_read_chunk(folder, chunk) for chunk in chunks)
        return
    try:
        with process_pool(workers) as pool:
            read = partial(_read_chunk, folder)
            for _, rows in computed_ahead(pool, read, chunks, len(chunks)):
                yield rows
    except BrokenProcessPool:
        raise AudioError(
            f"{folder}: a process that reads headers died; the same command continues"
        ) from None


def _read_chunk(folder: Path, chunk: list[tuple]) -> list[list]:
    rows = []
    for path, size, modified in chunk:
        try:
            header = read_header(Path(folder, path))
            rows.append(
                [path, size, modified, round(header.seconds, 6), header.rate, header.channels, ""]
            )
        except AudioError as error:
            reason = str(error).removeprefix(f"{Path(folder, path)}: ")
            rows.append([path, size, modified, 0.0, 0, 0, reason])
    return rows
