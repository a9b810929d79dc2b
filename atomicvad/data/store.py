"""The audio store of a profile: all its recordings, decoded once to 16 kHz mono."""

import mmap
from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, closing
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from atomicvad.audio.decode import AudioError, decode
from atomicvad.audio.signal import SAMPLE_RATE, to_int16
from atomicvad.console import report_left_out
from atomicvad.corpora.recordings import Recording
from atomicvad.data.unfinished import UnfinishedStore
from atomicvad.errors import AtomicVADError
from atomicvad.files import RECORDINGS, SAMPLES, replacing
from atomicvad.parallel import FEW_FILES, computed_ahead, process_pool

UNDER_WAY = 32  # recordings decoded ahead of the one that is written


def _load(recording: Recording) -> np.ndarray | AudioError:
    # Errors are returned as values, so that a bad recording does not stop the pool.
    try:
        content = recording.load()
        if isinstance(content, np.ndarray):
            return to_int16(content)
        return to_int16(decode(content, recording.recording))
    except AudioError as error:
        return error


def _pool(workers: int, total: int | None) -> AbstractContextManager[Executor]:
    """A pool of processes; for a few recordings of threads, which start faster."""
    if total is not None and total < FEW_FILES:
        return ThreadPoolExecutor(workers)
    return process_pool(workers)


def _fresh(
    recordings: Iterable[Recording], unfinished: UnfinishedStore, bar: tqdm
) -> Iterator[Recording]:
    """The recordings that an earlier attempt has not decoded."""
    for recording in recordings:
        if unfinished.knows(recording.recording):
            bar.update()
        else:
            yield recording


class AudioStore:
    """All recordings of a profile, one after another: ``samples.i16`` and ``recordings.csv``.

    Attributes:
        recordings: a row for each, with its position (``start``, ``samples``) in ``samples``.
        file: ``samples.i16``, open for readers that use its descriptor.
        samples: its content, memory-mapped: int16, 16 kHz mono.
    """

    def __init__(self, folder: Path):
        self.folder = Path(folder)
        table, data = self.folder / RECORDINGS, self.folder / SAMPLES
        try:
            # All other columns are text: speaker 007 must not become 7.
            types: dict = defaultdict(lambda: str, start="int64", samples="int64")
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
        recordings: Iterable[Recording],
        total: int | None = None,
        workers: int = 2,
        fingerprint: str = "",
    ) -> "AudioStore":
        """Decode ``recordings`` into a new store, in their order, whatever ``workers`` is.

        Exact copies of an earlier recording, and recordings that cannot be decoded, are left out
        and reported.

        Args:
            total: number of recordings, for the progress bar.
            fingerprint: of the recordings' origin. An interrupted call is resumed by one with the
                same fingerprint; if empty, decoding starts from the beginning.

        Raises:
            AudioError: a decoding process died.
        """
        folder = Path(folder)
        with closing(UnfinishedStore(folder, fingerprint)) as unfinished:
            with (
                tqdm(total=total, desc="decoding", unit="file") as bar,
                _pool(workers, total) as pool,
            ):
                fresh = _fresh(recordings, unfinished, bar)
                try:
                    for recording, samples in computed_ahead(pool, _load, fresh, UNDER_WAY):
                        if isinstance(samples, AudioError):
                            unfinished.refuse(recording.recording, str(samples))
                        else:
                            unfinished.add(recording.fields(), samples)
                        bar.update()
                except BrokenProcessPool:
                    raise AudioError(
                        f"a decoding process died after {len(unfinished.rows)} recordings "
                        "(out of memory?); the same command continues"
                    ) from None
            with replacing(folder / RECORDINGS) as path:
                pd.DataFrame(unfinished.rows).to_csv(path, index=False)
            unfinished.finish(folder / SAMPLES)
        hours = unfinished.position / SAMPLE_RATE / 3600
        tqdm.write(
            f"{len(unfinished.rows)} recordings, {hours:.1f} hours; "
            f"{unfinished.copies} exact copies left out"
        )
        report_left_out(unfinished.bad)
        return cls(folder)

    def read(self, index: int, start: int = 0, samples: int | None = None) -> np.ndarray:
        """A recording, or ``samples`` samples of it from ``start``, as float32 in ±1."""
        row = self.recordings.loc[index]
        end = row["samples"] if samples is None else start + samples
        if not 0 <= start <= end <= row["samples"]:
            raise AudioError(
                f"{row['recording']}: samples {start} to {end} are not within its {row['samples']}"
            )
        piece = self.samples[row["start"] + start : row["start"] + end]
        return piece.astype(np.float32) / 32768

    def gather(self, starts: np.ndarray, length: int) -> np.ndarray:
        """Windows at positions ``starts`` in the store: int16 ``[len(starts), length]``."""
        windows = np.empty((len(starts), length), np.int16)
        for window, start in zip(windows, starts, strict=True):
            window[:] = self.samples[start : start + length]
        return windows
