"""Mistakes that a user can mend: the one exception, and a check that raises it."""

from typing import Any


class AtomicVADError(ValueError):
    """A user's mistake in one line: which file, line or key, what came, what was expected."""

    def __init__(self, message: str):
        super().__init__(" ".join(message.splitlines()))  # a file's name may have several


def number(value: Any, name: str) -> float:
    """``value``, called ``name``, as a float.

    Raises:
        AtomicVADError: it is no number.
    """
    try:
        if not isinstance(value, str | bytes):
            return float(value)
    except (TypeError, ValueError, OverflowError):
        pass
    what = repr(value) if isinstance(value, str | bytes) else type(value).__name__
    raise AtomicVADError(f"{name}: expected a number, got {what}")
