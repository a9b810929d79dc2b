"""From scores to segments: two thresholds, shortest speech, shortest silence, padding."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from atomicvad.detection.segment import Segment
from atomicvad.errors import AtomicVADError

DECIMALS = 6  # of times in s


@dataclass(frozen=True)
class Rules:
    """How scores become segments; times in s.

    Attributes:
        threshold: speech begins where the probability reaches it, 0 … 1.
        offset_threshold: speech ends where the probability falls below it; at most ``threshold``.
        min_speech: shorter speech is left out.
        min_silence: a shorter silence does not end speech.
        pad: each segment is made longer by this at both ends. Segments that would touch are one:
            a silence shorter than twice ``pad`` does not end speech either.
        max_speech: longer speech is cut where its probability is lowest, in the second half of
            what may be one segment; ``None``: it is not cut.

    Raises:
        AtomicVADError: a value outside its range.
    """

    threshold: float
    offset_threshold: float
    min_speech: float
    min_silence: float
    pad: float
    max_speech: float | None = None

    def __post_init__(self) -> None:
        for name in ("threshold", "offset_threshold"):
            value = getattr(self, name)
            if not 0 < value < 1:
                raise AtomicVADError(f"{name}: expected more than 0 and less than 1, got {value}")
        if self.offset_threshold > self.threshold:
            raise AtomicVADError(
                f"offset_threshold: expected at most threshold ({self.threshold}), "
                f"got {self.offset_threshold}"
            )
        for name in ("min_speech", "min_silence", "pad"):
            value = getattr(self, name)
            if not 0 <= value < math.inf:
                raise AtomicVADError(f"{name}: expected 0 s or more, got {value}")
        least = max(self.min_speech, 0.1) + 2 * self.pad
        if self.max_speech is not None and not self.max_speech >= least:
            raise AtomicVADError(
                f"max_speech: expected {least:g} s or more (min_speech, 0.1 s at least, and twice "
                f"pad), got {self.max_speech}"
            )


@dataclass(frozen=True)
class Event:
    """The beginning or the end of speech in a stream.

    Attributes:
        kind: ``start`` or ``end``.
        time: in s from the beginning of the stream, padding included.
        segment: the whole segment, with an ``end``.
    """

    kind: str
    time: float
    segment: Segment | None = None


class Segmenter:
    """Turns scores, as they come, into events; the same events however they are divided.

    Args:
        rules: see ``Rules``.
        step: seconds that a score stands for.
    """

    def __init__(self, rules: Rules, step: float):
        self.rules, self.step = rules, step
        self.on, self.off = _logit(rules.threshold), _logit(rules.offset_threshold)
        self.least = max(1, self._steps(rules.min_speech))
        self.gap = max(1, self._steps(max(rules.min_silence, 2 * rules.pad)))
        self.most = math.inf
        if rules.max_speech is not None:
            self.most = max(2, -self._steps(2 * rules.pad - rules.max_speech))
        self.now = 0  # scores seen
        self._begin(None)

    def _steps(self, seconds: float) -> float:
        """Whole steps, rounded up; of a time beyond all recordings, infinity."""
        return float(np.ceil(seconds / self.step - 1e-6))

    def _begin(self, start: int | None, is_cut: bool = False) -> None:
        """A segment that begins with score ``start``; ``None``: silence."""
        self.start, self.is_cut = start, is_cut
        self.is_announced = is_cut
        self.last = start or 0  # the score after the last one of speech
        self.total, self.total_at_last, self.peak = 0.0, 0.0, 0.0
        self.scores: list[float] = []  # of the segment so far, if it may have to be cut

    def push(self, logits: Iterable[float]) -> list[Event]:
        """The events that follow from further scores: logits of speech."""
        events: list[Event] = []
        for logit in logits:
            if self.start is None and logit >= self.on:
                self._begin(self.now)
            self.now += 1
            if self.start is not None:
                self._go_on(logit, events)
        return events

    def _go_on(self, logit: float, events: list[Event]) -> None:
        """One more score while there is speech."""
        probability = _probability(logit)
        self.total += probability
        if self.most < math.inf:
            self.scores.append(logit)
        if logit >= self.off:
            self.last = self.now
            self.total_at_last = self.total
            self.peak = max(self.peak, probability)
            self._announce(events)
            if self.last - self._first >= self.most:
                self._cut(events)
        elif self.now - self.last >= self.gap:
            self._end(events, None)

    @property
    def _first(self) -> int:
        return self.start if self.start is not None else self.now

    def _announce(self, events: list[Event]) -> None:
        if not self.is_announced and self.last - self._first >= self.least:
            events.append(Event("start", self._start_time()))
            self.is_announced = True

    def _start_time(self) -> float:
        pad = 0.0 if self.is_cut else self.rules.pad
        return round(max(0.0, self._first * self.step - pad), DECIMALS)

    def _end(self, events: list[Event], duration: float | None) -> None:
        """End the segment where speech was last heard, unless it is too short."""
        if self.is_announced and self.last > self._first:
            end = self.last * self.step + self.rules.pad
            end = end if duration is None else min(end, duration)
            mean = self.total_at_last / (self.last - self._first)
            self._report(events, end, mean, self.peak)
        self._begin(None)

    def _report(self, events: list[Event], end: float, mean: float, peak: float) -> None:
        start, end = self._start_time(), round(end, DECIMALS)
        if end > start:
            events.append(Event("end", end, Segment(start, end, mean, peak)))

    def _cut(self, events: list[Event]) -> None:
        """Speech goes on for too long: end it at its lowest score, and begin anew there."""
        half = len(self.scores) // 2
        at = half + min(range(len(self.scores) - half), key=lambda n: self.scores[half + n])
        before, after = self.scores[:at], self.scores[at:]
        heard = [_probability(score) for score in before]
        cut, now = self._first + at, self.now
        self._announce(events)
        self._report(events, cut * self.step, sum(heard) / at, max(heard))
        self._begin(cut, is_cut=True)
        events.append(Event("start", self._start_time()))
        self.now = cut
        for logit in after:
            self.now += 1
            self._go_on(logit, events)
        assert self.now == now

    def flush(self, duration: float) -> list[Event]:
        """The events at the end of a stream of ``duration`` seconds."""
        events: list[Event] = []
        if self.start is not None:
            self._end(events, duration)
        return events


def _logit(probability: float) -> float:
    return math.log(probability / (1 - probability))


def _probability(logit: float) -> float:
    """Of speech; -inf is 0."""
    return 1 / (1 + math.exp(-logit)) if logit > -700 else 0.0
