"""Any folder of recordings; subfolders or label files beside the recordings give the classes."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from atomicvad.corpora.index import find_files
from atomicvad.corpora.labels import SUFFIXES, read_segments
from atomicvad.corpora.recordings import About, Entry
from atomicvad.corpora.splits import NAMES, by_group, resolve_splits
from atomicvad.errors import AtomicVADError
from atomicvad.sections import SourceSettings, SplitShares

ABOUT = About(
    "a folder of your own",
    "",
    "yours",
    "",
    "[train|dev|test/][speech|noise|music/][SPEAKER/]*.wav (any format); or beside each recording "
    "NAME.csv, .rttm, .txt (Audacity) or .TextGrid",
)
KINDS = {
    **{"speech": "speech", "voice": "speech", "noise": "noise", "background": "noise"},
    **{"music": "music"},
}


def entries(folder: Path, source: SourceSettings, seed: int) -> Iterator[Entry]:
    """All recordings; their kind is given by a label file, else a folder's name, else ``kind``.

    Raises:
        AtomicVADError: a recording of unknown kind, or a malformed label file.
    """
    paths, labels = find_files(folder), {}
    for name in find_files(folder, SUFFIXES):
        stem, _, suffix = name.rpartition(".")
        labels[stem, suffix.lower()] = folder / name
    default = {path: _split(path, source.shares) for path in paths}
    splits = resolve_splits(default, source, seed)
    for path, split in splits.items():
        parts = PurePosixPath(path).parts[:-1]
        keys = [(path.rpartition(".")[0], suffix[1:].lower()) for suffix in SUFFIXES]
        label_files = [labels[key] for key in keys if key in labels]
        named = (KINDS[part.lower()] for part in parts if part.lower() in KINDS)
        kind = "speech" if label_files else next(named, source.kind)
        segments = tuple(read_segments(label_files[0])) if label_files else ()
        if not kind:
            raise AtomicVADError(
                f"{folder / path}: what is it? expected a label file beside it, a folder named "
                f"{', '.join(KINDS)}, or kind in the profile"
            )
        speaker = _group(path) if kind == "speech" else ""
        yield Entry(path, kind, split, "", speaker, f"{folder.name}-{kind}-{split}", segments)


def _own_parts(path: str) -> list[str]:
    """Folder names that are neither a kind nor a split: a speaker, a session, a room."""
    known = KINDS.keys() | NAMES.keys()
    return [part for part in PurePosixPath(path).parts[:-1] if part.lower() not in known]


def _group(path: str) -> str:
    return "/".join(_own_parts(path)) or PurePosixPath(path).stem


def _split(path: str, shares: SplitShares) -> str:
    parts = PurePosixPath(path).parts[:-1]
    named = (NAMES[part.lower()] for part in parts if part.lower() in NAMES)
    return next(named, None) or by_group(_group(path), shares)
