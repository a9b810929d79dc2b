"""Audio of any format to 16 kHz mono, decoded once into a store that is memory-mapped."""

import io
import mmap
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile
import soxr
from tqdm.auto import tqdm

from atomicvad.ahead import ahead
from atomicvad.data.journal import Journal
from atomicvad.errors import AtomicVADError
from atomicvad.files import replacing

SAMPLE_RATE = 16000
RATES = (2000, 768000)  # Hz; others are damaged heads
FEW = 200  # recordings for which no process is started
UNDER_WAY = 32  # recordings decoded ahead of the one that is written
# Kinds of file that FFmpeg may see; playlists, which name other files, are none of them.
CONTAINERS = {
    "format_whitelist": "aac,aiff,amr,ape,asf,au,avi,caf,flac,g722,matroska,mov,mp3,mpeg,mpegts,"
    "nistsphere,ogg,tta,w64,wav,wv"
}
DENSEST = 6000  # samples that a byte can stand for: silence in FLAC


class AudioError(AtomicVADError):
    """Audio that cannot be used; names it and says why."""


def decode(source: Path | bytes, name: str | None = None) -> np.ndarray:
    """Any audio file as mono float32 at 16 kHz, ``[samples]``.

    libsndfile reads what it can (WAV, FLAC, Ogg, MP3); FFmpeg, through PyAV, the rest (Opus, M4A,
    G.722 …). Channels are averaged; soxr (HQ) resamples.

    Raises:
        AudioError: missing, empty, truncated (where the format lets it be known: WAV, AIFF, FLAC,
            Ogg, Opus, M4A), no audio in it, or samples that are not finite. The message begins
            with ``name`` (the path by default).
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
    """Whether a RIFF or AIFF file ends before the size in its head, an Ogg file before its end."""
    if data[:4] in (b"RIFF", b"FORM"):
        declared = int.from_bytes(data[4:8], "little" if data[:4] == b"RIFF" else "big")
        # A program that writes to a pipe cannot know the size and states a huge one.
        return len(data) + 1 < declared + 8 < 0x7FFFF000
    if data[:4] == b"OggS":
        last = data.rfind(b"OggS")
        return not data[last + 5 : last + 6] or not data[last + 5] & 4  # the end-of-stream flag
    return False


def _decode_bytes(data: bytes, name: str) -> np.ndarray:
    if not name.lower().endswith(".g722"):  # raw: without a header to be known by
        try:
            with soundfile.SoundFile(io.BytesIO(data)) as file:
                rate = _possible_rate(file.samplerate, name)
                if file.frames * file.channels > DENSEST * len(data):
                    raise AudioError(f"{name}: its head promises {file.frames} samples")
                waveform = file.read(dtype="float32", always_2d=True)
        except (soundfile.LibsndfileError, RuntimeError):
            pass
        else:
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

    form = "g722" if name.lower().endswith(".g722") else None
    try:
        with av.open(io.BytesIO(data), format=form, options=CONTAINERS) as container:
            if not container.streams.audio:
                raise AudioError(f"{name}: no audio in it")
            if container.streams.audio[0].codec_context is None:
                raise AudioError(f"{name}: an unknown codec")
            rate = _possible_rate(container.streams.audio[0].rate, name)
            to_float = av.AudioResampler(format="fltp")
            frames = [
                part.to_ndarray()
                for frame in container.decode(audio=0)
                for part in to_float.resample(frame)
            ]
    except (av.FFmpegError, ValueError, EOFError) as error:
        if isinstance(error, AudioError):
            raise
        raise AudioError(f"{name}: cannot be decoded as audio") from None
    if not frames:
        raise AudioError(f"{name}: no audio in it")
    mono = np.concatenate(frames, axis=1).mean(axis=0, dtype=np.float32)
    return _at_16_khz(mono, rate)


def to_int16(waveform: np.ndarray) -> np.ndarray:
    """Float samples in ±1 as int16; what lies beyond is clipped."""
    return np.rint(np.clip(waveform, -1, 1) * 32767).astype("<i2")


def _load(recording) -> np.ndarray | AudioError:
    # Errors travel back as values: one bad recording shall not stop a pool.
    try:
        content = recording.load()
        if isinstance(content, np.ndarray):
            return to_int16(content)
        return to_int16(decode(content, recording.recording))
    except AudioError as error:
        return error


def _pool(workers: int, total: int | None) -> Executor:
    """Processes; for a few recordings threads, which start at once."""
    if total is not None and total < FEW:
        return ThreadPoolExecutor(workers)
    return ProcessPoolExecutor(workers, get_context("forkserver"))


def _fresh(recordings: Iterable, journal: Journal, bar: tqdm) -> Iterator:
    """Recordings that an earlier attempt has not handled."""
    for recording in recordings:
        if journal.knows(recording.recording):
            bar.update()
        else:
            yield recording


def report_left_out(reasons: list[str], most: int = 20) -> None:
    """Say what was left out, and why: the first ones, and how many more."""
    for reason in reasons[:most]:
        tqdm.write(f"left out: {reason}")
    if len(reasons) > most:
        tqdm.write(f"left out: {len(reasons) - most} more")


class AudioStore:
    """All recordings of a profile, one after another: ``samples.i16`` and ``recordings.csv``.

    Attributes:
        recordings: a row each, with its place (``start``, ``samples``) in ``samples``.
        file: ``samples.i16``, open for those that read pieces of it by themselves.
        samples: the same memory-mapped, int16, 16 kHz mono.
    """

    def __init__(self, folder: Path):
        self.folder = Path(folder)
        table, data = self.folder / "recordings.csv", self.folder / "samples.i16"
        try:
            # All else is text: a speaker called 007 is not 7.
            types = defaultdict(lambda: str, start="int64", samples="int64")
            self.recordings = pd.read_csv(table, keep_default_na=False, dtype=types)
            if lacking := {"recording", "start", "samples"} - set(self.recordings):
                raise ValueError(f"{table.name}: no column {', '.join(sorted(lacking))}")
            self.file = open(data, "rb")  # noqa: SIM115
            pages = mmap.mmap(self.file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise AtomicVADError(f"{self.folder}: no audio store ({error})") from None
        self.samples = np.frombuffer(pages, "<i2", len(pages) // 2)
        expected = int(self.recordings["samples"].sum())
        if len(self.samples) != expected:
            raise AtomicVADError(f"{data}: expected {expected} samples, found {len(self.samples)}")

    @classmethod
    def build(
        cls,
        folder: Path,
        recordings: Iterable,
        total: int | None = None,
        workers: int = 2,
        fingerprint: str = "",
    ) -> "AudioStore":
        """Decode ``recordings`` (see ``corpora.Recording``) into a new store.

        The order is the given one whatever the number of workers. A recording whose decoded audio
        has been seen is dropped, and so is one that cannot be decoded: both are reported.

        Args:
            total: how many recordings there are, for the progress bar.
            fingerprint: of what the recordings come from. A decoding that was stopped goes on where
                it was when the fingerprint is the same; none: it begins anew.

        Raises:
            AudioError: a decoding process died.
        """
        folder = Path(folder)
        with closing(Journal(folder, fingerprint)) as journal:
            with (
                tqdm(total=total, desc="decoding", unit="file") as bar,
                _pool(workers, total) as pool,
            ):
                fresh = _fresh(recordings, journal, bar)
                try:
                    for recording, samples in ahead(pool, _load, fresh, UNDER_WAY):
                        if isinstance(samples, AudioError):
                            journal.refuse(recording.recording, str(samples))
                        else:
                            journal.add(recording.fields(), samples)
                        bar.update()
                except BrokenProcessPool:
                    raise AudioError(
                        f"a decoding process died after {len(journal.rows)} recordings "
                        "(out of memory?); the same command goes on"
                    ) from None
            journal.begin()
        with replacing(folder / "recordings.csv") as path:
            pd.DataFrame(journal.rows).to_csv(path, index=False)
        os.replace(journal.samples, folder / "samples.i16")
        journal.lines.unlink()
        hours = journal.position / SAMPLE_RATE / 3600
        tqdm.write(
            f"{len(journal.rows)} recordings, {hours:.1f} hours; "
            f"{journal.copies} exact copies left out"
        )
        report_left_out(journal.bad)
        return cls(folder)

    def read(self, index: int, start: int = 0, samples: int | None = None) -> np.ndarray:
        """A recording, or ``samples`` of it from ``start``, as float32 in ±1."""
        row = self.recordings.loc[index]
        end = row["samples"] if samples is None else start + samples
        if not 0 <= start <= end <= row["samples"]:
            raise AudioError(
                f"{row['recording']}: samples {start} to {end} are not within its {row['samples']}"
            )
        piece = self.samples[row["start"] + start : row["start"] + end]
        return piece.astype(np.float32) / 32768

    def gather(self, starts: np.ndarray, length: int) -> np.ndarray:
        """Windows at absolute positions: int16 ``[len(starts), length]``."""
        windows = np.empty((len(starts), length), np.int16)
        for window, start in zip(windows, starts, strict=True):
            window[:] = self.samples[start : start + length]
        return windows
