"""Splits of a corpus' files: training, validation and testing."""

import hashlib
from collections.abc import Iterable

from sklearn.model_selection import train_test_split

from atomicvad.config import SPLITS, SourceSettings

# Names of the splits in folders and files of corpora.
NAMES = {
    **dict.fromkeys(["train", "training"], "training"),
    **dict.fromkeys(["dev", "val", "valid", "validation"], "validation"),
    **dict.fromkeys(["test", "testing", "eval"], "testing"),
}


def by_group(group: str, tenths: tuple[int, int] = (8, 1)) -> str:
    """The split of a group (a speaker, an uploader), by a hash of its name.

    ``tenths`` of all groups are for training and for validation; the rest is for testing.
    """
    tenth = int(hashlib.sha256(group.encode()).hexdigest(), 16) % 10
    if tenth < tenths[0]:
        return "training"
    return "validation" if tenth < sum(tenths) else "testing"


def by_file(paths: Iterable[str], seed: int) -> dict[str, str]:
    """Split by file: 80 % for training, 10 % each for validation and testing, as in the paper.

    Drawn by scikit-learn's ``train_test_split`` from the sorted paths. Speakers are ignored, so
    most are in several splits.
    """
    paths = sorted(paths)
    if len(paths) < 10:
        return {path: SPLITS[(0, 0, 0, 1, 2)[n % 5]] for n, path in enumerate(paths)}
    train, rest = train_test_split(paths, test_size=0.2, random_state=seed)
    validation, test = train_test_split(rest, test_size=0.5, random_state=seed)
    parts = zip(SPLITS, (train, validation, test), strict=True)
    return {path: split for split, part in parts for path in part}


def resolve_splits(default: dict[str, str], source: SourceSettings, seed: int) -> dict[str, str]:
    """The split of every path, as ``source.split`` asks: ``default``, by file, or one for all."""
    if source.split == "speaker":
        return default
    if source.split == "file":
        return by_file(default, seed)
    return dict.fromkeys(default, source.split)
