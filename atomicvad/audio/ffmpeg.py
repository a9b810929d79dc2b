"""Reading with FFmpeg, through PyAV: M4A, WebM, Matroska, AVI, MPEG-TS, WMA, WavPack, G.722.

Samples stand where their timestamps say: holes, and a late start, are silence; what comes before
the beginning is dropped. PyAV may be missing: then libsndfile reads what it can, and
the rest is refused.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from atomicvad.audio.files import LOG, AudioError, Excerpt
from atomicvad.audio.signal import SAMPLE_RATE
from atomicvad.audio.stream import BLOCK_SECONDS, Block, Stream, possible_rate

# Formats that FFmpeg may open; playlists, which name other files, are not among them.
CONTAINERS = {
    "format_whitelist": "aac,ac3,aiff,amr,ape,asf,au,avi,caf,eac3,flac,flv,g722,matroska,mov,mp3,"
    "mpeg,mpegts,nistsphere,ogg,tta,w64,wav,wv"
}
FROM_ZERO = ("mov", "matroska", "avi", "asf", "flv")  # others begin at any time
# Guessed by the bit rate.
WITHOUT_LENGTH = ("aac", "ac3", "amr", "eac3", "g722", "mp3", "mpeg", "mpegts")
HOLE = 0.015  # s; less is the rounding of timestamps
BACK = 1.0  # s; a jump back by more begins a new count
LONGEST_HOLE = 3600.0  # s; more is a damaged timestamp
DAMAGED = 0.1  # greatest share of packets that cannot be decoded
UNKNOWN = "libsndfile does not read this format; FFmpeg may"


def has_ffmpeg() -> bool:
    """Whether PyAV, which brings FFmpeg, can be imported."""
    try:
        import av  # noqa: F401
    except ImportError:
        return False
    return True


def missing(name: str, why: str) -> AudioError:
    """What is said where a file needs PyAV, and it is not there."""
    return AudioError(f"{name}: {why}: pip install 'atomicvad[formats]'")


@contextlib.contextmanager
def open_ffmpeg(
    file: Excerpt, name: str, raw_g722: bool = False, why: str = UNKNOWN
) -> Iterator[Stream]:
    """The audio of a file; every failure of FFmpeg is raised as ``AudioError``.

    Args:
        file: the file.
        name: used in errors.
        raw_g722: whether it is raw G.722.
        why: FFmpeg is needed; said where PyAV is missing.

    Raises:
        AudioError: no audio, an unknown format or codec, an impossible rate, damaged content; or
            PyAV is missing.
    """
    if not has_ffmpeg():
        raise missing(name, why)
    with _container(file, name, raw_g722) as (container, stream):
        rate = possible_rate(stream.rate or 0, name)
        reader = _Reader(container, stream, name)
        packet = stream.codec_context.frame_size or 0
        yield Stream(rate, stream.channels or 0, reader.promised(), reader.blocks(), packet)


def seconds_of_packets(file: Excerpt, name: str, raw_g722: bool = False) -> float:
    """The length of a file whose header does not state it, from its packets, without decoding."""
    with _container(file, name, raw_g722) as (container, stream):
        if raw_g722:  # 4 bits a sample
            return file.length * 2 / SAMPLE_RATE
        reader, end = _Reader(container, stream, name), 0.0
        for packet in container.demux(stream):
            length = float((packet.duration or 0) * packet.time_base) if packet.size else 0.0
            start = reader.time(packet.pts, packet.time_base)
            end = max(end, (end if start is None else start) + length)
        return end


def timestamps_jump(file: Excerpt, name: str) -> bool:
    """Whether the timestamps of a file leave holes; nothing is decoded."""
    try:
        with _container(file, name, False) as (container, stream):
            end = None
            for packet in container.demux(stream):
                if packet.pts is None or not packet.size:
                    continue
                if end is not None and (packet.pts - end) * packet.time_base > HOLE:
                    return True
                end = packet.pts + (packet.duration or 0)
    except AudioError:  # libsndfile may know better
        pass
    return False


@contextlib.contextmanager
def _container(file: Excerpt, name: str, raw_g722: bool) -> Iterator[tuple[Any, Any]]:
    import av

    form = "g722" if raw_g722 else None
    try:
        with av.open(file.anew(), format=form, options=CONTAINERS) as container:
            if not container.streams.audio:
                raise AudioError(f"{name}: no audio in it")
            stream = container.streams.audio[0]
            if stream.codec_context is None:
                raise AudioError(f"{name}: an unknown codec")
            yield container, stream
    except AudioError:
        raise
    except (av.FFmpegError, ValueError, EOFError, ArithmeticError, IndexError, OSError):
        raise AudioError(f"{name}: cannot be decoded as audio") from None


class _Reader:
    """Decodes a stream and puts its samples where their timestamps say."""

    def __init__(self, container: Any, stream: Any, name: str):
        import av

        self.container, self.stream, self.name = container, stream, name
        self.form = container.format.name.split(",")[0]
        self.origin: float | None = None
        if self.form in FROM_ZERO:
            self.origin = 0.0
        elif container.start_time is not None:
            self.origin = container.start_time / av.time_base
        self.written = 0.0  # s
        self.holes: list[tuple[float, float]] = []  # where, how long (s)

    def time(self, pts: int | None, base: Any) -> float | None:
        """Seconds from the beginning."""
        if pts is None or base is None:
            return None
        seconds = float(pts * base)
        if self.origin is None:
            self.origin = seconds
        return seconds - self.origin

    def promised(self) -> float | None:
        """The end of the audio by the header, in s."""
        import av

        container, stream = self.container, self.stream
        is_plain = stream.codec_context.name.startswith(("pcm", "adpcm"))
        if self.form in WITHOUT_LENGTH or (self.form == "avi" and is_plain):
            return None
        if stream.duration and stream.time_base:
            start = self.time(stream.start_time, stream.time_base) or 0.0
            if self.form == "ogg":  # its length is the position of its end
                start = -(self.origin or 0.0)
            return start + float(stream.duration * stream.time_base)
        if container.duration and len(container.streams) == 1:
            return container.duration / av.time_base
        return None

    def _frames(self) -> Iterator[Any]:
        import av

        count, bad = 0, 0
        for packet in self.container.demux(self.stream):
            count += 1
            try:
                frames = packet.decode()
            except av.error.InvalidDataError:
                bad += 1
                continue
            yield from frames
        if bad > DAMAGED * count:
            raise AudioError(f"{self.name}: {bad} of {count} packets cannot be decoded")
        if bad:
            LOG.warning("%s: %d of %d packets cannot be decoded", self.name, bad, count)

    def blocks(self) -> Iterator[Block]:
        """The samples, with silence in holes."""
        import av

        kind: tuple = ()
        pieces: list[np.ndarray] = []
        collected = 0
        for frame in self._frames():
            rate = possible_rate(frame.sample_rate, self.name)
            this = (rate, frame.layout.name, frame.format.name)
            channels, silence = len(frame.layout.channels), self._before(frame)
            if pieces and (this != kind or silence or collected > BLOCK_SECONDS * rate):
                yield kind[0], np.concatenate(pieces)
                pieces, collected = [], 0
            if this != kind:
                kind, to_float = this, av.AudioResampler(format="flt")
            for start in range(0, silence, BLOCK_SECONDS * rate):
                size = min(silence - start, BLOCK_SECONDS * rate)
                yield rate, np.zeros((size, channels), np.float32)
            # Interleaved: PyAV reads beyond its planes where there are more than eight.
            early = self._early(frame)
            for part in to_float.resample(frame):
                pieces.append(part.to_ndarray().reshape(-1, channels)[early:])
            collected += frame.samples - early
            self.written += (frame.samples - early) / rate
        if pieces:
            yield kind[0], np.concatenate(pieces)
        if self.holes:
            LOG.warning(
                "%s: silence where its timestamps leave %d holes, of %.2f s in all, the first at "
                "%.2f s", self.name, len(self.holes), sum(long for _, long in self.holes),
                self.holes[0][0],
            )  # fmt: skip

    def _early(self, frame: Any) -> int:
        """Samples of a first frame of MP4 that lie before the beginning.

        FFmpeg drops an encoder's delay there in samples of the file's clock; that of Opus ticks
        slower than its samples come.
        """
        start = self.time(frame.pts, frame.time_base)
        if self.form != "mov" or self.written or start is None or start >= 0:
            return 0
        return min(round(-start * frame.sample_rate), frame.samples)

    def _before(self, frame: Any) -> int:
        """Samples of silence before a frame."""
        start = self.time(frame.pts, frame.time_base)
        if start is None:
            return 0
        lacking = start - self.written
        if lacking < -BACK:
            self.origin = (self.origin or 0.0) + lacking
        if lacking < HOLE:
            return 0
        if lacking > LONGEST_HOLE:
            raise AudioError(
                f"{self.name}: a hole of {lacking:.0f} s at {self.written:.2f} s by its timestamps"
            )
        self.holes.append((self.written, lacking))
        silence = round(lacking * frame.sample_rate)
        self.written += silence / frame.sample_rate
        return silence
