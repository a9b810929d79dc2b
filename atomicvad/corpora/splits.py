"""Which side of a split a file is on, for corpora that do not say so themselves."""

import hashlib
from collections.abc import Iterable

from atomicvad.config import SPLITS, SourceSettings

# What folders and files of corpora are called.
NAMES = {
    **dict.fromkeys(["train", "training"], "training"),
    **dict.fromkeys(["dev", "val", "valid", "validation"], "validation"),
    **dict.fromkeys(["test", "testing", "eval"], "testing"),
}


def by_group(group: str, tenths: tuple[int, int] = (8, 1)) -> str:
    """The split of a speaker, an uploader or the like: 8, 1 and 1 tenths, by the name alone."""
    place = int(hashlib.sha256(group.encode()).hexdigest(), 16) % 10
    if place < tenths[0]:
        return "training"
    return "validation" if place < sum(tenths) else "testing"


def by_file(paths: Iterable[str], seed: int) -> dict[str, str]:
    """80 % of the files for training, 10 % each for validation and testing, as the paper's.

    Drawn by scikit-learn's ``train_test_split`` from the sorted paths; speakers do not count, so
    most are on several sides.
    """
    from sklearn.model_selection import train_test_split

    paths = sorted(paths)
    if len(paths) < 10:
        return {path: SPLITS[(0, 0, 0, 1, 2)[n % 5]] for n, path in enumerate(paths)}
    train, rest = train_test_split(paths, test_size=0.2, random_state=seed)
    validation, test = train_test_split(rest, test_size=0.5, random_state=seed)
    parts = zip(SPLITS, (train, validation, test), strict=True)
    return {path: split for split, part in parts for path in part}


def resolve_splits(default: dict[str, str], source: SourceSettings, seed: int) -> dict[str, str]:
    """The splits that a source asks for: as given, by file, or all on one side."""
    if source.split == "speaker":
        return default
    if source.split == "file":
        return by_file(default, seed)
    return dict.fromkeys(default, source.split)
