"""Praat's TextGrid, long and short, new and old: the same sequence of values in all of them."""

import re
from bisect import bisect
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from atomicvad.corpora.labels.segment import Segment, row, times
from atomicvad.corpora.labels.spans import subtract
from atomicvad.corpora.labels.words import meaning
from atomicvad.errors import AtomicVADError

# A quoted text (quotes in it are doubled), a comment, a flag, or a number that is a token of its
# own.
TOKEN = re.compile(
    r'"((?:[^"]|"")*)"|!.*|(<exists>|<absent>)|(?<![\w.\[])([-+]?[\d.]+(?:e[-+]?\d+)?)(?![\w\]])',
    re.IGNORECASE,
)
HEADS = (["ooTextFile", "TextGrid"], ["ooTextFile short", "TextGrid"])
VALUES = {"IntervalTier": 3, "TextTier": 2}  # of one interval, of one point


class Interval(NamedTuple):
    """One interval of a tier, as it is written."""

    start: str
    end: str
    text: str
    where: str


def read_text_grid(path: Path, text: str) -> Iterator[Segment]:
    """The labels of the first interval tier, and of those after it that label speech, too.

    A moment is speech if some tier, as of one of several speakers, says so; a tier of words or
    phones is passed over. An interval without a text is no speech.

    Raises:
        AtomicVADError: no TextGrid, no interval tier, fewer intervals than stated, an unknown
            label, or no label at all; names ``file:line``.
    """
    tiers = list(_interval_tiers(path, text))
    if not tiers:
        raise AtomicVADError(f"{path}: expected an interval tier")
    if not any(interval.text.strip() for tier in tiers for interval in tier):
        raise AtomicVADError(f"{path}: no interval has a label")
    segments = [_segments(tier) for n, tier in enumerate(tiers) if n == 0 or _labels_speech(tier)]
    if len(segments) == 1:
        return iter(segments[0])
    speech = [segment for segment in chain(*segments) if segment[2]]
    others = [segment for segment in chain(*segments) if not segment[2]]
    return chain(speech, subtract(others, speech))


def _labels_speech(tier: list[Interval]) -> bool:
    return any(meaning(interval.text) for interval in tier)


def _segments(tier: list[Interval]) -> list[Segment]:
    return [
        row(*times(start, end, where), text if text.strip() else "0", where)
        for start, end, text, where in tier
    ]


def _interval_tiers(path: Path, text: str) -> Iterator[list[Interval]]:
    """The interval tiers.

    After two values of the head come bounds, a flag and the number of tiers; then for each tier
    its class, name, bounds and size, and three values per interval (two per point).
    """
    matches = [match for match in TOKEN.finditer(text) if match.lastindex]
    values = [match[match.lastindex or 0] for match in matches]
    if values[:2] not in HEADS:
        raise AtomicVADError(f"{path}:1: expected a Praat TextGrid")
    line_ends = [line_end.start() for line_end in re.finditer("\n|\r(?!\n)", text)]

    def where(index: int) -> str:
        return f"{path}:{bisect(line_ends, matches[index].start()) + 1}"

    position = 6
    while position < len(values):
        kind, size = values[position], (values[position + 4 : position + 5] or [""])[0]
        if kind not in VALUES or not (size.isascii() and size.isdigit()):
            raise AtomicVADError(
                f"{where(position)}: expected the class, name, bounds and size of a tier"
            )
        first = position + 5
        position = first + VALUES[kind] * int(size)
        if position > len(values):
            raise AtomicVADError(f"{path}: expected {size[:20]} intervals, found fewer")
        if kind == "IntervalTier":
            yield [
                Interval(values[index], values[index + 1], values[index + 2], where(index))
                for index in range(first, position, 3)
            ]
