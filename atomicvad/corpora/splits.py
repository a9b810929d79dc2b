"""Splits of a corpus' files: training, validation and testing."""

import hashlib
from collections.abc import Iterable

from sklearn.model_selection import train_test_split

from atomicvad.config import SPLITS
from atomicvad.sections import SourceSettings, SplitShares

PAPER_SHARES = SplitShares()
# Names of the splits in folders and files of corpora.
NAMES = {
    **dict.fromkeys(["train", "training"], "training"),
    **dict.fromkeys(["dev", "val", "valid", "validation"], "validation"),
    **dict.fromkeys(["test", "testing", "eval"], "testing"),
}


def by_group(group: str, shares: SplitShares = PAPER_SHARES) -> str:
    """The split of a group (a speaker, an uploader), by a hash of its name."""
    number = int(hashlib.sha256(group.encode()).hexdigest(), 16)
    # Decimal places: the hash's last digit, then those before it.
    place = number % 10 * 1000 + number // 10 % 1000
    if place < round(10_000 * shares.training):
        return "training"
    held_out = round(10_000 * (shares.training + shares.validation))
    return "validation" if place < held_out else "testing"


def by_file(paths: Iterable[str], seed: int, shares: SplitShares = PAPER_SHARES) -> dict[str, str]:
    """Split by file; the paper's shares are 80, 10 and 10 %.

    Drawn by scikit-learn's ``train_test_split`` from the sorted paths. Speakers are ignored, so
    most are in several splits.
    """
    paths = sorted(paths)
    if len(paths) < 10:
        return {path: SPLITS[(0, 0, 0, 1, 2)[n % 5]] for n, path in enumerate(paths)}
    held_out, parts = shares.validation + shares.testing, dict.fromkeys(SPLITS, paths[:0])
    parts["training"], rest = _cut(paths, held_out, seed)
    parts["validation"], parts["testing"] = _cut(rest, shares.testing / (held_out or 1), seed)
    return {path: split for split, part in parts.items() for path in part}


def _cut(paths: list[str], share: float, seed: int) -> tuple[list[str], list[str]]:
    """Draw ``share`` of the paths; return the others and those."""
    drawn = round(share, 9)
    if not paths or drawn in (0, 1):
        return (paths, []) if not drawn else ([], paths)
    others, chosen = train_test_split(paths, test_size=drawn, random_state=seed)
    return others, chosen


def resolve_splits(default: dict[str, str], source: SourceSettings, seed: int) -> dict[str, str]:
    """The split of every path, as ``source.split`` asks: ``default``, by file, or one for all."""
    if source.split == "speaker":
        return default
    if source.split == "file":
        return by_file(default, seed, source.shares)
    return dict.fromkeys(default, source.split)
