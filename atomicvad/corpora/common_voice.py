"""Common Voice (Ardila et al. 2020): sentences read by volunteers in over a hundred languages."""

from collections.abc import Iterator
from pathlib import Path

from tqdm.auto import tqdm

from atomicvad.corpora.index import find_files
from atomicvad.corpora.labels import read_text
from atomicvad.corpora.recordings import About, Entry
from atomicvad.corpora.splits import NAMES, by_group, resolve_splits
from atomicvad.errors import AtomicVADError
from atomicvad.sections import SourceSettings, SplitShares

ABOUT = About(
    "Common Voice",
    "by language: see its page",
    "CC0",
    "commonvoice.mozilla.org/datasets",
    "LANGUAGE/clips/*.mp3 with LANGUAGE/train.tsv, dev.tsv, test.tsv (or validated.tsv)",
)


def entries(folder: Path, source: SourceSettings, seed: int) -> Iterator[Entry]:
    """Clips named in the tables; ``folder`` is the folder of a language, or of several.

    Raises:
        AtomicVADError: a table without the columns ``client_id`` and ``path``, or one that names a
            file outside ``clips``.
    """
    for clips_folder in sorted(folder.rglob("clips")):
        parent = clips_folder.parent
        prefix = parent.relative_to(folder).as_posix() + "/" if parent != folder else ""
        language = parent.resolve().name
        clips = dict(_official(parent)) or dict(_validated(parent, source.shares))
        existing = set(find_files(clips_folder, [".mp3"]))
        # Tables of 2017 to 2019 name clips without their suffix.
        clips = {
            f"{name}.mp3" if f"{name}.mp3" in existing else name: facts
            for name, facts in clips.items()
        }
        default = {name: split for name, (_, split) in clips.items() if name in existing}
        if missing := len(clips) - len(default):
            tqdm.write(f"left out: {missing} clips of {parent} that its tables name are not there")
        for name, split in resolve_splits(default, source, seed).items():
            speaker = f"common_voice-{clips[name][0][:16]}"
            origin = f"common_voice-{language}-{split}"
            yield Entry(f"{prefix}clips/{name}", "speech", split, language, speaker, origin)


def _official(folder: Path) -> Iterator[tuple[str, tuple[str, str]]]:
    """Speaker and split of every clip by its name, in the official splits."""
    for name in ("train", "dev", "test"):
        for client, clip in _rows(folder / f"{name}.tsv"):
            yield clip, (client, NAMES[name])


def _validated(folder: Path, shares: SplitShares) -> Iterator[tuple[str, tuple[str, str]]]:
    """The same for all validated clips, split by speaker."""
    for client, clip in _rows(folder / "validated.tsv"):
        yield clip, (client, by_group(client, shares))


def _rows(table: Path) -> Iterator[tuple[str, str]]:
    """Speaker and clip of every row of a table; nothing if the file does not exist."""
    if not table.is_file():
        return
    # Not by csv or splitlines: sentences may be long and contain further line separators.
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
