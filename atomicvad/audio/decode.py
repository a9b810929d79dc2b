"""Decoding of audio files of any format to 16 kHz mono, and reading of their headers.

libsndfile reads what it can (WAV, FLAC, Ogg, MP3 …); FFmpeg, through PyAV, reads the rest (M4A,
G.722 …). Headers are not believed: what they state is compared with what is in the file, and a file
that contradicts its header is read as a whole, with a warning, or refused. Without PyAV, which is
optional, checks that need FFmpeg are left out: whether an MP3 file goes on after what its header
counts, and whether the timestamps of Ogg Opus leave holes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from atomicvad.audio.files import AudioError, Excerpt, Source, name_of, opened, read_bytes
from atomicvad.audio.mono import Mixer, at_16_khz
from atomicvad.audio.readers import checked_blocks, stated_by_head, whole_parts
from atomicvad.audio.signal import SAMPLE_RATE

__all__ = ["AudioError", "Header", "audio_chunks", "decode", "read_bytes", "read_header"]

LONGEST = 1e6  # s


@dataclass(frozen=True)
class Header:
    """What the header of an audio file states; nothing is decoded."""

    seconds: float
    rate: int
    channels: int


def read_header(source: Source, name: str | None = None) -> Header:
    """Duration, rate and channels of an audio file.

    Where the header states no length, or a wrong one, ``seconds`` is what is in the file.

    Args:
        source: see ``decode``.
        name: see ``decode``.

    Raises:
        AudioError: a missing or empty file, no audio, or an impossible length or rate.
    """
    name = name_of(source, name)
    with opened(source, name) as file:
        found = [Header(*stated_by_head(part, name)) for part in whole_parts(file, name)]
    header = Header(sum(one.seconds for one in found), found[0].rate, found[0].channels)
    if not 0 < header.seconds < LONGEST:
        raise AudioError(f"{name}: its header states {header.seconds} s at {header.rate} Hz")
    return header


def decode(source: Source, name: str | None = None, channel: int | None = None) -> np.ndarray:
    """Any audio file as mono float32 at 16 kHz, ``[samples]``.

    Channels are averaged; soxr (HQ) resamples. Floats above full scale stay as they are. Where
    timestamps leave a hole there is silence, and files that were joined follow each other. What is
    odd about a file is logged (``atomicvad.audio``): a header that is wrong, holes, channels that
    cancel, samples far above full scale.

    Sound stands where it was before it was encoded, to a tenth of a millisecond, where a file
    states its encoder's delay: MP3 with a Xing or LAME header, M4A and MP4 with an
    edit list, Ogg, WebM, Matroska, FLAC. Others do not tell encoders apart, so that all comes late:
    MP3 without one, or in WAV, AVI, FLV and MPEG-TS, by 1105 samples after LAME (25 ms at
    44.1 kHz); AAC in ADTS, MPEG-TS, FLV and fragmented MP4 by 1024 or, after Apple's encoder, 2112;
    MP2 by 481; AC-3 by 256; WMA, after FFmpeg's encoder, by 32 to 64 ms.

    Of several audio streams, as films have them, the first is read.

    Args:
        source: a path, the content of a file, or a file opened in binary mode. A file that can
            seek is read from its beginning; a pipe, from where it is, to its end.
        name: used in errors, the path by default; the suffix ``.g722`` means raw G.722.
        channel: the only one to be read, from 0 on; by default the mean of all.

    Raises:
        AudioError: a missing, empty or truncated file, one whose samples are more or fewer than
            its header states, no audio, no such channel, samples that are not finite, or a format
            that needs FFmpeg where PyAV is missing. The message begins with ``name``.
    """
    name = name_of(source, name)
    waveform, filled = np.empty(SAMPLE_RATE, np.float32), 0
    for chunk in _chunks(source, name, channel):
        if filled + len(chunk) > len(waveform):
            # In place, where the system can; memory that is not written to is not taken.
            waveform.resize(2 * (filled + len(chunk)), refcheck=False)
        waveform[filled : filled + len(chunk)] = chunk
        filled += len(chunk)
    waveform.resize(filled, refcheck=False)
    return waveform


def audio_chunks(
    source: Source, name: str | None = None, channel: int | None = None, progress: bool = False
) -> Iterator[np.ndarray]:
    """Yield a file as ``decode`` reads it, in chunks of about 10 s.

    Args:
        source: see ``decode``.
        name: see ``decode``.
        channel: see ``decode``.
        progress: whether to show the seconds that were read.

    Raises:
        AudioError: see ``decode``; what is found at a file's end is raised after its chunks.
    """
    name = name_of(source, name)
    with tqdm(desc=Path(name).name, unit="s", disable=not progress) as bar:
        for chunk in _chunks(source, name, channel):
            yield chunk
            bar.update(len(chunk) // SAMPLE_RATE)


def _chunks(source: Source, name: str, channel: int | None) -> Iterator[np.ndarray]:
    """The samples of a file at 16 kHz, checked."""
    with opened(source, name) as file:
        yield from _checked(file, name, Mixer(name, channel))


def _checked(file: Excerpt, name: str, mixer: Mixer) -> Iterator[np.ndarray]:
    some = False
    blocks = (block for part in whole_parts(file, name) for block in checked_blocks(part, name))
    for chunk in at_16_khz((rate, mixer.mono(block)) for rate, block in blocks):
        if not np.isfinite(chunk).all():
            raise AudioError(f"{name}: some samples are NaN or infinite")
        some = some or len(chunk) > 0
        yield chunk
    if not some:
        raise AudioError(f"{name}: no audio in it")
    mixer.warn()
