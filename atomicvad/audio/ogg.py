"""Pages of Ogg files: where streams begin, whether pages are missing, whether the end is there."""

from collections.abc import Iterator
from dataclasses import dataclass

from atomicvad.audio.files import LOG, AudioError, Excerpt, opened

HEAD = 27  # bytes of a page's header, without its table of segments
CONTINUED, FIRST, LAST = 1, 2, 4  # flags


@dataclass(frozen=True)
class Page:
    """A page of an Ogg file."""

    start: int
    flags: int
    serial: int
    number: int


def _pages(file: Excerpt) -> Iterator[Page]:
    for start, match in file.search(rb"OggS\x00(.).{8}(.{4})(.{4}).{5}", HEAD):
        serial, number = (int.from_bytes(match[n], "little") for n in (2, 3))
        yield Page(start, match[1][0], serial, number)


def starts_of_streams(file: Excerpt) -> list[int]:
    """Where further streams follow the first one (a chain, as internet radio sends it)."""
    starts, begins = [], True
    for page in _pages(file):
        if page.flags & FIRST and not begins:
            starts.append(page.start)
        begins = bool(page.flags & FIRST)
    return starts


def first_closed_stream(content: bytes, name: str) -> bytes | None:
    """The first stream of a chain, or ``None`` if its end is not marked; other formats whole."""
    if not content.startswith(b"OggS"):
        return content
    with opened(content, name) as file:
        end = (*starts_of_streams(file), file.length)[0]
        closed = any(page.flags & LAST and page.start < end for page in _pages(file))
    return content[:end] if closed else None


def has_holes(file: Excerpt, name: str) -> bool:
    """Whether pages are missing.

    Raises:
        AudioError: the last page is cut off.
    """
    following: dict[int, int] = {}
    holes, closed, last = False, False, None
    for page in _pages(file):
        holes |= page.number > following.get(page.serial, page.number)
        following[page.serial] = page.number + 1
        closed |= bool(page.flags & LAST)
        last = page
    if closed:
        return holes
    head = file.bytes_at(last.start, HEAD + 255) if last else b""
    segments = head[26] if len(head) > 26 else 0
    if not last or last.start + HEAD + segments + sum(head[27 : 27 + segments]) != file.length:
        raise AudioError(f"{name}: the file is truncated: its last page is not whole")
    LOG.warning("%s: its end is not marked; it may be cut off", name)
    return holes
