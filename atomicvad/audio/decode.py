"""Decoding of audio files of any format to 16 kHz mono, and reading of their headers.

libsndfile reads what it can (WAV, FLAC, Ogg, MP3 …); FFmpeg, through PyAV, reads the rest (M4A,
G.722 …). Heads are not believed: what they state is compared with what is in the file, and a file
that contradicts its head is read as a whole, with a warning, or refused.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
from tqdm.auto import tqdm

from atomicvad.audio.contradictions import refuse_contradictions
from atomicvad.audio.ffmpeg import open_ffmpeg, seconds_of_packets, timestamps_jump
from atomicvad.audio.files import LOG, AudioError, Excerpt, name_of, opened, read_bytes
from atomicvad.audio.heads import repaired
from atomicvad.audio.joined import is_counted, is_mp3, parts
from atomicvad.audio.ogg import has_holes
from atomicvad.audio.signal import SAMPLE_RATE
from atomicvad.audio.sndfile import FAILURES, open_sndfile
from atomicvad.audio.stream import Block

__all__ = ["AudioError", "Header", "audio_chunks", "decode", "read_bytes", "read_header"]

TOLERANCE = 0.1  # s between the length that a head states and the samples; a packet, mostly
MP3_DELAY = 4608  # samples that an encoder of MP3 adds, at most
LONGEST = 1e6  # s
CANCELS = 0.01  # power of the mean of channels by their mean power: 20 dB
TOO_LOUD = 100.0  # full scale is 1: whole numbers stored as floats


@dataclass(frozen=True)
class Header:
    """What the header of an audio file states; nothing is decoded."""

    seconds: float
    rate: int
    channels: int


def read_header(path: Path) -> Header:
    """Duration, rate and channels of an audio file.

    Where the head states no length, or a wrong one, ``seconds`` is what is in the file.

    Raises:
        AudioError: a missing or empty file, no audio, or an impossible length or rate.
    """
    path = Path(path)
    name, found = str(path), []
    with opened(path, name) as file:
        for part in _parts(file, name):
            with ExitStack() as stack:
                stream = None
                if not (_is_raw_g722(name) or _is_for_ffmpeg(part, name, trusting=True)):
                    stream = stack.enter_context(open_sndfile(part, name))
                if stream is None:
                    stream = stack.enter_context(open_ffmpeg(part, name, _is_raw_g722(name)))
                found.append(Header(stream.seconds or 0.0, stream.rate, stream.channels))
                known = stream.seconds is not None and not _is_uncounted(part)
            if not known:
                seconds = seconds_of_packets(part, name, _is_raw_g722(name))
                found[-1] = Header(seconds, stream.rate, stream.channels)
    header = Header(sum(one.seconds for one in found), found[0].rate, found[0].channels)
    if not 0 < header.seconds < LONGEST:
        raise AudioError(f"{name}: its head states {header.seconds} s at {header.rate} Hz")
    return header


def decode(source: Path | bytes, name: str | None = None) -> np.ndarray:
    """Any audio file as mono float32 at 16 kHz, ``[samples]``.

    Channels are averaged; soxr (HQ) resamples. Floats above full scale stay as they are. Where
    timestamps leave a hole there is silence, and files that were joined follow each other. What is
    odd about a file is logged (``atomicvad.audio``): a head that is wrong, holes, channels that
    cancel, samples far above full scale.

    Args:
        source: a file, or its content.
        name: used in errors, the path by default; the suffix ``.g722`` means raw G.722.

    Raises:
        AudioError: a missing, empty or truncated file, one whose samples are more or fewer than
            its head states, no audio, or samples that are not finite. The message begins with
            ``name``.
    """
    source = bytes(source) if isinstance(source, bytearray | memoryview) else source
    name = name_of(source, name)
    waveform, filled = np.empty(SAMPLE_RATE, np.float32), 0
    with opened(source, name) as file:
        for chunk in _chunks(file, name):
            if filled + len(chunk) > len(waveform):
                # In place, where the system can; memory that is not written to is not taken.
                waveform.resize(2 * (filled + len(chunk)), refcheck=False)
            waveform[filled : filled + len(chunk)] = chunk
            filled += len(chunk)
    waveform.resize(filled, refcheck=False)
    return waveform


def audio_chunks(path: Path) -> Iterator[np.ndarray]:
    """Yield a file as ``decode`` reads it, in chunks of about 10 s; shows progress.

    Raises:
        AudioError: see ``decode``; what is found at a file's end is raised after its chunks.
    """
    path = Path(path)
    with opened(path, str(path)) as file, tqdm(desc=path.name, unit="s") as bar:
        for chunk in _chunks(file, str(path)):
            yield chunk
            bar.update(len(chunk) // SAMPLE_RATE)


def _is_raw_g722(name: str) -> bool:
    """Whether a file is known by its name alone: raw G.722 has no header."""
    return name.lower().endswith(".g722")


def _parts(file: Excerpt, name: str) -> list[Excerpt]:
    if _is_raw_g722(name):
        return [file]
    found = parts(file, name)
    for part in found:
        refuse_contradictions(part, name)
    return [repaired(part, name) for part in found]


def _is_for_ffmpeg(file: Excerpt, name: str, trusting: bool = False) -> bool:
    """Whether libsndfile would lose samples, or their place in time.

    Args:
        trusting: believe an MP3 file's head, so that it need not be read as a whole.
    """
    start = file.bytes_at(0, 64)
    if start[:4] == b"OggS":
        return has_holes(file, name) or (b"OpusHead" in start and timestamps_jump(file, name))
    return is_mp3(file) and not (trusting and is_counted(file)) and _stops_early(file, name)


def _is_uncounted(file: Excerpt) -> bool:
    """Whether libsndfile guesses the length, from the bit rate of the first frame."""
    return is_mp3(file) and not is_counted(file)


def _stops_early(file: Excerpt, name: str) -> bool:
    """Whether libsndfile takes an MP3 file to be too short; it reads no more."""
    with open_sndfile(file, name) as stream:
        if stream is None or stream.seconds is None:
            return True
        slack = max(TOLERANCE, MP3_DELAY / stream.rate)
        try:
            return seconds_of_packets(file, name) > stream.seconds + slack
        except AudioError:
            return False


def _chunks(file: Excerpt, name: str) -> Iterator[np.ndarray]:
    """The samples of a file at 16 kHz, checked."""
    mixer, some = _Mixer(name), False
    blocks = (block for part in _parts(file, name) for block in _checked(part, name))
    for chunk in _at_16_khz((rate, mixer.mono(block)) for rate, block in blocks):
        if not np.isfinite(chunk).all():
            raise AudioError(f"{name}: some samples are NaN or infinite")
        some = some or len(chunk) > 0
        yield chunk
    if not some:
        raise AudioError(f"{name}: no audio in it")
    mixer.warn()


def _checked(file: Excerpt, name: str) -> Iterator[Block]:
    """The blocks of one file; their length is compared with what its head states."""
    found, promised, done, known = 0.0, None, False, False
    samples = 0
    raw = _is_raw_g722(name)
    if not (raw or _is_for_ffmpeg(file, name)):
        with open_sndfile(file, name) as stream:
            if stream is not None:
                known = True
                promised = None if _is_uncounted(file) else stream.seconds
                try:
                    for rate, block in stream.blocks:
                        yield rate, block
                        samples += len(block)
                        found += len(block) / rate
                    done = True
                except FAILURES:
                    done = False
    if not done:  # FFmpeg, from where libsndfile stopped
        with open_ffmpeg(file, name, raw) as stream:
            promised = stream.seconds if promised is None else promised
            for rate, block in stream.blocks:
                rest = block[samples:]
                samples -= len(block) - len(rest)
                if len(rest):
                    yield rate, rest
                    found += len(rest) / rate
    if promised is None or abs(found - promised) <= TOLERANCE:
        return
    if found < promised or (known and not done):  # two readers must agree
        raise AudioError(
            f"{name}: its head promises {promised:.2f} s, and {found:.2f} s can be decoded: "
            "truncated or damaged"
        )
    LOG.warning("%s: its head states %.2f s, it has %.2f s", name, promised, found)


def _at_16_khz(blocks: Iterator[tuple[int, np.ndarray]]) -> Iterator[np.ndarray]:
    """Mono blocks of any rate as one signal; the same bits as if resampled as a whole."""
    last: tuple[int, np.ndarray] | None = None
    resampler = None
    for rate, block in blocks:
        if last is not None:
            yield _resampled(resampler, last[1], rate != last[0])
        if last is None or rate != last[0]:
            resampler = None
            if rate != SAMPLE_RATE:
                resampler = soxr.ResampleStream(rate, SAMPLE_RATE, 1, "float32")
        last = rate, block
    if last is not None:
        yield _resampled(resampler, last[1], True)


def _resampled(
    resampler: soxr.ResampleStream | None, block: np.ndarray, is_last: bool
) -> np.ndarray:
    return block if resampler is None else resampler.resample_chunk(block, is_last)


class _Mixer:
    """Averages channels, and remembers what is odd about that."""

    def __init__(self, name: str):
        self.name, self.peak = name, 0.0
        self.power_of_mean = self.mean_power = 0.0

    def mono(self, block: np.ndarray) -> np.ndarray:
        """``[samples, channels]`` -> ``[samples]``."""
        with np.errstate(over="ignore", invalid="ignore"):  # NaN and more are found afterwards
            mono = block.mean(axis=1, dtype=np.float32)
            self.peak = max(self.peak, float(np.max(np.abs(mono), initial=0)))
            if block.shape[1] > 1:
                self.power_of_mean += float(np.vdot(mono, mono))
                self.mean_power += float(np.vdot(block, block)) / block.shape[1]
        return mono

    def warn(self) -> None:
        """Log what was odd."""
        if self.power_of_mean < CANCELS * self.mean_power:
            LOG.warning("%s: its channels cancel each other when they are averaged", self.name)
        if self.peak > TOO_LOUD:
            LOG.warning("%s: its samples reach %.3g; full scale is 1", self.name, self.peak)
