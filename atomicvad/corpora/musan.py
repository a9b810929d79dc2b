"""MUSAN (Snyder et al. 2015): music, speech and noise."""

import re
from collections.abc import Iterator
from pathlib import Path

from atomicvad.corpora.index import find_files, find_matching
from atomicvad.corpora.recordings import About, Entry
from atomicvad.corpora.splits import by_group, resolve_splits
from atomicvad.sections import SourceSettings

ABOUT = About(
    "MUSAN",
    "11 GB",
    "CC BY 4.0 as a whole; each folder's LICENSE for its files",
    "openslr.org/17",
    "music/SOURCE/*.wav, noise/SOURCE/*.wav, speech/SOURCE/*.wav, ANNOTATIONS beside them",
)
LAYOUT = re.compile(r"(?:^|/)(music|speech|noise)/([\w-]+)/[^/]+\.wav$")


def entries(folder: Path, source: SourceSettings, seed: int) -> Iterator[Entry]:
    """All recordings. MUSAN has no splits or speakers: a hash of the file name gives the split."""
    recordings = find_matching(folder, LAYOUT)
    default = {path: by_group(Path(path).name, source.shares) for path in recordings}
    splits, languages = resolve_splits(default, source, seed), _languages(folder)
    for path, match in recordings.items():
        kind, split = match[1], splits[path]
        language = languages.get(Path(path).stem, "") if kind == "speech" else ""
        yield Entry(path, kind, split, language, "", f"musan-{match[2]}-{kind}-{split}")


def _languages(folder: Path) -> dict[str, str]:
    """Languages of the speech files by name, from ANNOTATIONS (lines of name, sex, language)."""
    languages = {}
    for path in find_files(folder, [""]):
        if path.endswith("/ANNOTATIONS") and "speech/" in path:
            text = Path(folder, path).read_text(encoding="utf-8", errors="replace")
            for line in text.splitlines():
                fields = line.split()
                if len(fields) >= 3:
                    languages[fields[0]] = fields[2].lower()
    return languages
