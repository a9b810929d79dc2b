"""Common Voice (Ardila et al. 2020): sentences read by volunteers in over a hundred languages."""

from collections.abc import Iterator
from pathlib import Path

from tqdm.auto import tqdm

from atomicvad.config import SourceSettings
from atomicvad.corpora.index import find_files
from atomicvad.corpora.labels import read_text
from atomicvad.corpora.recordings import About, Entry
from atomicvad.corpora.splits import NAMES, by_group, resolve_splits
from atomicvad.errors import AtomicVADError

ABOUT = About(
    "Common Voice",
    "by language: see its page",
    "CC0",
    "commonvoice.mozilla.org/datasets",
    "LANGUAGE/clips/*.mp3 with LANGUAGE/train.tsv, dev.tsv, test.tsv (or validated.tsv)",
)


def entries(folder: Path, source: SourceSettings, seed: int) -> Iterator[Entry]:
    """Clips of the tables; ``folder`` is a language's, or holds them.

    Raises:
        AtomicVADError: a table without the columns ``client_id`` and ``path``, or one that names a
            file outside ``clips``.
    """
    for table in sorted(folder.rglob("clips")):
        place = table.parent
        prefix = place.relative_to(folder).as_posix() + "/" if place != folder else ""
        language = place.resolve().name
        clips = dict(_official(place)) or dict(_validated(place))
        there = set(find_files(table, [".mp3"]))
        default = {name: split for name, (_, split) in clips.items() if name in there}
        if missing := len(clips) - len(default):
            tqdm.write(f"left out: {missing} clips of {place} that its tables name are not there")
        for name, split in resolve_splits(default, source, seed).items():
            speaker = f"common_voice-{clips[name][0][:16]}"
            origin = f"common_voice-{language}-{split}"
            yield Entry(f"{prefix}clips/{name}", "speech", split, language, speaker, origin)


def _official(place: Path) -> Iterator[tuple[str, tuple[str, str]]]:
    for name in ("train", "dev", "test"):
        for client, clip in _rows(place / f"{name}.tsv"):
            yield clip, (client, NAMES[name])


def _validated(place: Path) -> Iterator[tuple[str, tuple[str, str]]]:
    for client, clip in _rows(place / "validated.tsv"):
        yield clip, (client, by_group(client))


def _rows(table: Path) -> Iterator[tuple[str, str]]:
    """Speaker and clip of every row of a table, if there is one."""
    if not table.is_file():
        return
    # By hand: a sentence may be long, and hold what Python takes for ends of lines.
    rows = (line.rstrip("\r").split("\t") for line in read_text(table).split("\n") if line)
    columns = next(rows, [])
    if not {"client_id", "path"} <= set(columns):
        raise AtomicVADError(f"{table}:1: expected the columns client_id and path")
    client, clip = columns.index("client_id"), columns.index("path")
    for number, row in enumerate(rows, start=2):
        if len(row) <= max(client, clip):
            raise AtomicVADError(f"{table}:{number}: expected {len(columns)} fields")
        if "/" in row[clip] or "\\" in row[clip] or row[clip].startswith("."):
            raise AtomicVADError(f"{table}:{number}: path: expected a clip, got {row[clip][:60]!r}")
        yield row[client], row[clip]
