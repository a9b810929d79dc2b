"""LibriSpeech (Panayotov et al. 2015): read English, with its own splits disjoint in speakers."""

import re
from collections.abc import Iterator
from pathlib import Path

from atomicvad.corpora.index import find_matching
from atomicvad.corpora.recordings import About, Entry
from atomicvad.corpora.splits import NAMES, resolve_splits
from atomicvad.sections import SourceSettings

ABOUT = About(
    "LibriSpeech",
    "60 GB (test-clean alone 0.3 GB)",
    "CC BY 4.0",
    "openslr.org/12",
    "train-clean-100/SPEAKER/CHAPTER/SPEAKER-CHAPTER-NUMBER.flac, dev-clean/…, test-clean/…",
)
LAYOUT = re.compile(r"(?:^|/)(train|dev|test)-[\w-]+/(\d+)/(\d+)/\2-\3-\d+\.flac$")


def entries(folder: Path, source: SourceSettings, seed: int) -> Iterator[Entry]:
    """All utterances."""
    utterances = find_matching(folder, LAYOUT)
    splits = resolve_splits(
        {path: NAMES[match[1]] for path, match in utterances.items()}, source, seed
    )
    for path, match in utterances.items():
        split = splits[path]
        yield Entry(path, "speech", split, "en", f"librispeech-{match[2]}", f"librispeech-{split}")
