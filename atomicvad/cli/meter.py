"""What a listener sees: level, probability of speech, elapsed time; and what was found."""

import numpy as np

from atomicvad.detection.detector import SpeechDetector
from atomicvad.detection.segment import Segment
from atomicvad.detection.segmenter import Event

BAR = 20  # letters
QUIETEST = -99.0  # dBFS that is shown


class Meter:
    """Turns blocks of samples into events and a line.

    Args:
        detector: of the blocks' sample rate.

    Attributes:
        seconds: that were heard.
        level: of the last block, in dBFS: 0 for a square wave of full scale.
        is_speech: whether speech has begun and not ended.
    """

    def __init__(self, detector: SpeechDetector):
        self.detector = detector
        self.samples, self.level, self.is_speech = 0, QUIETEST, False

    @property
    def seconds(self) -> float:  # noqa: D102
        return self.samples / self.detector.rate

    def push(self, block: np.ndarray) -> list[Event]:
        """The events that a block completes.

        Args:
            block: int16 ``[n, channels]``.
        """
        self.samples += len(block)
        channel = self.detector.channel
        heard = block.mean(1) if channel is None else block[:, channel].astype(float)
        power = float(np.mean((heard / 32768) ** 2)) if len(block) else 0.0
        self.level = max(QUIETEST, 10 * np.log10(power)) if power else QUIETEST
        return self._noted(self.detector.push(block))

    def flush(self) -> list[Event]:
        """The events at the end."""
        return self._noted(self.detector.flush())

    def _noted(self, events: list[Event]) -> list[Event]:
        for event in events:
            self.is_speech = event.kind == "start"
        return events

    def line(self, width: int = 80) -> str:
        """Elapsed time, level, probability and state, in at most ``width`` letters."""
        minutes, seconds = divmod(self.seconds, 60)
        probability = self.detector.probability
        bar = "#" * round(BAR * probability)
        state = "speech" if self.is_speech else ""
        line = (
            f"{minutes:02.0f}:{seconds:04.1f}  {self.level:4.0f} dBFS  "
            f"[{bar:<{BAR}}] {probability:4.2f}  {state:6}"
        )
        return line[:width]


def found(segment: Segment) -> str:
    """A segment in a line."""
    return (
        f"{segment.start:9.3f} – {segment.end:9.3f} s  "
        f"mean {segment.mean:4.2f}  peak {segment.peak:4.2f}"
    )
