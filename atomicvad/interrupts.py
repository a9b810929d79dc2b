"""Ctrl-C, and being asked to end, where Python would forget them or leave something half done.

What is raised within a destructor, or a callback from a library in C, is printed and ignored
(docs.python.org/3/library/sys.html#sys.unraisablehook). What is raised while a module in C++ is
loaded becomes an ImportError, or aborts the process.
"""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from importlib.machinery import ExtensionFileLoader
from types import FrameType
from typing import Any

SOON = 0.01  # s, after which the destructor has ended, or the module may be loaded
SIGNALS = {KeyboardInterrupt: signal.SIGINT, SystemExit: signal.SIGTERM}


def keep_interrupts() -> None:
    """From now on, an interrupt that would be ignored comes once more; other errors are printed.

    Ctrl-C waits for a module in C or C++ that is being loaded.
    """
    sys.unraisablehook = _once_more
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> None:
    if _loads_extension(frame):
        _send_soon(number)
    else:
        signal.default_int_handler(number, frame)


def _loads_extension(frame: FrameType | None) -> bool:
    """Whether a module in C or C++ is being loaded, in ``frame`` or those that called it."""
    while frame:
        if frame.f_code.co_name in ("create_module", "exec_module") and isinstance(
            frame.f_locals.get("self"), ExtensionFileLoader
        ):
            return True
        frame = frame.f_back
    return False


def _send_soon(number: int) -> None:
    threading.Timer(SOON, os.kill, (os.getpid(), number)).start()


def _once_more(ignored: Any) -> None:
    number = SIGNALS.get(ignored.exc_type)
    if number is None:
        sys.__unraisablehook__(ignored)
    while number:
        with contextlib.suppress(*SIGNALS):  # another one, meanwhile
            _send_soon(number)
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
