"""Label files of several formats, read as labelled segments of a recording.

``.csv`` (``start,end,label``, in that order or named by a header), ``.rttm`` (NIST; every SPEAKER
line is speech), ``.txt`` (an Audacity label track: ``start TAB end TAB label``) and ``.TextGrid``
(Praat, long and short form; the first interval tier is read). Times are in seconds from the
beginning of the recording. If a file labels speech only, the rest is no speech; if it labels both,
the rest is unlabelled.
"""

import math
import re
from bisect import bisect
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from atomicvad.errors import AtomicVADError

SUFFIXES = (".csv", ".rttm", ".txt", ".TextGrid")
SPEECH_ONLY = (".rttm", ".txt")  # formats in which an empty file means no speech
SPEECH = frozenset(
    (
        *("1", "speech", "s", "voice", "voiced", "speech_activity"),
        *("clean_speech", "speech_with_noise", "speech_with_music"),
    )
)
NO_SPEECH = frozenset(
    (
        *("0", "", "no_speech", "non_speech", "nonspeech", "background", "noise", "music"),
        *("silence", "sil", "ns", "unvoiced"),
    )
)
LARGEST = 50_000_000  # bytes of a label file

Segment = tuple[float, float, bool]  # start, end (s), speech


def read_text(path: Path) -> str:
    """The text of a file: UTF-8, or UTF-16 with a byte order mark, as Praat writes it.

    Raises:
        AtomicVADError: no such file, a too long one, or no text.
    """
    try:
        if path.exists() and not path.is_file():
            raise AtomicVADError(f"{path}: not a file that can be read")
        if path.stat().st_size > LARGEST:
            raise AtomicVADError(f"{path}: longer than {LARGEST} bytes: no label file")
        data = path.read_bytes()
    except OSError as error:
        raise AtomicVADError(f"{path}: {error.strerror or error}") from None
    try:
        return data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        raise AtomicVADError(f"{path}: not text in UTF-8") from None


def read_segments(path: Path) -> list[Segment]:
    """The labelled segments of a label file, in order of time.

    Raises:
        AtomicVADError: another format, an impossible time, overlapping labels that differ, or an
            unknown label; names ``file:line``.
    """
    path = Path(path)
    read = {".csv": _csv, ".rttm": _rttm, ".txt": _audacity, ".textgrid": _textgrid}
    if path.suffix.lower() not in read:
        expected = ", ".join(SUFFIXES)
        raise AtomicVADError(f"{path}: expected a label file ({expected})")
    rows = list(read[path.suffix.lower()](path, read_text(path)))
    if not rows and path.suffix.lower() in SPEECH_ONLY:
        return [(0.0, 0.0, True)]  # of no length: ``fill`` labels everything as no speech
    if not rows:
        raise AtomicVADError(f"{path}: no labels in it")
    segments = sorted(rows)
    for (_, end, first), (start, _, second) in pairwise(segments):
        if start < end - 1e-6 and first != second:
            raise AtomicVADError(f"{path}: speech and no speech overlap at {start:.3f} s")
    return segments


def fill(segments: list[Segment], seconds: float) -> list[Segment]:
    """Segments within ``seconds``; if only speech is labelled, the gaps become no speech.

    A segment that extends past ``seconds`` is cut there. Where only speech is labelled, overlapping
    segments, such as speakers' turns, become one.
    """
    cut = [(start, min(end, seconds), speech) for start, end, speech in segments if start < seconds]
    if not all(speech for *_, speech in cut):
        return cut
    filled: list[Segment] = []
    position = 0.0
    for start, end, _ in cut:
        if filled and start < position - 1e-6:
            filled[-1] = (filled[-1][0], max(position, end), True)
        else:
            if start > position + 1e-6:
                filled.append((position, start, False))
            filled.append((start, end, True))
        position = max(position, end)
    if seconds > position + 1e-6:
        filled.append((position, seconds, False))
    return filled


def _times(first: str, second: str, where: str) -> tuple[float, float]:
    try:
        times = float(first), float(second)
    except ValueError:
        times = (math.nan, math.nan)
    if not all(map(math.isfinite, times)):
        raise AtomicVADError(
            f"{where}: times: expected two numbers, got {first[:40]!r}, {second[:40]!r}"
        )
    return times


def _row(first: str, second: str, label: str, where: str) -> Segment:
    start, end = _times(first, second, where)
    if not 0 <= start <= end:
        raise AtomicVADError(f"{where}: expected 0 <= start <= end, got {start}, {end}")
    return start, end, is_speech(label, where)


