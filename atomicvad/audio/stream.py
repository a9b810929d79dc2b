"""What a reader of audio files hands on: blocks of samples, and what the header promised."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from atomicvad.audio.files import AudioError
from atomicvad.errors import number

RATES = (2000, 768000)  # Hz; other values come from damaged headers
BLOCK_SECONDS = 10

Block = tuple[int, np.ndarray]  # Hz, float32 [samples, channels]


@dataclass(frozen=True)
class Stream:
    """The audio of an open file.

    Attributes:
        rate: in Hz, of the first samples.
        channels: of the first samples.
        seconds: that its header states; ``None`` if it states none.
        blocks: the samples, in blocks of up to 10 s.
        packet: samples of a packet of its codec, by which a stated length may be wrong.
    """

    rate: int
    channels: int
    seconds: float | None
    blocks: Iterator[Block]
    packet: int = 0


def possible_rate(rate: int, name: str) -> int:
    """``rate``, unless no recording has such a rate (``AudioError``)."""
    if not RATES[0] <= number(rate, name) <= RATES[1]:
        expected = f"expected {RATES[0]} to {RATES[1]}"
        raise AudioError(f"{name}: a sample rate of {rate} Hz; {expected}")
    return rate
