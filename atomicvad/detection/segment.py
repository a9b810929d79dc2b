"""A stretch of speech."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Segment:
    """A stretch of speech.

    Attributes:
        start, end: in s from the beginning of the recording.
        mean, peak: mean and greatest probability of speech between them, padding left aside.
    """

    start: float
    end: float
    mean: float
    peak: float
