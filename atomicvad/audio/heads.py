"""Sizes that the headers of WAV, RF64, W64, AIFF, CAF and AU files state, against the file's.

A recorder that was killed leaves 0; a program that writes into a pipe does not know the size and
states -1 or a huge one; others count their own header. Then all samples are in the file, and the
header that is handed on says so.
"""

import re
import struct
from dataclasses import dataclass

from atomicvad.audio.files import BLOCK, LOG, AudioError, Excerpt

HUGE = 0x7FFFF000  # bytes; stated in 32 bits, this or more means "not known"
MOST_CHUNKS = 10_000
FEW = 4096  # bytes after the samples that may be anything
TAGS = (b"TAG", b"ID3", b"APETAGEX", b"LYRICS", b"3DI")


@dataclass(frozen=True)
class Layout:
    """How a kind of file is divided into chunks: a name, a size, a content.

    Attributes:
        first: position of the first chunk.
        name: bytes of a name.
        size: how a size is written, in the notation of ``struct``.
        data: the name of the chunk that holds the samples.
        before: bytes within that chunk before the samples.
        whole: whether a size counts name and size, too.
        align: chunks begin at multiples of this.
        total: position of the size of all chunks; 0: there is none.
    """

    first: int
    name: int
    size: str
    data: bytes = b"data"
    before: int = 0
    whole: bool = False
    align: int = 1
    total: int = 0

    @property
    def head(self) -> int:
        """Bytes before a chunk's content."""
        return self.name + struct.calcsize(self.size)


LAYOUTS = {
    b"RIFF": Layout(12, 4, "<I", align=2, total=4),
    b"RIFX": Layout(12, 4, ">I", align=2, total=4),
    b"RF64": Layout(12, 4, "<I", align=2),
    b"BW64": Layout(12, 4, "<I", align=2),
    b"FORM": Layout(12, 4, ">I", b"SSND", before=8, align=2, total=4),
    b"caff": Layout(8, 4, ">q", before=4),
    b"riff": Layout(40, 16, "<q", whole=True, align=8, total=16),
}
AU = {b".snd": ">I", b"dns.": "<I"}


@dataclass(frozen=True)
class _Samples:
    """Where the samples lie, and how their size is stated."""

    begin: int
    stated: int  # bytes of samples
    at: int  # of the size
    size: str  # how it is written
    added: int  # what the size counts besides
    layout: Layout | None = None


def repaired(file: Excerpt, name: str) -> Excerpt:
    """The file with the sizes in its header made right, if they were wrong.

    Raises:
        AudioError: the file is shorter than its header states, or goes on after that.
    """
    if file.bytes_at(0, 8) == b"NIST_1A\n":
        _check_sphere(file, name)
    file = _with_plain_codec(file)
    samples = _find_samples(file)
    if samples is None:
        return file
    there = file.length - samples.begin
    reason = _why_wrong(file, samples, there, name)
    if not reason:
        return _with_total(file, samples, name)
    LOG.warning("%s: %s; all %d bytes after its header are read as samples", name, reason, there)
    return _with_sizes(file, samples, there)


def _check_sphere(file: Excerpt, name: str) -> None:
    """A file of NIST states its samples in words; compressed ones are not compared."""
    head = file.bytes_at(0, 1024)
    found = dict(re.findall(rb"(\w+) -i (\d{1,12})\n", head))
    numbers = [int(found.get(key, 0)) for key in (b"sample_count", b"sample_n_bytes")]
    stated = numbers[0] * numbers[1] * int(found.get(b"channel_count", 1))
    if b"embedded" not in head and stated > file.length - 1024 + 1:
        raise AudioError(
            f"{name}: the file is truncated: its header states {stated} bytes of samples, "
            f"and {max(0, file.length - 1024)} follow"
        )


def _with_plain_codec(file: Excerpt) -> Excerpt:
    """A W64 file with the format code of its extensible header in the plain place.

    libsndfile does not read the GUID that holds it in W64, and would take the samples for integers.
    """
    head = file.bytes_at(0, 4096) if file.bytes_at(0, 4) == b"riff" else b""
    if (found := head.find(b"fmt ")) < 0:
        return file
    begin = found + 24
    kind, codec = (head[begin + at : begin + at + 2] for at in (0, 24))
    if kind != b"\xfe\xff" or codec == b"\x01\0":
        return file
    return Excerpt(file, 0, file.length, {begin: codec})


def _find_samples(file: Excerpt) -> _Samples | None:
    magic = file.bytes_at(0, 4)
    layout = LAYOUTS.get(magic)
    if magic in AU:
        return _in_au(file, AU[magic])
    if layout is None or (magic == b"FORM" and file.bytes_at(8, 3) != b"AIF"):
        return None
    return _in_chunks(file, layout)


