"""Scores along samples, as they come: the same whatever pieces the samples come in."""

from collections import deque

import numpy as np

from atomicvad.audio.signal import SAMPLE_RATE
from atomicvad.detection.floating import FloatEngine
from atomicvad.device.engine import LEAD, Engine
from atomicvad.device.integer.detector import WARM_UP
from atomicvad.device.integer.tables import HOP, WINDOW


WINDOW_STEP = 1260  # samples between windows that overlap by 87.5 %, as in the paper's protocol
BLOCK = 100 * WINDOW_STEP  # samples that are scored together


class Scorer:
    """Logits of speech for every step of a signal of 16 kHz, from several models together.

    Each is the mean over the models and over ``smoothing`` neighbouring steps. A step whose samples
    are all the same is digital silence: -inf.

    Args:
        engine: of the models.
        smoothing: an odd number of steps.
    """

    step = HOP  # samples

    def __init__(self, engine: Engine | FloatEngine, smoothing: int):
        self.engine, self.smoothing = engine, smoothing
        self.samples = self.unnoted = np.zeros(0, np.int16)  # not scored, not looked at for silence
        self.sums: deque[float] = deque(maxlen=smoothing)  # of the newest steps, over models
        self.silent: deque[bool] = deque()  # of the steps without a logit
        self.length = self.seen = self.given = 0  # samples, steps that were scored, logits given
        self._start()

    def _start(self) -> None:
        """Prepare for the first sample."""
        self.stream = self.engine.stream()
        self.stream.push(np.zeros(LEAD * HOP, np.int16))
        self.waiting = WARM_UP - LEAD  # logits that are about what comes before the first sample

    @property
    def delay(self) -> float:
        """Seconds from the last sample of a step to its logit, at most."""
        return (self._ahead + (self.smoothing // 2) * self.step) / SAMPLE_RATE

    @property
    def _ahead(self) -> int:
        """Samples past a step that its score needs."""
        return (WARM_UP - LEAD) * HOP

    def push(self, samples: np.ndarray) -> list[float]:
        """The logits that int16 ``[n]`` complete, in order."""
        self.length += len(samples)
        found: list[float] = []
        for first in range(0, len(samples), BLOCK):
            found += self._push(samples[first : first + BLOCK])
        return found

    def _push(self, samples: np.ndarray) -> list[float]:
        self._note_silence(samples)
        return self._smoothed(self._sums(samples))

    def _note_silence(self, samples: np.ndarray) -> None:
        self.unnoted = np.concatenate([self.unnoted, samples])
        count = len(self.unnoted) // self.step
        steps = self.unnoted[: count * self.step].reshape(count, self.step)
        self.unnoted = self.unnoted[count * self.step :]
        self.silent.extend((steps == steps[:, :1]).all(1).tolist())

    def _sums(self, samples: np.ndarray) -> list[float]:
        """Sums over the models of the logits that these samples complete."""
        self.samples = np.concatenate([self.samples, samples])
        whole = len(self.samples) // HOP * HOP
        logits = self.stream.push(self.samples[:whole])
        self.samples = self.samples[whole:]
        skipped = min(self.waiting, len(logits))
        self.waiting -= skipped
        return _over_models(logits[skipped:])

    def _smoothed(self, sums: list[float]) -> list[float]:
        found = []
        for value in sums:
            self.sums.append(value)
            self.seen += 1
            if self.seen > self.smoothing // 2:
                found.append(self._mean(len(self.sums)))
        return found

    def _mean(self, count: int) -> float:
        """The next logit, from the newest ``count`` sums."""
        self.given += 1
        if self.silent.popleft():
            return -np.inf
        newest = list(self.sums)[-count:] if count < len(self.sums) else self.sums
        return sum(newest) * self.engine.unit / (count * len(self.engine.models))

    def flush(self) -> list[float]:
        """The logits of the last steps; silence follows the samples."""
        steps = -(-self.length // self.step)
        if len(self.unnoted):
            self.silent.append(bool((self.unnoted == self.unnoted[0]).all()))
        padding = steps * self.step - self.length + self._ahead
        found = self._smoothed(self._sums(np.zeros(padding, np.int16)))
        while self.given < steps:
            count = steps - self.given + self.smoothing // 2
            found.append(self._mean(min(count, len(self.sums))))
        return found


class WindowScorer(Scorer):
    """The same, from windows of 0.63 s around every 79 ms."""

    step = WINDOW_STEP

    def _start(self) -> None:
        self.samples = np.zeros((WINDOW - WINDOW_STEP) // 2, np.int16)

    @property
    def _ahead(self) -> int:
        return (WINDOW - WINDOW_STEP) // 2

    def _sums(self, samples: np.ndarray) -> list[float]:
        self.samples = np.concatenate([self.samples, samples])
        logits = self.engine.windows(self.samples, WINDOW_STEP)
        self.samples = self.samples[len(logits) * WINDOW_STEP :]
        return _over_models(logits)


def _over_models(logits: np.ndarray) -> list[float]:
    """Sums over the models of ``[steps, models]``: exact, where logits are integers."""
    return logits.sum(1, dtype=np.result_type(logits, np.int64)).tolist()
