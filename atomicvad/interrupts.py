"""Ctrl-C, and SIGTERM, where Python would forget them or leave something half done.

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
USUAL = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
# What waits for a block; by the last one, an owner tells a process to end early.
HELD = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGUSR1") if hasattr(signal, name)]
RECEIVED: list[int] = []  # of the first two


def keep_interrupts() -> None:
    """From now on, an interrupt that would be ignored comes once more; other errors are printed.

    SIGTERM raises a KeyboardInterrupt, as Ctrl-C does. Both wait for a module in C or C++ that is
    being loaded. Where they are answered to in another way, or ignored, it stays like that.
    """
    sys.unraisablehook = _once_more
    for number, usual in USUAL.items():
        if signal.getsignal(number) is usual:
            signal.signal(number, _interrupt)


def exit_code() -> int:
    """That of a process which was interrupted: 130, or 143 if it was by SIGTERM."""
    return 128 + (RECEIVED or [signal.SIGINT])[0]


def is_put_off(number: int, frame: FrameType | None) -> bool:
    """Whether a module in C or C++ is being loaded; the signal then comes once more, soon."""
    if loading := _loads_extension(frame):
        _send_soon(number)
    return loading


def _interrupt(number: int, frame: FrameType | None) -> None:
    if not is_put_off(number, frame):
        RECEIVED.append(number)
        raise KeyboardInterrupt


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
    """Signals that end a command take effect after the block, which is not interrupted.

    To block the signal would not do: Python's handler runs in the main thread even where another
    thread receives it.
    """
    found = {number: signal.getsignal(number) for number in HELD}
    handlers = {number: handler for number, handler in found.items() if callable(handler)}
    if threading.current_thread() is not threading.main_thread():
        handlers = {}
    waiting: list[Any] = []
    try:
        with contextlib.ExitStack() as before:  # whichever comes meanwhile, all are put back
            for number, handler in handlers.items():
                before.callback(signal.signal, number, handler)
                signal.signal(number, lambda *signal_and_frame: waiting.append(signal_and_frame))
            yield
    finally:
        if waiting:
            handlers[waiting[0][0]](*waiting[0])
