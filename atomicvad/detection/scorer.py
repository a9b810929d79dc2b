"""Scores along samples, as they come: the same whatever pieces the samples come in."""

from abc import ABC, abstractmethod
from collections import deque

import numpy as np

from atomicvad.audio.signal import SAMPLE_RATE
from atomicvad.detection.floating import FloatEngine
from atomicvad.device.engine import LEAD, Engine
from atomicvad.device.integer.detector import WARM_UP
from atomicvad.device.integer.tables import HOP, WINDOW

WINDOW_STEP = 1260  # samples between windows that overlap by 87.5 %, as in the paper's protocol
BLOCK = 100 * WINDOW_STEP  # samples that are scored together


def probabilities_of(logits: np.ndarray) -> np.ndarray:
    """Probabilities of speech of logits ``[n]``; those of digital silence, -inf, are 0."""
    return 1 / (1 + np.exp(-np.maximum(logits, -700.0))) * (logits > -np.inf)


class Scorer(ABC):
    """Logits of speech for every step of a signal of 16 kHz, from several models together.

    Each is the mean over the models and over ``smoothing`` neighbouring steps. A step whose samples
    are all the same is digital silence: -inf.

    Attributes:
        step: in samples.
        ahead: samples past a step that its score needs.
        length: samples so far.
    """

    step: int
    ahead: int

    def __init__(self, models: int, unit: float, smoothing: int):
        """Args: models, whose logits are counted in ``unit``; an odd number of steps."""
        self.smoothing, self.scale = smoothing, unit / models
        self.unnoted = np.zeros(0, np.int16)  # not yet looked at for silence
        self.sums: deque[float] = deque(maxlen=smoothing)  # of the newest steps, over models
        self.silent: deque[bool] = deque()  # of the steps without a logit
        self.length = self.seen = self.given = 0  # samples, steps that were scored, logits given

    @property
    def delay(self) -> float:
        """Seconds from the last sample of a step to its logit, at most."""
        return (self.ahead + (self.smoothing // 2) * self.step) / SAMPLE_RATE

    @abstractmethod
    def logits(self, samples: np.ndarray) -> np.ndarray:
        """The logits ``[steps, models]`` that these samples complete."""

    def push(self, samples: np.ndarray) -> list[float]:
        """The logits that ``[n]`` samples complete, in order.

        Args:
            samples: int16 for integer models, floats in ±1 for others.
        """
        self.length += len(samples)
        found: list[float] = []
        for first in range(0, len(samples), BLOCK):
            block = samples[first : first + BLOCK]
            self._note_silence(block)
            found += self._smoothed(self.logits(block))
        return found

    def flush(self) -> list[float]:
        """The logits of the last steps; silence follows the samples."""
        steps = -(-self.length // self.step)
        if len(self.unnoted):
            self.silent.append(bool((self.unnoted == self.unnoted[0]).all()))
        found = self._smoothed(self.logits(self.padding(self.length)))
        while self.given < steps:
            found.append(self._mean(steps - self.given + self.smoothing // 2))
        return found

    def padding(self, length: int) -> np.ndarray:
        """The silence after ``length`` samples that completes the score of their last step."""
        return np.zeros(-length % self.step + self.ahead, np.int16)

    def _note_silence(self, samples: np.ndarray) -> None:
        samples = np.concatenate([self.unnoted, samples])
        count = len(samples) // self.step
        steps = samples[: count * self.step].reshape(count, self.step)
        self.unnoted = samples[count * self.step :]
        self.silent.extend((steps == steps[:, :1]).all(1).tolist())

    def _smoothed(self, logits: np.ndarray) -> list[float]:
        # Sums of integers are exact.
        sums = logits.sum(1, dtype=np.result_type(logits, np.int64)).tolist()
        found = []
        for value in sums:
            self.sums.append(value)
            self.seen += 1
            if self.seen > self.smoothing // 2:
                found.append(self._mean(len(self.sums)))
        return found

    def _mean(self, count: int) -> float:
        """The next logit, from the newest ``count`` sums, or all."""
        self.given += 1
        if self.silent.popleft():
            return -np.inf
        count = min(count, len(self.sums))
        newest = self.sums if count == len(self.sums) else list(self.sums)[-count:]
        return sum(newest) / count * self.scale


class StreamScorer(Scorer):
    """From a stream: a decision every 10 ms."""

    step = HOP
    ahead = (WARM_UP - LEAD) * HOP

    def __init__(self, engine: Engine, smoothing: int):
        super().__init__(len(engine.models), engine.unit, smoothing)
        self.stream, self.samples = engine.stream(), np.zeros(0, np.int16)
        self.stream.push(np.zeros(LEAD * HOP, np.int16))
        self.waiting = WARM_UP - LEAD  # logits that are about what comes before the first sample

    def logits(self, samples: np.ndarray) -> np.ndarray:
        """See ``Scorer``."""
        samples = np.concatenate([self.samples, samples])
        whole = len(samples) // HOP * HOP
        self.samples = samples[whole:]
        logits = self.stream.push(samples[:whole])
        skipped = min(self.waiting, len(logits))
        self.waiting -= skipped
        return logits[skipped:]


class WindowScorer(Scorer):
    """From the paper's windows of 0.63 s: one around every 79 ms."""

    step = WINDOW_STEP
    ahead = (WINDOW - WINDOW_STEP) // 2

    def __init__(self, engine: Engine | FloatEngine, smoothing: int):
        super().__init__(len(engine.models), engine.unit, smoothing)
        self.engine, self.samples = engine, np.zeros(self.ahead, np.int16)

    def logits(self, samples: np.ndarray) -> np.ndarray:
        """See ``Scorer``."""
        samples = np.concatenate([self.samples, samples])
        logits = self.engine.windows(samples, WINDOW_STEP)
        self.samples = samples[len(logits) * WINDOW_STEP :]
        return logits
