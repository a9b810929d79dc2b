"""VoxCeleb 1 and 2 (Nagrani et al. 2017, Chung et al. 2018): interviews, split by speaker."""

import re
from collections.abc import Iterator
from pathlib import Path

from atomicvad.corpora.index import find_matching
from atomicvad.corpora.recordings import About, Entry
from atomicvad.corpora.splits import by_group, resolve_splits
from atomicvad.sections import SourceSettings, SplitShares

ABOUT = About(
    "VoxCeleb 1 and 2",
    "352 h (1, WAV) and 2,442 h (2, AAC)",
    "CC BY 4.0; the speech is the videos' owners'",
    "robots.ox.ac.uk/~vgg/data/voxceleb (on request)",
    "dev/wav/idSPEAKER/VIDEO/NUMBER.wav (1), dev/aac/idSPEAKER/VIDEO/NUMBER.m4a (2); "
    "the test archives, which unpack without that folder, into test/",
)
LAYOUT = re.compile(r"(?:^|/)(?:wav|aac|m4a)/id(\d{5})/[^/]+/\d+\.(?:wav|m4a)$")
DEVELOPMENT = SplitShares(training=0.9, validation=0.1, testing=0)
TEST = range(10270, 10310)  # the speakers of VoxCeleb 1's test part


def entries(folder: Path, source: SourceSettings, seed: int) -> Iterator[Entry]:
    """All utterances; the test parts for testing, a tenth of the other speakers for validation."""
    utterances = find_matching(folder, LAYOUT)
    default = {path: _split(path, match[1]) for path, match in utterances.items()}
    splits = resolve_splits(default, source, seed)
    for path, match in utterances.items():
        split = splits[path]
        yield Entry(path, "speech", split, "", f"voxceleb-{match[1]}", f"voxceleb-{split}")


def _split(path: str, speaker: str) -> str:
    in_test = re.search(r"(?:^|/)(?:vox\d_)?test(?:_\w+)?/", path)
    if in_test or int(speaker) in TEST:
        return "testing"
    return by_group(speaker, DEVELOPMENT)
