"""Files that are several, one after another, as ``cat a.mp3 b.mp3`` makes them.

The header of the first counts the first alone, and decoders stop after it. Each part is decoded as
the file that it was. Chained Ogg, as internet radio sends it, is such a file, too.
"""

import struct
from collections.abc import Iterator
from itertools import pairwise

from atomicvad.audio.files import LOG, AudioError, Excerpt
from atomicvad.audio.ogg import starts_of_streams

# Heads that begin a file, by the first bytes of one; those of Ogg and MP3 need more than a pattern.
HEADS = {
    b"fLaC": rb"fLaC[\x00\x80]\x00\x00\x22",
    b"RIFF": rb"RIFF....WAVE",
    b"FORM": rb"FORM....AIF[FC]",
    b".snd": rb"\.snd\x00..[\x00-\xff]....\x00\x00\x00.",
    b"riff": rb"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00",
    b"NIST": rb"NIST_1A\n   1024\n",
    b"caff": rb"caff\x00\x01\x00\x00desc",
    b"TTA1": rb"TTA1[\x01\x02]\x00",
    b"MAC ": rb"MAC [\x60-\xff]\x0f",
    b"#!AM": rb"#!AMR(?:-WB)?\n",
    b"\x1aE\xdf\xa3": rb"\x1aE\xdf\xa3.{1,48}?\x42\x82.(?:webm|matroska)",
    b"0&\xb2u": rb"0&\xb2u\x8ef\xcf\x11\xa6\xd9\x00\xaa\x00b\xcel",
}
SPAN = 80  # bytes of the longest of them
SIZED = {b"RIFF": "<I", b"FORM": ">I"}  # the second header lies after the size that is stated
ID3 = rb"ID3[\x02-\x04]\x00[\x00-\xe0][\x00-\x7f]{4}"
COUNTED = rb"\xff[\xe2-\xfb][\x10-\xef].(?:.{32}|.{17}|.{9})(?:Xing|Info)\x00\x00\x00[\x00-\x0f]"
NEAR_END = 256  # bytes of tags of the first version
NEAR = 4096  # bytes between a tag and the first frame


def parts(file: Excerpt, name: str) -> list[Excerpt]:
    """The files that follow each other in ``file``; mostly it alone.

    Raises:
        AudioError: an MP3 file that is shorter than its header states.
    """
    file = _without_tags(file)
    start = file.bytes_at(0, 12)
    if start[4:8] == b"ftyp":
        starts = _starts_of_boxes(file)
    elif start[:4] == b"OggS":
        starts = starts_of_streams(file)
    elif start[:4] in HEADS:
        starts = list(_starts(file, start[:4]))
    elif is_mp3(file):
        starts = list(_starts_of_mp3(file))
    else:
        starts = []
    if starts:
        LOG.warning("%s: %d files one after another", name, len(starts) + 1)
    bounds = pairwise([0, *starts, file.length])
    found = [_without_tags(Excerpt(file, first, end)) for first, end in bounds]
    for part in found:
        if is_mp3(part) and stated_end(part) > part.length + NEAR_END:
            raise AudioError(
                f"{name}: the file is truncated: its header states {stated_end(part)} bytes, "
                f"it has {part.length}"
            )
    return found


def _starts(file: Excerpt, magic: bytes) -> Iterator[int]:
    least = 1
    if magic in SIZED:
        (size,) = struct.unpack(SIZED[magic], file.bytes_at(4, 4).ljust(4, b"\0"))
        if size + 8 >= file.length - 12 and size < 0x7FFFF000:
            return
        least = size + 8 if 12 < size < 0x7FFFF000 else 1
    for position, _ in file.search(HEADS[magic], SPAN):
        if position >= least:
            yield position


def _starts_of_boxes(file: Excerpt) -> list[int]:
    """Second ``ftyp`` boxes of MP4, among those on the top level."""
    starts, at = [], 0
    while at + 8 <= file.length:
        size, kind = struct.unpack(">I4s", file.bytes_at(at, 8))
        if size == 1:
            (size,) = struct.unpack(">Q", file.bytes_at(at + 8, 8).ljust(8, b"\0"))
        if kind == b"ftyp" and at:
            starts.append(at)
        if size < 8:
            break
        at += size
    return starts


def audio_start(file: Excerpt) -> int:
    """Where a file begins after ID3 tags and the zeros that may follow them."""
    start = 0
    while (head := file.bytes_at(start, 10))[:3] == b"ID3" and len(head) == 10:
        start = _after_tag(start, head)
        after = file.bytes_at(start, NEAR)
        start += len(after) - len(after.lstrip(b"\0"))
    return start


def _without_tags(file: Excerpt) -> Excerpt:
    """A file from its own beginning on.

    At unusual tags decoders of MP3 miss the header that states the delay, and before other formats
    libsndfile loses as many bytes at the end.
    """
    start = min(audio_start(file), file.length)
    return Excerpt(file, start, file.length) if start else file


def _after_tag(position: int, head: bytes) -> int:
    size = 0
    for byte in head[6:10]:
        size = size << 7 | byte & 0x7F
    return position + 10 + size + 10 * bool(head[5] & 0x10)


def is_mp3(file: Excerpt) -> bool:
    """Whether a file begins as MP3 does: perhaps a tag, then a frame of layer I, II or III."""
    head = file.bytes_at(audio_start(file), 4)
    return len(head) == 4 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0 and head[1] & 6 != 0


def stated_end(file: Excerpt) -> int:
    """Where an MP3 file ends by the header in its first frame; 0 if that states nothing."""
    first = audio_start(file)
    head = file.bytes_at(first, 64)
    tag = max(head.find(b"Xing"), head.find(b"Info"))
    if not _is_frame(head) or tag < 0 or len(head) < tag + 16 or head[tag + 7] & 3 != 3:
        return 0
    return first + int.from_bytes(head[tag + 12 : tag + 16], "big")


def _is_frame(head: bytes) -> bool:
    """Whether a frame of layer III begins here: bit rate and sample rate are possible ones."""
    synced = len(head) >= 4 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2
    return synced and 0x10 <= head[2] < 0xF0 and head[2] & 0x0C != 0x0C


def is_counted(file: Excerpt) -> bool:
    """Whether the header of an MP3 file describes the whole file."""
    return abs(file.length - stated_end(file)) <= NEAR_END


def _starts_of_mp3(file: Excerpt) -> Iterator[int]:
    if is_counted(file):
        return
    first, stated = audio_start(file), stated_end(file)
    covered = first
    for position, match in file.search(rb"%s|%s" % (ID3, COUNTED), 64):
        if match[0].startswith(b"ID3"):
            end = position + audio_start(Excerpt(file, position, file.length))
            if covered <= position and end < file.length - NEAR // 8:
                yield position
                covered, stated = end, 0
        elif position > covered + NEAR:
            yield position
            covered, stated = position, 0
    if stated and covered == first and stated < file.length:
        if file.bytes_at(stated, 3) == b"TAG":
            stated += 128
        if _is_frame(file.bytes_at(stated, 4)):
            yield stated
