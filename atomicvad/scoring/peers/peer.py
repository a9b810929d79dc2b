"""One interface to another detector: a waveform in, outputs at a fixed hop out."""

import atexit
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from atomicvad.audio.signal import SAMPLE_RATE
from atomicvad.errors import AtomicVADError
from atomicvad.parallel import process_pool

PROCESSES = ExitStack()  # of the peers that need one of their own, each kept for the next waveform
atexit.register(PROCESSES.close)


@dataclass(frozen=True)
class Peer:
    """A detector: output ``n`` is for the ``hop`` samples from ``n * hop`` on.

    ``delay``: samples past those that an output depends on; ``None``: it depends on the whole
    clip. ``how``: how it is run here. ``run``: waveform (float32, 16 kHz) -> outputs in 0…1.
    """

    name: str
    title: str
    package: str
    license: str
    how: str
    hop: int
    delay: int | None
    run: Callable[[np.ndarray], np.ndarray | list[float]]
    native: bool = False  # has native libraries: runs in a process without TensorFlow

    def score(self, waveform: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Speech along a waveform.

        Args:
            waveform: 16 kHz mono, ±1, ``[samples]``.

        Returns:
            Times of the outputs' centres in s, and the outputs in 0…1.

        Raises:
            AtomicVADError: the package is missing or does not start.
        """
        waveform = np.asarray(waveform, np.float32)
        try:
            if self.native:
                outputs = _own_process(self.name).submit(self.run, waveform).result()
            else:
                outputs = self.run(waveform)
            outputs = np.asarray(outputs, np.float32)
        except (ImportError, OSError, BrokenProcessPool) as error:
            _own_process.cache_clear()
            raise AtomicVADError(
                f"{self.title}: {self.package} cannot be started ({error})"
            ) from None
        return (np.arange(len(outputs)) + 0.5) * self.hop / SAMPLE_RATE, outputs

    @property
    def version(self) -> str:
        """Version of the installed package; empty if it is not installed."""
        try:
            return version(self.package)
        except PackageNotFoundError:
            return ""

    def problem(self) -> str | None:
        """Why the peer cannot run here; ``None`` if it can."""
        try:
            self.score(np.zeros(SAMPLE_RATE, np.float32))
        except AtomicVADError as error:
            return str(error)
        return None


@cache
def _own_process(name: str) -> ProcessPoolExecutor:
    """The process of a peer: the libraries of some cannot share one with TensorFlow.

    It writes nothing. What its library says there, such as the traceback of an object that was
    never whole, would stand in a notebook or between the lines of a command; what keeps a peer from
    running comes back as an exception.
    """
    return PROCESSES.enter_context(process_pool(1, "spawn", _mute))


def _mute() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
