"""Processes that read recordings side by side, and how they end before all is read.

Between two recordings a process may hold a lock of its pool, or be sending what it has found: ended
then, it would leave others waiting. ``SIGUSR1`` ends a recording that is under way, nothing else.
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

from atomicvad.interrupts import interrupts_wait, is_put_off, keep_interrupts

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
    keep_interrupts()
    tqdm.set_lock(RLock())  # its own is one between processes, which would be left


def call_in_process(function: Callable[..., Result], *arguments: object) -> Result:
    """Call a function that reads a recording; told to end, it removes what it has half written.

    Raises:
        SystemExit: this process was told to end; nothing is begun any more.
    """
    STATE.is_reading = True
    try:
        if STATE.received:
            sys.exit(128 + STATE.received[0])
        return function(*arguments)
    finally:
        STATE.is_reading = False
        if signal.SIGTERM in STATE.received:
            os._exit(128 + signal.SIGTERM)


def _receive(number: int, frame: FrameType | None) -> None:
    if is_put_off(number, frame):
        return
    STATE.received.append(number)
    if STATE.is_reading:
        sys.exit(128 + number)
    if number == signal.SIGTERM:
        os._exit(128 + number)
