"""Numbers as they are printed."""

import numpy as np


def with_interval(value: float, low: float, high: float, digits: int = 3, sign: str = "") -> str:
    """A number and its interval, or the number alone where there is no interval.

    >>> with_interval(0.9371, 0.93, 0.945), with_interval(0.5, float("nan"), float("nan"), 2)
    ('0.937 [0.930, 0.945]', '0.50')
    """
    form = f"{sign}.{digits}f"
    text = f"{value:{form}}"
    return f"{text} [{low:{form}}, {high:{form}}]" if np.isfinite([low, high]).all() else text


def counted(number: float, noun: str) -> str:
    """A number of things.

    >>> counted(1, "file"), counted(1200, "file")
    ('1 file', '1,200 files')
    """
    return f"{number:,} {noun}{'s' * (number != 1)}"
