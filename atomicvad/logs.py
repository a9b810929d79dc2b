"""Output that nobody watches: lines for a log instead of bars."""

import os
import sys
from typing import TextIO


class PlainLines:
    """A stream on which each state of a tqdm bar becomes a line of its own."""

    def __init__(self, stream: TextIO):
        self.stream, self.after_bar = stream, False

    def write(self, text: str) -> None:
        bar = text.startswith("\r")
        if bar and text.strip():
            self.stream.write(text.strip() + "\n")
        elif not bar and not (self.after_bar and text == "\n"):
            self.stream.write(text)
        self.after_bar = bar

    def __getattr__(self, name: str):
        return getattr(self.stream, name)


def plain_log() -> None:
    """Unless stderr is a terminal: bars as lines, one in ten seconds. Before tqdm is imported."""
    if not sys.stderr.isatty():
        os.environ.setdefault("TQDM_MININTERVAL", "10")
        sys.stderr = PlainLines(sys.stderr)
