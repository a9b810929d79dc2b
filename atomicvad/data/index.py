"""What audio lies in a folder and how long it is: read from heads, not by decoding, and kept."""

import csv
import os
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import pandas as pd
import soundfile
from tqdm.auto import tqdm

from atomicvad.data.audio import CONTAINERS, FEW, RATES, AudioError, report_left_out
from atomicvad.files import is_text, replacing

SUFFIXES = frozenset(
    (
        *(".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".m4a", ".aac", ".mp4", ".webm"),
        *(".mkv", ".aif", ".aiff", ".g722", ".sph"),
    )
)
COLUMNS = ["path", "bytes", "modified", "seconds", "rate", "channels", "problem"]
CHUNK = 500  # files that a process reads at a time


@dataclass(frozen=True)
class Header:
    """What the head of an audio file says; nothing is decoded."""

    seconds: float
    rate: int
    channels: int


def read_header(path: Path) -> Header:
    """Duration, rate and channels of an audio file.

    Raises:
        AudioError: missing, empty, no audio, or a head that states no possible length or rate.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
    except (OSError, RuntimeError) as error:  # a link to itself
        raise AudioError(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    if not path.is_file():
        raise AudioError(f"{path}: not a file that can be read")
    if not size:
        raise AudioError(f"{path}: the file is empty")
    if path.suffix.lower() == ".g722":  # raw, 4 bits a sample at 16 kHz
        return Header(size * 2 / 16000, 16000, 1)
    header = _header_of_sndfile(path) or _header_of_ffmpeg(path)
    if not (0 < header.seconds < 1e6 and RATES[0] <= header.rate <= RATES[1]):
        raise AudioError(f"{path}: its head states {header.seconds} s at {header.rate} Hz")
    return header


def _header_of_sndfile(path: Path) -> Header | None:
    try:
        found = soundfile.info(str(path))
        return Header(found.frames / found.samplerate, found.samplerate, found.channels)
    except (soundfile.LibsndfileError, RuntimeError, ZeroDivisionError, OSError):
        return None


def _header_of_ffmpeg(path: Path) -> Header:
    import av

    try:
        with av.open(str(path), options=CONTAINERS) as container:
            if not container.streams.audio:
                raise AudioError(f"{path}: no audio in it")
            stream = container.streams.audio[0]
            if stream.codec_context is None:
                raise AudioError(f"{path}: an unknown codec")
            if stream.duration and stream.time_base:
                seconds = float(stream.duration * stream.time_base)
            elif container.duration:
                seconds = container.duration / av.time_base
            else:  # a bare stream: the lengths of its packets, still without decoding
                packets = container.demux(stream)
                seconds = float(sum((p.duration or 0) * p.time_base for p in packets if p.size))
            return Header(seconds, stream.rate or 0, stream.channels or 0)
    except (av.FFmpegError, ValueError, EOFError, ArithmeticError, OSError) as error:
        if isinstance(error, AudioError):
            raise
        raise AudioError(f"{path}: cannot be read as audio") from None


def find_files(folder: Path, suffixes: Iterable[str] = SUFFIXES) -> list[str]:
    """Files with one of ``suffixes`` below ``folder``, relative, with ``/``, in order of name.

    Hidden files and folders are passed over, and links to folders are not followed. Names that are
    no text in UTF-8, or hold control characters, are left out, and that is said.
    """
    found, refused, suffixes = [], [], frozenset(suffix.lower() for suffix in suffixes)
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        refused += [name for name in folders if not is_text(name)]
        folders[:] = [name for name in folders if is_text(name)]
        inside = os.path.relpath(parent, folder).replace(os.sep, "/")
        prefix = "" if inside == "." else inside + "/"
        for name in files:
            suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122
            if suffix not in suffixes or name.startswith("."):
                continue
            if is_text(name):
                found.append(prefix + name)
            else:
                refused.append(name)
    report_left_out([f"{folder}: the name {ascii(name)[:80]}" for name in refused], most=3)
    return sorted(found)


def find_matching(folder: Path, layout: re.Pattern) -> dict[str, re.Match]:
    """Audio files whose path has a corpus' layout, and the match."""
    found = {path: layout.search(path) for path in find_files(folder)}
    return {path: match for path, match in found.items() if match}


def index_files(folder: Path, paths: list[str], cache: Path, workers: int = 2) -> pd.DataFrame:
    """Size and header of every file: a row each, in the given order, columns ``COLUMNS``.

    ``cache`` (CSV) keeps what is known; a file whose size or time has changed is read again. It
    grows while the files are read, so that a stopped indexing goes on. ``problem`` says what is
    wrong with a file, and is empty otherwise.
    """
    known, rows, missing = _load(cache), {}, []
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
        cache.parent.mkdir(parents=True, exist_ok=True)
        with (
            open(cache, "a", encoding="utf-8", newline="") as file,
            tqdm(total=len(paths), initial=len(rows), desc="headers", unit="file") as bar,
        ):
            writer = csv.writer(file)
            for chunk in _read_headers(folder, missing, workers):
                writer.writerows(chunk)
                file.flush()
                rows |= {row[0]: row for row in chunk}
                bar.update(len(chunk))
        with replacing(cache) as path, open(path, "w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows[name] for name in paths)
    return pd.DataFrame([rows[path] for path in paths], columns=COLUMNS)


def _load(cache: Path) -> dict[str, list]:
    """Rows of a cache; a line that a stopped process left half is passed over."""
    rows = {}
    if cache.is_file():
        with open(cache, encoding="utf-8", errors="replace", newline="") as file:
            for line in file:
                try:
                    (row,) = csv.reader([line.replace("\0", "")])
                    path, size, modified, seconds, rate, channels, problem = row
                    numbers = [int(size), int(modified), float(seconds), int(rate), int(channels)]
                except (ValueError, csv.Error):
                    continue
                rows[path] = [path, *numbers, problem]
    return rows


def _read_headers(folder: Path, missing: list[tuple], workers: int) -> Iterator[list[list]]:
    chunks = [missing[first : first + CHUNK] for first in range(0, len(missing), CHUNK)]
    if len(missing) < FEW or workers < 2:
        yield from (_read_chunk(folder, chunk) for chunk in chunks)
        return
    try:
        with ProcessPoolExecutor(workers, get_context("forkserver")) as pool:
            yield from pool.map(_read_chunk, [folder] * len(chunks), chunks)
    except BrokenProcessPool:
        raise AudioError(
            f"{folder}: a process that reads heads died; the same command goes on"
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
