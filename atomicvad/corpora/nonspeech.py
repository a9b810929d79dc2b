"""Sounds without speech by category: crying babies, laughs, animals, bells, sirens, storms.

From ESC-50 (Piczak 2015, in the selection of a cry detector) and from the Donate-a-cry campaign. A
set to measure false alarms on, not to train on.
"""

import csv
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from atomicvad.audio.folders import SUFFIXES
from atomicvad.console import report_left_out
from atomicvad.corpora.index import find_files
from atomicvad.corpora.labels import read_text
from atomicvad.corpora.recordings import About, Entry
from atomicvad.corpora.repository import checked_out, require_absent
from atomicvad.errors import AtomicVADError
from atomicvad.sections import SourceSettings

ABOUT = About(
    "sounds without speech (a set to measure on)",
    "about 150 MB",
    "ESC-50 CC BY-NC 3.0; Donate-a-cry ODbL 1.0",
    "github.com/giulbia/baby_cry_detection and github.com/gveres/donateacry-corpus "
    "(`atomicvad data fetch nonspeech`)",
    "CATEGORY/*.* (any format), or recordings with a labels.csv (columns file,category)",
)
LABELS = "labels.csv"
# Repository, commit, and which of its folders is which category.
ORIGINS = (
    (
        "https://github.com/giulbia/baby_cry_detection.git",
        "278c121757590f11d874aa80a8d2ec35614b9b4b",
        {
            "data/301 - Crying baby": "crying baby",
            "data/901 - Silence": "silence",
            "data/902 - Noise": "noise",
            "data/903 - Baby laugh": "baby laugh",
        },
    ),
    (
        "https://github.com/gveres/donateacry-corpus.git",
        "db5ecf70ea757fc1b3a2ed00fe27bdb8f21e3fe9",
        {"donateacry_corpus_cleaned_and_updated_data": "baby cry"},
    ),
)


def fetch(folder: Path, origins: tuple = ORIGINS) -> None:
    """Fetch the sounds from their repositories, each category into a folder of its own.

    Raises:
        AtomicVADError: the folder exists, git or a server fails, or a commit lacks a folder.
    """
    require_absent(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetching-", dir=folder.parent) as staging:
        sounds = Path(staging) / "sounds"
        sounds.mkdir()
        for url, commit, folders in origins:
            patterns = [f"/{inside}/" for inside in folders]
            with checked_out(url, commit, patterns, folder) as checkout:
                for inside, category in folders.items():
                    if not (checkout / inside).is_dir():
                        raise AtomicVADError(
                            f"{url} at {commit[:12]}: expected sounds in {inside!r}"
                        )
                    os.replace(checkout / inside, sounds / category)
        os.replace(sounds, folder)


def entries(folder: Path, source: SourceSettings, seed: int) -> Iterator[Entry]:
    """All sounds; their category is the entry's ``source``, and nobody speaks in them.

    Where there is a ``labels.csv``, sounds that it does not name are left out with a message.

    Raises:
        AtomicVADError: a malformed ``labels.csv``, a sound without a category, or another split
            than testing is asked for.
    """
    if source.split not in ("speaker", "file", "testing"):
        raise AtomicVADError(f"nonspeech: recordings to measure on, none for {source.split}")
    paths = find_files(folder, SUFFIXES)
    categories = read_categories(folder / LABELS) if (folder / LABELS).is_file() else None
    if categories is not None:
        unnamed = [path for path in paths if path not in categories]
        report_left_out([f"{folder / path}: {LABELS} does not name it" for path in unnamed])
        paths = [path for path in paths if path in categories]
    for path in paths:
        category = categories[path] if categories else PurePosixPath(path).parent.name
        if not category:
            raise AtomicVADError(f"{folder / path}: expected {ABOUT.layout}")
        yield Entry(path, "noise", "testing", source=category.replace("_", " "))


def read_categories(path: Path) -> dict[str, str]:
    """Categories by file from a CSV file with the columns ``file`` and ``category``.

    Raises:
        AtomicVADError: other columns, an empty field, or a file that is named twice; names the
            line.
    """
    rows = csv.reader(read_text(path).splitlines())
    header = [field.strip().lower() for field in next(rows, [])]
    if not {"file", "category"} <= set(header):
        raise AtomicVADError(f"{path}:1: expected the columns file and category, got {header}")
    file, category = header.index("file"), header.index("category")
    categories: dict[str, str] = {}
    for number, row in enumerate(rows, start=2):
        if not row:
            continue
        if len(row) != len(header) or not (row[file].strip() and row[category].strip()):
            raise AtomicVADError(f"{path}:{number}: expected a file and its category")
        if row[file].strip() in categories:
            raise AtomicVADError(f"{path}:{number}: {row[file].strip()[:60]!r} is named twice")
        categories[row[file].strip()] = row[category].strip()
    return categories
