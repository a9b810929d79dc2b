"""Decoding of audio files of any format to 16 kHz mono, and reading of their headers.

libsndfile reads what it can (WAV, FLAC, Ogg, MP3 …); FFmpeg, through PyAV, reads the rest (M4A,
G.722 …).
"""

import contextlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
from tqdm.auto import tqdm

from atomicvad.audio.signal import SAMPLE_RATE
from atomicvad.errors import AtomicVADError

RATES = (2000, 768000)  # Hz; other values come from damaged headers
# Formats that FFmpeg may open; playlists, which name other files, are not among them.
CONTAINERS = {
    "format_whitelist": "aac,aiff,amr,ape,asf,au,avi,caf,flac,g722,matroska,mov,mp3,mpeg,mpegts,"
    "nistsphere,ogg,tta,w64,wav,wv"
}
DENSEST = 6000  # samples per byte of silence in FLAC; a header that promises more is damaged
CHUNK_SECONDS = 10
NOT_KNOWN = (soundfile.LibsndfileError, RuntimeError, TypeError, OSError)


class AudioError(AtomicVADError):
    """Audio that cannot be used; the message names it and gives the reason."""


@dataclass(frozen=True)
class Header:
    """What the header of an audio file states; nothing is decoded."""

    seconds: float
    rate: int
    channels: int


def _is_raw_g722(name: str) -> bool:
    """Whether a file is known by its name alone: raw G.722 has no header."""
    return name.lower().endswith(".g722")


def _open_with_sndfile(source: Path | bytes, name: str) -> soundfile.SoundFile | None:
    """An open file, or ``None`` if libsndfile does not know the format."""
    if _is_raw_g722(name):
        return None
    try:
        return soundfile.SoundFile(io.BytesIO(source) if isinstance(source, bytes) else str(source))
    except NOT_KNOWN:
        return None


@contextlib.contextmanager
def _open_with_ffmpeg(source: Path | bytes, name: str) -> Iterator[tuple[Any, Any]]:
    """A container and its first audio stream; failures are raised as ``AudioError``."""
    import av

    form = "g722" if _is_raw_g722(name) else None
    file = io.BytesIO(source) if isinstance(source, bytes) else str(source)
    try:
        with av.open(file, format=form, options=CONTAINERS) as container:
            if not container.streams.audio:
                raise AudioError(f"{name}: no audio in it")
            stream = container.streams.audio[0]
            if stream.codec_context is None:
                raise AudioError(f"{name}: an unknown codec")
            yield container, stream
    except AudioError:
        raise
    except (av.FFmpegError, ValueError, EOFError, ArithmeticError, OSError):
        raise AudioError(f"{name}: cannot be decoded as audio") from None


