"""Numbers as they are printed."""

import numpy as np

ROUNDED = 0.0005  # what is less has three zeros behind the point


def with_interval(value: float, low: float, high: float, digits: int = 3, sign: str = "") -> str:
    """A number and its interval, or the number alone where there is no interval.

    >>> with_interval(0.9371, 0.93, 0.945), with_interval(0.5, float("nan"), float("nan"), 2)
    ('0.937 [0.930, 0.945]', '0.50')
    >>> with_interval(0.0001, -0.0003, 0.0004, sign="+")
    '+0.000 [+0.000, +0.000]'
    """
    form = f"{sign}z.{digits}f"  # z: no minus before a zero
    text = f"{value:{form}}"
    return f"{text} [{low:{form}}, {high:{form}}]" if np.isfinite([low, high]).all() else text


# Digits after the point of a quantity whose name ends in its unit, or in "parameters".
DIGITS = {"(ms)": 1, "(kB)": 1, "(%)": 1, "(s)": 3, "parameters": 0}


def of_kind(value: float, quantity: str, sign: str = "") -> str:
    """A number with the digits that its kind is given: three, unless its name says otherwise.

    >>> of_kind(298.0, "parameters"), of_kind(0.93712, "AUROC"), of_kind(19.2225, "latency (ms)")
    ('298', '0.937', '19.2')
    >>> of_kind(0.0, "parameters", "+"), of_kind(float("nan"), "AUROC")
    ('0', '')
    """
    if not np.isfinite(value):
        return ""
    digits = next((count for end, count in DIGITS.items() if quantity.endswith(end)), 3)
    text = f"{value:,.{digits}f}"
    return f"+{text}" if sign and float(text.replace(",", "")) > 0 else text


def readable(found: object) -> object:
    """What a notebook shows of a table, or of the sentence that stands in its place."""
    from IPython.display import Markdown

    return Markdown(found) if isinstance(found, str) else found


def counted(number: float, noun: str) -> str:
    """A number of things.

    >>> counted(1, "file"), counted(1200, "file")
    ('1 file', '1,200 files')
    """
    return f"{number:,} {noun}{'s' * (number != 1)}"
