"""Any folder of recordings; subfolders or label files beside the recordings give the classes."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from atomicvad.console import report_left_out
from atomicvad.corpora.index import find_files
from atomicvad.corpora.labels import SUFFIXES, is_label_file, read_segments
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
    "NAME.csv, .tsv, .rttm, .txt (Audacity), .lab, .TextGrid or .jsonl (NeMo)",
)
KINDS = {
    **{"speech": "speech", "voice": "speech", "noise": "noise", "background": "noise"},
    **{"music": "music"},
}


def entries(folder: Path, source: SourceSettings, seed: int) -> Iterator[Entry]:
    """All recordings; their kind is given by a label file, else a folder's name, else ``kind``.

    Raises:
        AtomicVADError: a recording of unknown kind or with two label files, or a malformed one.
    """
    paths = find_files(folder)
    labels, others, alone = find_labels(folder, paths)
    report_left_out([f"{folder / name}: a transcript, no labels" for name in others], most=3)
    report_left_out([f"{folder / name}: labels without a recording" for name in alone], most=3)
    default = {path: _split(path, source.shares) for path in paths}
    splits = resolve_splits(default, source, seed)
    for path, split in splits.items():
        kind = "speech" if path in labels else kind_of(path) or source.kind
        segments = tuple(read_segments(only_one(folder, labels[path]))) if path in labels else ()
        if not kind:
            raise AtomicVADError(
                f"{folder / path}: speech or background? expected a label file beside it, a folder "
                f"named {', '.join(KINDS)}, or kind in the profile"
            )
        speaker = _group(path) if kind == "speech" else ""
        yield Entry(path, kind, split, "", speaker, f"{folder.name}-{kind}-{split}", segments)


def find_labels(
    folder: Path, paths: Iterable[str]
) -> tuple[dict[str, list[str]], list[str], list[str]]:
    """The label files beside recordings.

    Returns:
        ``labels``: recording -> the label files with its name; ``others``: files with its name
        that are transcripts or the like; ``alone``: label files with the name of no recording.

    Raises:
        AtomicVADError: a file that cannot be read.
    """
    recordings: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        recordings[path.rpartition(".")[0]].append(path)
    labels: dict[str, list[str]] = defaultdict(list)
    others, alone = [], []
    for name in find_files(folder, SUFFIXES):
        stem, _, suffix = name.rpartition(".")
        if stem not in recordings:
            alone += [name] if suffix.lower() in ("rttm", "textgrid") else []
        elif is_label_file(folder / name):
            for path in recordings[stem]:
                labels[path].append(name)
        else:
            others.append(name)
    return labels, others, alone


def kind_of(path: str) -> str:
    """``speech``, ``noise`` or ``music`` by the first folder with such a name, else empty.

    >>> kind_of("dev/Voice/anna/1.wav"), kind_of("anna/1.wav")
    ('speech', '')
    """
    parts = PurePosixPath(path).parts[:-1]
    return next((KINDS[part.lower()] for part in parts if part.lower() in KINDS), "")


def only_one(folder: Path, names: list[str]) -> Path:
    """The label file of a recording.

    Raises:
        AtomicVADError: there are several, which may say different things.
    """
    if len(names) > 1:
        raise AtomicVADError(
            f"{folder / names[0]}: expected one label file of a recording, got {names[1]}, too"
        )
    return folder / names[0]


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
