"""A stretch of speech that was found."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Segment:
    """A stretch of speech.

    Attributes:
        start, end: in s from the beginning of the recording.
        mean, peak: of the probabilities of speech within it, from 0 to 1.

    >>> segment = Segment(start=1.25, end=3.5, mean=0.91, peak=0.99)
    >>> segment.end - segment.start
    2.25
    """

    start: float
    end: float
    mean: float
    peak: float
