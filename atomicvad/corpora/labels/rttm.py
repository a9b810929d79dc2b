"""RTTM (NIST's speaker turns), and the UEM file beside it that says what was listened to."""

import math
from collections.abc import Iterator
from pathlib import Path

from atomicvad.corpora.labels.segment import Segment, lines, read_text, times
from atomicvad.errors import AtomicVADError
from atomicvad.files import as_field

COMMENT = ";;"
# NIST's other types of lines: words and what else happens within speech, …
WITHIN_SPEECH = frozenset(
    ("LEXEME", "SEGMENT", "A/P", "FILLER", "EDIT", "CB", "SU", "IP", "SU_BOUNDARY")
)
# … what is not to be scored, and what says nothing of speech.
NOT_SCORED = frozenset(("NOSCORE", "NO_RT_METADATA", "NOEVAL"))
OTHERS = frozenset(("SPKR-INFO", "NON-LEX", "NON-SPEECH"))
EXPECTED = "expected SPEAKER recording channel start duration …"


def read_rttm(path: Path, text: str) -> Iterator[Segment]:
    """The turns in an RTTM file of one recording, which bears the file's name.

    Beside it, ``NAME.uem`` may name the parts that were listened to; the rest is not scored.

    Raises:
        AtomicVADError: a malformed line, an unknown type, or another recording; names
            ``file:line``.
    """
    for recording, segment in _turns(path, text):
        _require(recording, path, segment.where)
        yield segment
    listened = path.with_suffix(".uem")
    if listened.is_file():
        yield from _beyond(listened)


def read_turns(path: Path) -> dict[str, list[Segment]]:
    """The speakers' turns in an RTTM file that names several recordings, by recording.

    Turns may touch and overlap.

    Raises:
        AtomicVADError: a malformed line; names ``file:line``.
    """
    turns: dict[str, list[Segment]] = {}
    for recording, segment in _turns(path, read_text(path)):
        turns.setdefault(recording, []).append(segment)
    return turns


def _turns(path: Path, text: str) -> Iterator[tuple[str, Segment]]:
    """Recording and segment of every line of speech, and of those that are not to be scored."""
    speakers, within = 0, ""
    for where, line in lines(path, text, COMMENT):
        fields = _fields(line)
        kind = fields[0]
        if kind == "SPEAKER":
            speakers += 1
        elif kind in WITHIN_SPEECH:
            within = within or where
            continue
        elif kind in OTHERS or (kind in NOT_SCORED and fields[3:4] == ["<NA>"]):
            continue
        elif kind not in NOT_SCORED:
            raise AtomicVADError(f"{where}: {EXPECTED}; got a line of type {kind[:40]!r}")
        if len(fields) < 5:
            raise AtomicVADError(f"{where}: {EXPECTED}")
        start, length = times(fields[3], fields[4], where)
        if start < 0 or length < 0:
            raise AtomicVADError(f"{where}: expected start and duration of 0 s or more")
        yield fields[1], Segment(start, start + length, kind == "SPEAKER" or None, where)
    if within and not speakers:
        raise AtomicVADError(f"{within}: expected SPEAKER lines, found no turn of a speaker")


def _fields(line: str) -> list[str]:
    """Between tabs fields may be blank; otherwise blanks separate them."""
    fields = [field.strip() for field in line.strip().split("\t")]
    return fields if len(fields) >= 5 else line.split()


def _require(recording: str, path: Path, where: str) -> None:
    if recording not in (path.stem, as_field(path.stem)):
        raise AtomicVADError(
            f"{where}: expected SPEAKER {path.stem[:60]} channel start duration …; it names the "
            f"recording {recording[:40]!r}"
        )


def _beyond(path: Path) -> Iterator[Segment]:
    """What lies outside the parts ``recording channel start end`` of a UEM file."""
    position = 0.0
    parts = []
    for where, line in lines(path, read_text(path), COMMENT):
        fields = line.split()
        if len(fields) != 4:
            raise AtomicVADError(f"{where}: expected recording channel start end")
        _require(fields[0], path, where)
        start, end = times(fields[2], fields[3], where)
        if not 0 <= start < end:
            raise AtomicVADError(f"{where}: expected 0 <= start < end, got {start:g}, {end:g}")
        parts.append((start, end, where))
    if not parts:
        raise AtomicVADError(f"{path}: expected recording channel start end, found no line")
    for start, end, where in sorted(parts):
        if start > position:
            yield Segment(position, start, None, where)
        position = max(position, end)
    yield Segment(position, math.inf, None, parts[-1][-1])
