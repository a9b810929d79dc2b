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
# The handlers of a new Python.
USUAL = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
RECEIVED: list[int] = []  # signals that raised a KeyboardInterrupt, in order


class Terminated(KeyboardInterrupt):
    """SIGTERM has come.

    After a plain KeyboardInterrupt within ``exec``, ``python -m`` ends as by Ctrl-C.
    """


def keep_interrupts() -> None:
    """From now on, an interrupt that would be ignored comes once more; other errors are printed.

    SIGTERM raises a KeyboardInterrupt, as Ctrl-C does. Both wait for a module in C or C++ that is
    being loaded. A handler that was set before, or SIG_IGN, stays.
    """
    sys.unraisablehook = _once_more
    for number, usual in USUAL.items():
        if signal.getsignal(number) is usual:
            signal.signal(number, _interrupt)


def exit_code() -> int:
    """That of a process which was interrupted: 130, or 143 if it was by SIGTERM."""
    return 128 + (RECEIVED or [signal.SIGINT])[0]


def _interrupt(number: int, frame: FrameType | None) -> None:
    if _loads_extension(frame):
        _send_soon(number)
        return
    RECEIVED.append(number)
    raise Terminated if number == signal.SIGTERM else KeyboardInterrupt


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
    if not issubclass(ignored.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(ignored)
        return
    number = int(signal.SIGTERM if issubclass(ignored.exc_type, Terminated) else signal.SIGINT)
    is_sent = False
    while not is_sent:
        with contextlib.suppress(KeyboardInterrupt):  # another one, meanwhile
            _send_soon(number)
            is_sent = True


@contextlib.contextmanager
def interrupts_wait() -> Iterator[None]:
    """Signals that end a command take effect after the block, which is not interrupted.

    To block the signal would not do: Python's handler runs in the main thread even where another
    thread receives it.
    """
    found = {int(number): signal.getsignal(number) for number in USUAL}
    handlers = {number: handler for number, handler in found.items() if callable(handler)}
    if threading.current_thread() is not threading.main_thread() or not handlers:
        yield
        return
    waiting: dict[int, FrameType | None] = {}
    is_over = False

    def wait(number: int, frame: FrameType | None) -> None:
        if is_over:  # one that was put back first has raised: this one stays
            handlers[number](number, frame)
        else:
            waiting[number] = frame

    try:
        for number in handlers:
            signal.signal(number, wait)
        yield
    finally:
        is_over = True
        with contextlib.ExitStack() as deliveries:  # each, whatever another raises
            for number, frame in waiting.items():
                deliveries.callback(handlers[number], number, frame)
            for number, handler in handlers.items():
                signal.signal(number, handler)
