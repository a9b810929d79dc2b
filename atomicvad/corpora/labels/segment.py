"""A labelled segment, and how its text and times are read whatever the format."""

import math
import re
from collections.abc import Iterator
from pathlib import Path

from atomicvad.corpora.labels.words import is_speech
from atomicvad.errors import AtomicVADError

LARGEST = 50_000_000  # bytes of a label file
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?", re.IGNORECASE | re.ASCII)


class Segment(tuple[float, float, bool | None]):
    """``(start, end, speech)``, times in s; ``speech`` is ``None`` where nothing may be scored.

    Attributes:
        where: the line that says so, as ``file:line``.
    """

    where: str

    def __new__(cls, start: float, end: float, speech: bool | None, where: str = "") -> "Segment":
        """A segment, with the place that it was read from."""
        segment = super().__new__(cls, (start, end, speech))
        segment.where = where
        return segment

    def __getnewargs__(self) -> tuple:
        """Arguments of a copy in another process."""
        return (*self, self.where)


def read_text(path: Path) -> str:
    """The text of a file: UTF-8, or UTF-16 with a byte order mark, as Praat writes it.

    Raises:
        AtomicVADError: no such file, a too long one, or no text.
    """
    try:
        if path.exists() and not path.is_file():
            raise AtomicVADError(f"{path}: not a file that can be read")
        if path.stat().st_size > LARGEST:
            raise AtomicVADError(f"{path}: longer than {LARGEST} bytes, too large for a label file")
        data = path.read_bytes()
    except OSError as error:
        raise AtomicVADError(f"{path}: {error.strerror or error}") from None
    try:
        return data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        raise AtomicVADError(f"{path}: not text in UTF-8") from None


def lines(path: Path, text: str, comment: str = "\n") -> Iterator[tuple[str, str]]:
    """``file:line`` and the line, of all lines that are neither blank nor a ``comment``."""
    for number, line in enumerate(re.split("\r\n|\n|\r", text), start=1):
        if line.strip() and not line.lstrip().startswith(comment):
            yield f"{path}:{number}", line


def times(first: str, second: str, where: str, decimal_comma: bool = False) -> tuple[float, float]:
    """Two numbers, in the unit of the file.

    Raises:
        AtomicVADError: no finite numbers; names ``where``.
    """
    texts = [text.strip() for text in (first, second)]
    if decimal_comma:
        texts = [text.replace(",", ".") for text in texts]
    found = [float(text) if NUMBER.fullmatch(text) else math.nan for text in texts]
    if not all(map(math.isfinite, found)):
        raise AtomicVADError(
            f"{where}: times: expected two numbers, got {first[:40]!r}, {second[:40]!r}"
        )
    return found[0], found[1]


def row(start: float, end: float, label: str, where: str, point: bool = False) -> Segment:
    """A labelled segment.

    Args:
        point: a segment of no length is one too, as a mark in a label track.

    Raises:
        AtomicVADError: impossible times or an unknown label; names ``where``.
    """
    if not (0 <= start < end or (point and 0 <= start == end)):
        raise AtomicVADError(f"{where}: expected 0 <= start < end, got {start:g}, {end:g}")
    return Segment(start, end, is_speech(label, where), where)
