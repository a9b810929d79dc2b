"""Speech Commands V2 (Warden 2018): 105,829 one-second words of 2,618 speakers.

Two ways to split: ``speaker`` is the official one, by a hash of the speaker's id; ``file`` is that
of the released code, 80/10/10 by file, with most speakers in several splits (see ``leak``).
"""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from atomicvad.config import SPLITS
from atomicvad.corpora.archives import Limits, extract
from atomicvad.corpora.download import retrieve
from atomicvad.corpora.index import find_matching
from atomicvad.corpora.recordings import About, Entry
from atomicvad.corpora.splits import by_file, resolve_splits
from atomicvad.errors import AtomicVADError
from atomicvad.sections import SourceSettings

ABOUT = About(
    "Speech Commands V2",
    "2.4 GB, 3.4 GB unpacked",
    "CC BY 4.0",
    "download.tensorflow.org (fetched by `atomicvad data fetch speech_commands`)",
    "WORD/SPEAKER_nohash_NUMBER.wav, validation_list.txt, testing_list.txt",
)
URL = "https://storage.googleapis.com/download.tensorflow.org/data/speech_commands_v0.02.tar.gz"
SHA256 = "af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58"
SIZE = 2_428_923_189
LIMITS = Limits(size=8_000_000_000, files=200_000, ratio=10)
LAYOUT = re.compile(r"(?:^|/)([a-z]+)/([0-9a-f]+)_nohash_\d+\.wav$")
MODULUS = 2**27 - 1  # of the official hash


def fetch(
    folder: Path, archive: Path | None = None, mirror: str = "", sha256: str = SHA256
) -> None:
    """Unpack the corpus' archive into ``folder``; the archive is downloaded unless given.

    Args:
        archive: a local copy of the archive.
        mirror: an address to try before the corpus' own.
        sha256: of the archive.

    Raises:
        AtomicVADError: not reachable, another checksum than expected, or an unsafe archive.
    """
    if archive:
        _check(archive, sha256)
        extract(archive, folder, LIMITS)
        return
    fetched = folder.with_name(f"{folder.name}.tar.gz")
    retrieve([mirror, URL] if mirror else [URL], fetched, sha256, largest=SIZE)
    extract(fetched, folder, LIMITS)
    fetched.unlink()  # its content is in the folder now


def _check(archive: Path, sha256: str) -> None:
    try:
        with open(archive, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise AtomicVADError(f"{archive}: {error.strerror or error}") from None
    if digest != sha256:
        raise AtomicVADError(
            f"{archive}: not Speech Commands V2: its SHA-256 is {digest[:12]}…, not {sha256[:12]}…"
        )


def official_split(speaker: str) -> str:
    """The official split of a speaker, by the SHA-1 of the id: 80/10/10 %."""
    number = int(hashlib.sha1(speaker.encode(), usedforsecurity=False).hexdigest(), 16)
    percentage = number % (MODULUS + 1) * (100.0 / MODULUS)
    if percentage < 10:
        return "validation"
    return "testing" if percentage < 20 else "training"


def entries(folder: Path, source: SourceSettings, seed: int) -> Iterator[Entry]:
    """All words; the noises in ``_background_noise_`` are not used, as in the paper."""
    words = _words(folder)
    default = {path: official_split(speaker) for path, speaker in words.items()}
    splits = resolve_splits(default, source, seed)
    for path, speaker in words.items():
        split = splits[path]
        yield Entry(
            path, "speech", split, "en", f"speech_commands-{speaker}", f"speech_commands-{split}"
        )


def _words(folder: Path) -> dict[str, str]:
    """The speaker of every word, by path."""
    return {path: match[2] for path, match in find_matching(folder, LAYOUT).items()}


def leak(folder: Path, seed: int) -> pd.DataFrame:
    """Leakage of speakers from training to validation and testing, for both ways to split.

    Returns:
        A row for each way and split: ``files``, ``speakers``, ``heard`` (files of speakers that
        are in training too) and ``leak``, their share.

    Raises:
        AtomicVADError: no word of Speech Commands in the folder.
    """
    speakers, rows = _words(folder), []
    if not speakers:
        raise AtomicVADError(f"{folder}: expected {ABOUT.layout}; found no such file")
    official = {path: official_split(speaker) for path, speaker in speakers.items()}
    for name, splits in (("speaker", official), ("file", by_file(speakers, seed))):
        sides = {split: [p for p in speakers if splits[p] == split] for split in SPLITS}
        trained = {speakers[path] for path in sides["training"]}
        for split in SPLITS[1:]:
            files = sides[split]
            heard = sum(speakers[path] in trained for path in files)
            count = len({speakers[path] for path in files})
            rows.append((name, split, len(files), count, heard, heard / max(len(files), 1)))
    columns = ["split by", "side", "files", "speakers", "heard", "leak"]
    return pd.DataFrame(rows, columns=columns)
