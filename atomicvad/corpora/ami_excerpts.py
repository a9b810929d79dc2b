"""Excerpts of the AMI meetings (Carletta et al. 2005): 30 s each, with the turns of all speakers.

They are test data of pyannote.audio: the headset mix of English meetings, and turns from AMI's
word-aligned transcripts. A set to measure on, not to train on.
"""

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from atomicvad.audio.folders import SUFFIXES
from atomicvad.console import report_left_out
from atomicvad.corpora.index import find_files
from atomicvad.corpora.labels import Segment, read_turns
from atomicvad.corpora.recordings import About, Entry
from atomicvad.corpora.repository import checked_out, require_absent
from atomicvad.errors import AtomicVADError
from atomicvad.sections import SourceSettings

ABOUT = About(
    "AMI excerpts (a set to measure on)",
    "13 MB",
    "CC BY 4.0",
    "github.com/pyannote/pyannote-audio, tests/data (`atomicvad data fetch ami_excerpts`)",
    "NAME.* (any format) and *.rttm, whose SPEAKER lines name the recordings; in any subfolders",
)
URL = "https://github.com/pyannote/pyannote-audio.git"
COMMIT = "3f7ea316b34668c8b41dfed0b7d094672bd993b6"
INSIDE = "tests/data"


def fetch(folder: Path, url: str = URL, commit: str = COMMIT) -> None:
    """Fetch recordings and turns from pyannote.audio's repository.

    Raises:
        AtomicVADError: the folder exists, git or the server fails, or the commit has no recordings.
    """
    require_absent(folder)
    patterns = [f"/{INSIDE}/*{suffix}" for suffix in (".wav", ".rttm")]
    with checked_out(url, commit, patterns, folder) as checkout:
        if not (checkout / INSIDE).is_dir():
            raise AtomicVADError(f"{url} at {commit[:12]}: expected recordings in {INSIDE}")
        os.replace(checkout / INSIDE, folder)


def entries(folder: Path, source: SourceSettings, seed: int) -> Iterator[Entry]:
    """All recordings that some RTTM file names; others are left out with a message.

    Raises:
        AtomicVADError: a malformed line of an RTTM file; or another split than testing is asked
            for.
    """
    if source.split not in ("speaker", "file", "testing"):
        raise AtomicVADError(f"ami_excerpts: recordings to measure on, none for {source.split}")
    turns: dict[str, list[Segment]] = {}
    for name in find_files(folder, [".rttm"]):
        for recording, segments in read_turns(folder / name).items():
            turns.setdefault(recording, []).extend(segments)
    paths = find_files(folder, SUFFIXES)
    unnamed = [path for path in paths if PurePosixPath(path).stem not in turns]
    report_left_out([f"{folder / path}: no RTTM file names it" for path in unnamed])
    for path in sorted(set(paths) - set(unnamed)):
        spoken = tuple(turns[PurePosixPath(path).stem])
        yield Entry(path, "speech", "testing", "en", "", "meeting", spoken)
