"""Ctrl-C, and being asked to end, where Python would forget them.

What is raised within a destructor, or a callback from a library in C, is printed and ignored
(docs.python.org/3/library/sys.html#sys.unraisablehook).
"""

import os
import signal
import sys
import threading
from typing import Any

SOON = 0.01  # s, after which the destructor has ended
SIGNALS = {KeyboardInterrupt: signal.SIGINT, SystemExit: signal.SIGTERM}


def keep_interrupts() -> None:
    """From now on, an interrupt that was ignored comes once more; all else is printed as usual."""
    sys.unraisablehook = _once_more


def _once_more(ignored: Any) -> None:
    if number := SIGNALS.get(ignored.exc_type):
        threading.Timer(SOON, os.kill, (os.getpid(), number)).start()
    else:
        sys.__unraisablehook__(ignored)
