"""AVA-Speech (Chaudhuri et al. 2018): 160 clips of films, minutes 15 to 30, four classes.

The labels are public. The clips may not be redistributed, and many are no longer online. Every
table therefore names the set that it is computed on: all 160 clips, a list of some (MarbleNet's
122), or those that the user has. Missing and truncated clips are reported.
"""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pandas as pd

from atomicvad.corpora.clips import read_labels
from atomicvad.corpora.download import retrieve
from atomicvad.corpora.index import find_files
from atomicvad.corpora.recordings import About, Entry
from atomicvad.errors import AtomicVADError
from atomicvad.files import project_root
from atomicvad.sections import SourceSettings

ABOUT = About(
    "AVA-Speech (a test set)",
    "4.6 GB as 16 kHz WAV; labels 2 MB",
    "labels CC BY 4.0; the films are their owners'",
    "research.google.com/ava (labels: `atomicvad data fetch ava_speech`; clips: your own)",
    "ava_speech_labels_v1.csv and audio/VIDEO.* (minutes 15 to 30 of each film)",
)
LABELS = "ava_speech_labels_v1.csv"
URL = f"https://research.google.com/ava/download/{LABELS}"
LENGTH = 900.0  # s of a clip
LARGEST = 20_000_000  # bytes of the label file


def fetch(folder: Path, url: str = URL) -> None:
    """Fetch the labels; the user provides the clips.

    Raises:
        AtomicVADError: the server cannot be reached, or the file holds no labels.
    """
    path = folder / LABELS
    existed = path.is_file()
    retrieve(url, path, largest=LARGEST)
    try:
        read_labels(path)
    except AtomicVADError:
        if not existed:  # the user's own file stays
            path.unlink()
        raise


def entries(folder: Path, source: SourceSettings, seed: int) -> Iterator[Entry]:
    """AVA-Speech is a test set and trains nothing."""
    raise AtomicVADError("sources: ava_speech is a test set: name it under test")


def labels_of_subset(folder: Path, source: SourceSettings) -> tuple[pd.DataFrame, str]:
    """The labels of the clips in ``source.subset``, and the name of that set.

    Raises:
        AtomicVADError: no label file, a malformed line, or a listed clip without labels.
    """
    path = folder / LABELS
    if not path.is_file():
        raise AtomicVADError(f"{path}: no such file: `atomicvad data fetch ava_speech` fetches it")
    labels = read_labels(path)
    if source.subset in ("available", "all"):
        return labels, "AVA-Speech"
    listed = _listed(project_root() / source.subset)
    if unknown := sorted(listed - set(labels["video_id"])):
        raise AtomicVADError(f"{source.subset}: no labels for {unknown[0][:60]!r}")
    return labels[labels["video_id"].isin(listed)], f"AVA-Speech {Path(source.subset).stem}"


def _listed(path: Path) -> set[str]:
    try:
        names = path.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise AtomicVADError(
            f"subset: expected available, all or a text file of clip names, got {path} ({error})"
        ) from None
    return {name.partition(".")[0] for name in names}


def find_clips(folder: Path) -> dict[str, str]:
    """The clips in ``folder``: video id (the file name without suffix) -> relative path."""
    clips: dict[str, str] = {}
    for path in find_files(folder):
        clips.setdefault(PurePosixPath(path).stem, path)
    return clips