def read_header(path: Path) -> Header:
    """Duration, rate and channels of an audio file.

    Raises:
        AudioError: a missing or empty file, no audio, or an impossible length or rate.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
    except (OSError, RuntimeError) as error:  # a link to itself
        raise AudioError(f"{path}: {getattr(error, 'strerror', None) or error}") from None
    if not path.is_file():
        raise AudioError(f"{path}: not a file that can be read")
    if not size:
        raise AudioError(f"{path}: the file is empty")
    if _is_raw_g722(path.name):  # 4 bits a sample at 16 kHz
        return Header(size * 2 / SAMPLE_RATE, SAMPLE_RATE, 1)
    file = _open_with_sndfile(path, path.name)
    if file is not None and file.samplerate:
        with file:
            header = Header(file.frames / file.samplerate, file.samplerate, file.channels)
    else:
        header = _header_of_ffmpeg(path)
    if not (0 < header.seconds < 1e6 and RATES[0] <= header.rate <= RATES[1]):
        raise AudioError(f"{path}: its head states {header.seconds} s at {header.rate} Hz")
    return header


def _header_of_ffmpeg(path: Path) -> Header:
    import av

    with _open_with_ffmpeg(path, str(path)) as (container, stream):
        if stream.duration and stream.time_base:
            seconds = float(stream.duration * stream.time_base)
        elif container.duration:
            seconds = container.duration / av.time_base
        else:  # a bare stream: the lengths of its packets, still without decoding
            packets = container.demux(stream)
            seconds = float(sum((p.duration or 0) * p.time_base for p in packets if p.size))
        return Header(seconds, stream.rate or 0, stream.channels or 0)


def decode(source: Path | bytes, name: str | None = None) -> np.ndarray:
    """Any audio file as mono float32 at 16 kHz, ``[samples]``.

    Channels are averaged; soxr (HQ) resamples.

    Args:
        source: a file, or its content.
        name: used in errors, the path by default; the suffix ``.g722`` means raw G.722.

    Raises:
        AudioError: a missing, empty or truncated file (truncation is found in WAV, AIFF, FLAC,
            Ogg, Opus and M4A), no audio, or samples that are not finite. The message begins with
            ``name``.
    """
    name = name or str(source)
    if not isinstance(source, bytes):
        source = read_bytes(Path(source), name)
    if not source:
        raise AudioError(f"{name}: the file is empty")
    if _is_truncated(source):
        raise AudioError(f"{name}: the file is truncated")
    waveform = _decode_bytes(source, name)
    if not len(waveform):
        raise AudioError(f"{name}: no audio in it")
    if not np.isfinite(waveform).all():
        raise AudioError(f"{name}: some samples are NaN or infinite")
    return waveform


def read_bytes(path: Path, name: str | None = None) -> bytes:
    """A file's content.

    Raises:
        AudioError: it cannot be read.
    """
    try:
        if path.exists() and not path.is_file():
            raise AudioError(f"{name or path}: not a file that can be read")
        return path.read_bytes()
    except (OSError, RuntimeError) as error:  # a link to itself
        raise AudioError(f"{name or path}: {getattr(error, 'strerror', None) or error}") from None


def _is_truncated(data: bytes) -> bool:
    """Whether a RIFF or AIFF file is shorter than its header states, or an Ogg file has no end."""
    if data[:4] in (b"RIFF", b"FORM"):
        declared = int.from_bytes(data[4:8], "little" if data[:4] == b"RIFF" else "big")
        # A program that writes to a pipe does not know the size and states a huge one.
        return len(data) + 1 < declared + 8 < 0x7FFFF000
    if data[:4] == b"OggS":
        last = data.rfind(b"OggS")
        return not data[last + 5 : last + 6] or not data[last + 5] & 4  # the end-of-stream flag
    return False


def _decode_bytes(data: bytes, name: str) -> np.ndarray:
    file = _open_with_sndfile(data, name)
    if file is not None:
        with file, contextlib.suppress(soundfile.LibsndfileError, RuntimeError):
            rate = _possible_rate(file.samplerate, name)
            if file.frames * file.channels > DENSEST * len(data):
                raise AudioError(f"{name}: its head promises {file.frames} samples")
            waveform = file.read(dtype="float32", always_2d=True)
            return _at_16_khz(waveform.mean(axis=1, dtype=np.float32), rate)
    return _decode_with_ffmpeg(data, name)


def _possible_rate(rate: int, name: str) -> int:
    if not RATES[0] <= rate <= RATES[1]:
        raise AudioError(f"{name}: a sample rate of {rate} Hz")
    return rate


def _at_16_khz(mono: np.ndarray, rate: int) -> np.ndarray:
    return mono if rate == SAMPLE_RATE else soxr.resample(mono, rate, SAMPLE_RATE)


def _decode_with_ffmpeg(data: bytes, name: str) -> np.ndarray:
    import av

    with _open_with_ffmpeg(data, name) as (container, stream):
        rate = _possible_rate(stream.rate, name)
        to_float = av.AudioResampler(format="fltp")
        frames = [
            part.to_ndarray()
            for frame in container.decode(audio=0)
            for part in to_float.resample(frame)
        ]
    if not frames:
        raise AudioError(f"{name}: no audio in it")
    mono = np.concatenate(frames, axis=1).mean(axis=0, dtype=np.float32)
    return _at_16_khz(mono, rate)


def audio_chunks(path: Path) -> Iterator[np.ndarray]:
    """Yield a file as mono float32 at 16 kHz, in chunks of about 10 s; shows progress.

    Files that libsndfile cannot read (M4A, G.722 …) are decoded in one chunk.

    Raises:
        AudioError: see ``decode``.
    """
    path = Path(path)
    file = _open_with_sndfile(path, path.name)
    if file is None:
        yield decode(path)
        return
    with file:
        resampler = None
        if file.samplerate != SAMPLE_RATE:
            resampler = soxr.ResampleStream(file.samplerate, SAMPLE_RATE, 1, "float32")
        size, left = CHUNK_SECONDS * file.samplerate, file.frames
        with tqdm(total=left // file.samplerate, desc=path.name, unit="s") as bar:
            for block in file.blocks(size, dtype="float32", always_2d=True):
                left -= len(block)
                mono = block.mean(axis=1, dtype=np.float32)
                yield mono if resampler is None else resampler.resample_chunk(mono, left <= 0)
                bar.update(len(block) // file.samplerate)
