"""Processes that read recordings side by side, and how they end before all is read.

A signal only notes that its process is to end; between two blocks of a recording this is looked at.
Elsewhere a process may hold a lock of its pool, be sending what it has found, or be within a
library that does not bear an exception: ended there, it would leave others waiting.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from multiprocessing import active_children
from threading import RLock
from types import FrameType, SimpleNamespace
from typing import TypeVar

from tqdm.std import tqdm

from atomicvad.interrupts import interrupts_wait

Result = TypeVar("Result")
# Of this process: the signals that have come, and whether it reads a recording.
STATE = SimpleNamespace(received=[], is_reading=False)


@contextlib.contextmanager
def ended_early() -> Iterator[None]:
    """After Ctrl-C or another end before all is done: recordings of hours are not waited for."""
    try:
        yield
    except BaseException:
        with interrupts_wait():
            for child in active_children():
                if child.pid:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(child.pid, signal.SIGUSR1)
        raise


def prepare_process() -> None:
    """Prepare a process of a pool for ``call_in_process``."""
    for number in (signal.SIGUSR1, signal.SIGTERM):
        signal.signal(number, _receive)
    tqdm.set_lock(RLock())  # its own is one between processes, which would be left


def call_in_process(function: Callable[..., Result], *arguments: object) -> Result:
    """Call a function that reads a recording, and calls ``end_if_told`` while it does.

    Raises:
        SystemExit: this process was told to end; no other recording is begun.
    """
    STATE.is_reading = True
    try:
        end_if_told()
        return function(*arguments)
    finally:
        STATE.is_reading = False
        if signal.SIGTERM in STATE.received:
            os._exit(128 + signal.SIGTERM)


def end_if_told() -> None:
    """End the recording that is being read, if this process was told to.

    Raises:
        SystemExit: it was.
    """
    if STATE.received:
        sys.exit(128 + STATE.received[0])


def _receive(number: int, _: FrameType | None) -> None:
    STATE.received.append(number)
    if number == signal.SIGTERM and not STATE.is_reading:
        os._exit(128 + number)
