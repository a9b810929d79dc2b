"""Ctrl-C, and being asked to end, where Python would forget them or leave something half done.

What is raised within a destructor, or a callback from a library in C, is printed and ignored
(docs.python.org/3/library/sys.html#sys.unraisablehook).
"""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any

SOON = 0.01  # s, after which the destructor has ended
SIGNALS = {KeyboardInterrupt: signal.SIGINT, SystemExit: signal.SIGTERM}


def keep_interrupts() -> None:
    """From now on, an interrupt that was ignored comes once more; all else is printed as usual."""
    sys.unraisablehook = _once_more


def _once_more(ignored: Any) -> None:
    number = SIGNALS.get(ignored.exc_type)
    if number is None:
        sys.__unraisablehook__(ignored)
    while number:
        with contextlib.suppress(*SIGNALS):  # another one, meanwhile
            threading.Timer(SOON, os.kill, (os.getpid(), number)).start()
            number = None


@contextlib.contextmanager
def interrupts_wait() -> Iterator[None]:
    """Ctrl-C takes effect at the end: the block is not interrupted, whatever it waits for.

    To block the signal would not do: Python's handler runs in the main thread even where another
    thread receives it.
    """
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield
        return
    waiting: list[Any] = []
    signal.signal(signal.SIGINT, lambda *signal_and_frame: waiting.append(signal_and_frame))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if waiting:
            handler(*waiting[0])