def _in_au(file: Excerpt, size: str) -> _Samples | None:
    begin, stated = struct.unpack(size + "I", file.bytes_at(4, 8).ljust(8, b"\0"))
    return _Samples(begin, stated, 8, size, 0) if 24 <= begin <= file.length else None


def _in_chunks(file: Excerpt, layout: Layout) -> _Samples | None:
    head, at, long = layout.head, layout.first, 0
    for _ in range(MOST_CHUNKS):
        read = file.bytes_at(at, head)
        if len(read) < head:
            break
        (size,) = struct.unpack(layout.size, read[layout.name :])
        if read.startswith(layout.data):
            begin = at + head + layout.before
            if long and size == 0xFFFFFFFF:  # RF64 states it in a chunk of its own
                (size,) = struct.unpack("<q", file.bytes_at(long, 8).ljust(8, b"\0"))
                return _Samples(begin, size, long, "<q", 0, layout)
            added = layout.before + head * layout.whole
            return _Samples(begin, size - added, at + layout.name, layout.size, added, layout)
        if read.startswith(b"ds64"):
            long = at + head + 8
        if size < head * layout.whole:
            break
        at = _aligned(at + size + head * (not layout.whole), layout.align)
    return None


def _aligned(position: int, align: int) -> int:
    return -(-position // align) * align


def _why_wrong(file: Excerpt, samples: _Samples, there: int, name: str) -> str:
    """Why the stated size is not the size of the samples; empty if it is."""
    stated, unknown = samples.stated, "its header does not state its length"
    if stated <= 0:
        return "" if _is_metadata(file, samples, samples.begin) else unknown
    if stated > there + 1:
        if stated >= (HUGE if struct.calcsize(samples.size) == 4 else 1 << 62):
            return unknown
        if stated - there in (samples.begin, samples.begin - 8):  # it counts its own header
            return f"its header states {stated} bytes of samples, {stated - there} too many"
        raise AudioError(
            f"{name}: the file is truncated: its header states {stated} bytes of samples, "
            f"and {there} follow"
        )
    end = samples.begin + stated
    if _is_metadata(file, samples, end) or _is_zero(file, end):
        return ""
    after = there - stated
    if after % (1 << 32) == 0:  # a length that needs more than 32 bits
        return f"its header states {stated} bytes of samples, {after} too few"
    if after > max(min(FEW, stated), stated // 20):
        raise AudioError(
            f"{name}: the file goes on after its header's length: {stated} bytes of samples are "
            f"stated, and {after} bytes follow that are neither known metadata nor a whole file"
        )
    return ""


def _is_metadata(file: Excerpt, samples: _Samples, position: int) -> bool:
    """Whether what follows is nothing, a tag, or chunks up to the end."""
    layout = samples.layout
    if layout:
        position = _aligned(position, layout.align)
    if position >= file.length or file.bytes_at(position, 8).startswith(TAGS):
        return True
    if layout is None:
        return False
    head = layout.head
    for _ in range(MOST_CHUNKS):
        read = file.bytes_at(position, head)
        if len(read) < head or not all(32 <= byte < 127 for byte in read[:4]):
            return False
        (size,) = struct.unpack(layout.size, read[layout.name :])
        position += size + head * (not layout.whole)
        if size < head * layout.whole or position > file.length + 1:
            return False
        position = _aligned(position, layout.align)
        if position >= file.length:
            return True
    return False


def _is_zero(file: Excerpt, position: int) -> bool:
    file.seek(position)
    while block := file.read(BLOCK):
        if block.strip(b"\0"):
            return False
    return True


def _with_total(file: Excerpt, samples: _Samples, name: str) -> Excerpt:
    """A note if the size of all chunks is wrong; the samples' own size holds."""
    layout = samples.layout
    if layout and layout.total:
        width = struct.calcsize(layout.size)
        (total,) = struct.unpack(layout.size, file.bytes_at(layout.total, width))
        total += 0 if layout.whole else 8
        if file.length + 1 < total < HUGE:
            LOG.warning(
                "%s: its header states a file of %d bytes, it has %d; its samples are whole",
                name, total, file.length,
            )  # fmt: skip
    return file


def _with_sizes(file: Excerpt, samples: _Samples, there: int) -> Excerpt:
    def written(value: int, size: str) -> bytes:
        return struct.pack(size, min(value, 0xFFFFFFFF) if struct.calcsize(size) == 4 else value)

    sizes = {samples.at: written(there + samples.added, samples.size)}
    layout = samples.layout
    if layout and layout.total:
        total = file.length - (0 if layout.whole else 8)
        sizes[layout.total] = written(total, layout.size)
    return Excerpt(file, 0, file.length, sizes)
