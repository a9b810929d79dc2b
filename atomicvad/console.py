"""What is shown on a terminal or in a log."""

import os
import sys
from collections.abc import Sequence
from typing import Any, TextIO

from tqdm.auto import tqdm


class PlainLines:
    """A stream on which each state of a tqdm bar becomes a line of its own."""

    def __init__(self, stream: TextIO):
        self.stream, self.after_bar = stream, False

    def write(self, text: str) -> None:
        """Write text as it is, and a bar's state without its carriage return."""
        bar = text.startswith("\r")
        if bar and text.strip():
            self.stream.write(text.strip() + "\n")
        elif not bar and not (self.after_bar and text == "\n"):
            self.stream.write(text)
        self.after_bar = bar

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def plain_bars() -> None:
    """Unless stderr is a terminal: progress bars as lines, one in ten seconds."""
    if sys.stderr and not sys.stderr.isatty():  # it may have been closed
        os.environ.setdefault("TQDM_MININTERVAL", "10")
        sys.stderr = PlainLines(sys.stderr)


def end_bars() -> None:
    """End the progress bars that an interrupt left open: else they write after what is said last.

    An interrupt may fall between the making of a bar and the ``with`` that would end it.
    """
    for bar in list(getattr(tqdm, "_instances", ())):
        bar.close()


def report_left_out(reasons: Sequence[str], most: int = 20, what: str = "left out") -> None:
    """Print what was left out (or another ``what``), and why: the first ones, how many more."""
    for reason in reasons[:most]:
        tqdm.write(f"{what}: {reason}")
    if len(reasons) > most:
        tqdm.write(f"{what}: {len(reasons) - most} more")


def duration(seconds: float) -> str:
    """A time in the unit that suits it.

    >>> duration(12.4), duration(95), duration(7200)
    ('12 s', '2 min', '2.0 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
