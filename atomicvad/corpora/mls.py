"""Multilingual LibriSpeech (Pratap et al. 2020): audio books in eight languages."""

import re
from collections.abc import Iterator
from pathlib import Path

from atomicvad.corpora.index import find_matching
from atomicvad.corpora.recordings import About, Entry
from atomicvad.corpora.splits import NAMES, resolve_splits
from atomicvad.sections import SourceSettings

ABOUT = About(
    "Multilingual LibriSpeech",
    "32,000 h of English, 4,500 h of seven other languages",
    "CC BY 4.0",
    "openslr.org/94",
    "mls_german/train/audio/SPEAKER/BOOK/SPEAKER_BOOK_NUMBER.flac (or mls_german_opus/….opus)",
)
LAYOUT = re.compile(r"(?:^|/)(train|dev|test)/audio/(\d+)/(\d+)/\2_\3_\d+\.(?:flac|opus)$")
LANGUAGES = {
    **{"dutch": "nl", "english": "en", "french": "fr", "german": "de"},
    **{"italian": "it", "polish": "pl", "portuguese": "pt", "spanish": "es"},
}


def entries(folder: Path, source: SourceSettings, seed: int) -> Iterator[Entry]:
    """All utterances; ``folder`` is the folder of a language, or of several."""
    utterances = find_matching(folder, LAYOUT)
    splits = resolve_splits(
        {path: NAMES[match[1]] for path, match in utterances.items()}, source, seed
    )
    for path, match in utterances.items():
        name = re.search(r"mls_([a-z]+)", f"{folder.resolve().name}/{path}")
        language = LANGUAGES.get(name[1], name[1]) if name else ""
        speaker, split = f"mls-{language}-{match[2]}", splits[path]
        yield Entry(path, "speech", split, language, speaker, f"mls-{language}-{split}")
