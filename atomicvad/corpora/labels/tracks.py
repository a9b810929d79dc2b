"""Label tracks: Audacity's (``.txt``: ``start TAB end TAB label``) and ``.lab`` files.

Files of both names are also used for transcripts, which are no labels.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from atomicvad.corpora.labels.segment import NUMBER, Segment, lines, row, times
from atomicvad.corpora.labels.words import meaning
from atomicvad.errors import AtomicVADError

SPECTRAL = "\\"  # begins the line with the frequency range of the label above
TIME = rf"(?:[-+]?\d+,\d+|{NUMBER.pattern})"
# A line that begins with two times: the first, the second, and what follows.
LIKE_A_LABEL = re.compile(rf"\s*({TIME})(\s*[;,]\s*|\s+)({TIME})(?=[\s;,]|$)(.*)", re.IGNORECASE)


def is_track(text: str) -> bool:
    """Whether a text is meant as a label track: some line is a label, or nearly; or it is blank.

    Otherwise it is a transcript. Numbers in one (``4 7 1``) are no times, and nor is the extent
    in samples before a sentence, as TIMIT has it.
    """
    return not text.strip() or any(map(_is_like_a_label, text.splitlines()))


def _is_like_a_label(line: str) -> bool:
    match = LIKE_A_LABEL.match(line)
    if not match:
        return False
    first, separator, second, rest = match.groups()
    if "\t" in separator + rest:
        return True
    words = rest.strip(" ;,").split()
    if words and meaning(" ".join(words)) is not None:
        return True
    has_fractions = all(re.search("[.,]", time) for time in (first, second))
    return has_fractions and len(words) < 2


def read_audacity(path: Path, text: str) -> Iterator[Segment]:
    """The labels of an Audacity track; one without a text is speech, a point has no length.

    Times may have a decimal comma.

    Raises:
        AtomicVADError: a malformed line or an unknown label; names ``file:line``.
    """
    for where, line in lines(path, text):
        fields = line.split("\t")
        if fields[0] == SPECTRAL and len(fields) == 3:
            times(fields[1], fields[2], where, decimal_comma=True)
            continue
        if len(fields) not in (2, 3):
            raise AtomicVADError(
                f"{where}: expected start TAB end TAB label, as of Audacity (no transcript)"
            )
        start, end = times(fields[0], fields[1], where, decimal_comma=True)
        word = fields[2] if len(fields) == 3 and fields[2].strip() else "speech"
        yield row(start, end, word, where, point=True)


def read_lab(path: Path, text: str) -> Iterator[Segment]:
    """The labels of a ``.lab`` file: ``start end label``, separated by blanks, in s.

    Raises:
        AtomicVADError: a malformed line or an unknown label; names ``file:line``.
    """
    for where, line in lines(path, text):
        fields = line.split(maxsplit=2)
        if len(fields) != 3:
            raise AtomicVADError(f"{where}: expected start end label, separated by blanks")
        yield row(*times(fields[0], fields[1], where), fields[2], where)
