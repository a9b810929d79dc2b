"""Speech Activity Detection (Kaggle): TIMIT, PTDB-TUG and NOIZEUS with hand-made TextGrids."""

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from atomicvad.corpora.index import find_files
from atomicvad.corpora.labels import read_segments
from atomicvad.corpora.recordings import About, Entry
from atomicvad.corpora.splits import by_group, resolve_splits
from atomicvad.sections import SourceSettings

ABOUT = About(
    "Speech Activity Detection",
    "see its page",
    "as its three sources say (TIMIT: LDC)",
    "kaggle.com/datasets/lazyrac00n/speech-activity-detection-datasets",
    "Audio/…/NAME.wav and Annotation/…/NAME.TextGrid, the same folders in both",
)


def entries(folder: Path, source: SourceSettings, seed: int) -> Iterator[Entry]:
    """Recordings that have an annotation.

    Raises:
        AtomicVADError: an annotation that is no TextGrid, or an unknown label; names the line.
    """
    sounds = {path.rpartition(".")[0]: path for path in find_files(folder, [".wav"])}
    pairs = {}
    for grid in find_files(folder, [".TextGrid"]):
        head, separator, rest = grid.rpartition(".")[0].partition("Annotation/")
        if separator and (sound := sounds.get(f"{head}Audio/{rest}")):
            pairs[sound] = grid
    default = {sound: by_group(_group(sound), source.shares) for sound in pairs}
    for sound, split in resolve_splits(default, source, seed).items():
        segments = tuple(read_segments(folder / pairs[sound]))
        speaker, origin = _group(sound), f"speech_activity-{split}"
        yield Entry(sound, "speech", split, "en", f"speech_activity-{speaker}", origin, segments)


def _group(path: str) -> str:
    """The speaker, as far as the name shows.

    PTDB's ``mic_F01_…``, NOIZEUS' ``sp07_…``, TIMIT's folder ``FABC0``.
    """
    name = PurePosixPath(path)
    if match := re.match(r"(?:mic_([FM]\d\d)_|(sp\d\d))", name.name):
        return match[1] or match[2]
    return name.parent.name if re.fullmatch(r"[FM][A-Z]{3}\d", name.parent.name) else name.stem