def is_speech(label: str, where: str) -> bool:
    """Whether a label means speech.

    Raises:
        AtomicVADError: an unknown label; a wrong guess would spoil a test set.
    """
    word = re.sub(r"[\s-]+", "_", label.strip().strip('"').lower())
    if word not in SPEECH | NO_SPEECH:
        expected = ", ".join(sorted((SPEECH | NO_SPEECH) - {""}))
        raise AtomicVADError(f"{where}: label: expected one of {expected}; got {label[:40]!r}")
    return word in SPEECH


def _lines(path: Path, text: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            yield f"{path}:{number}", line


def _csv(path: Path, text: str) -> Iterator[Segment]:
    names = ("start", "end", "label")
    order = [0, 1, 2]
    for number, (where, line) in enumerate(_lines(path, text)):
        fields = [field.strip().strip('"').strip() for field in line.split(",")]
        if number == 0 and {"start", "end"} <= (columns := {field.lower() for field in fields}):
            if columns != set(names) or len(fields) != 3:
                raise AtomicVADError(f"{where}: expected the columns {', '.join(names)}")
            order = [[field.lower() for field in fields].index(name) for name in names]
            continue
        if len(fields) != 3:
            raise AtomicVADError(f"{where}: expected start,end,label; got {len(fields)} fields")
        start, end, label = (fields[column] for column in order)
        yield _row(start, end, label, where)


def _rttm(path: Path, text: str) -> Iterator[Segment]:
    for where, recording, segment in _turns(path, text):
        if recording != path.stem:
            raise AtomicVADError(
                f"{where}: expected SPEAKER {path.stem[:60]} channel start duration …"
            )
        yield segment


def read_turns(path: Path) -> dict[str, list[Segment]]:
    """The speakers' turns in an RTTM file that names several recordings, by recording.

    Turns may touch and overlap.

    Raises:
        AtomicVADError: a malformed line; names ``file:line``.
    """
    turns: dict[str, list[Segment]] = {}
    for _, recording, segment in _turns(path, read_text(path)):
        turns.setdefault(recording, []).append(segment)
    return turns


def _turns(path: Path, text: str) -> Iterator[tuple[str, str, Segment]]:
    """Where it stands, recording and segment of every SPEAKER line of an RTTM file."""
    for where, line in _lines(path, text):
        fields = line.split()
        if fields[0] != "SPEAKER":
            continue
        if len(fields) < 5:
            raise AtomicVADError(f"{where}: expected SPEAKER recording channel start duration …")
        start, length = _times(fields[3], fields[4], where)
        if start < 0 or length < 0:
            raise AtomicVADError(f"{where}: expected start and duration of 0 s or more")
        yield where, fields[1], (start, start + length, True)


def _audacity(path: Path, text: str) -> Iterator[Segment]:
    for where, line in _lines(path, text):
        if line.startswith("\\"):  # the frequency range of the label above
            continue
        fields = line.split("\t")
        if len(fields) not in (2, 3):
            raise AtomicVADError(
                f"{where}: expected start TAB end TAB label, as of Audacity (no transcript)"
            )
        word = fields[2] if len(fields) == 3 and fields[2].strip() else "speech"
        yield _row(fields[0], fields[1], word, where)


# A quoted text (quotes in it are doubled), a flag, or a number that is a token of its own.
TOKEN = re.compile(
    r'"((?:[^"]|"")*)"|(<exists>)|(?<![\w.\[])([-+]?[\d.]+(?:e[-+]?\d+)?)(?![\w\]])', re.IGNORECASE
)


def _textgrid(path: Path, text: str) -> Iterator[Segment]:
    """Parse the sequence of values, which is the same in the long and the short form.

    After two header lines come bounds, a flag and the number of tiers; then for each tier its
    class, name, bounds and size, and three values per interval.
    """
    tokens = [
        (next(g for g in t.groups() if g is not None), t.start()) for t in TOKEN.finditer(text)
    ]
    words = [word for word, _ in tokens]
    if words[:2] != ["ooTextFile", "TextGrid"]:
        raise AtomicVADError(f"{path}:1: expected a Praat TextGrid")
    try:
        size = words.index("IntervalTier") + 4
        first, last = size + 1, size + 1 + 3 * int(words[size])
    except (ValueError, IndexError):
        raise AtomicVADError(f"{path}: expected an interval tier") from None
    if not first <= last <= len(words):
        raise AtomicVADError(f"{path}: expected {words[size][:20]} intervals, found fewer")
    line_ends = [line_end.start() for line_end in re.finditer("\n", text)]
    for index in range(first, last, 3):
        where = f"{path}:{bisect(line_ends, tokens[index][1]) + 1}"
        yield _row(words[index], words[index + 1], words[index + 2], where)
