"""Speech in a stream, as its samples come."""

import math
from collections.abc import Iterable

import numpy as np
import soxr

from atomicvad.audio.signal import SAMPLE_RATE, to_int16
from atomicvad.audio.stream import possible_rate
from atomicvad.detection.arrays import mono_floats
from atomicvad.detection.models import Step, find_model
from atomicvad.detection.scorer import Scorer
from atomicvad.detection.segment import Segment
from atomicvad.detection.segmenter import Event, Rules, Segmenter


def resampling_delay(rate: int) -> float:
    """Seconds that soxr holds back, at most; measured for 290 rates from 2 to 768 kHz."""
    if rate == SAMPLE_RATE:
        return 0.0
    return 0.55 if rate < 4000 else max(0.095, 960 / rate)


class Pipeline:
    """From 16 kHz to events."""

    def __init__(self, scorer: Scorer, rules: Rules):
        self.scorer = scorer
        self.segmenter = Segmenter(rules, scorer.step / SAMPLE_RATE)
        self.newest = -math.inf  # logit

    def push(self, waveform: np.ndarray) -> list[Event]:
        """The events that float32 samples ``[n]`` complete."""
        logits = self.scorer.push(to_int16(waveform))
        self.newest = logits[-1] if logits else self.newest
        return self.segmenter.push(logits)

    def flush(self) -> list[Event]:
        """The rest of the events."""
        events = self.segmenter.push(self.scorer.flush())
        return events + self.segmenter.flush(self.scorer.length / SAMPLE_RATE)


def segments_of(events: Iterable[Event]) -> list[Segment]:
    """The segments that events end."""
    return [event.segment for event in events if event.segment is not None]


class SpeechDetector:
    """Finds speech in a stream, in memory that does not grow.

    The events do not depend on how the samples are divided into chunks, and the segments are those
    that ``detect`` finds in the whole. ``flush`` ends a stream; then another may begin. A detector
    hears one stream at a time; several streams need one each, also in threads.

    Args:
        rate: of the samples, in Hz.
        model: ``ensemble`` (ten networks, the default), one of their seeds (``43185``), or a file;
            see ``detection.models.find_model``.
        step: ``10ms``: a decision every 10 ms from a stream; ``79ms``: one for each window of the
            paper, which is 5 times as slow.
        threshold, offset_threshold, min_speech, min_silence, pad, max_speech: see
            ``detection.segmenter.Rules``; by default what was chosen on validation scenes.
        channel: the only one of several that is used, from 0 on; by default their mean.

    Attributes:
        rules: thresholds and durations that are used, see ``detection.segmenter.Rules``.

    Raises:
        AtomicVADError: an option outside its range, or no such model.

    Example:
        >>> detector = SpeechDetector(rate=8000)
        >>> for chunk in np.split(np.zeros(8000, np.int16), 5):  # of any length
        ...     for event in detector.push(chunk):
        ...         print(event.kind, event.time)
        >>> detector.flush()  # what ends with the stream
        []
    """

    def __init__(  # noqa: PLR0913, the options of detect
        self,
        rate: int = SAMPLE_RATE,
        *,
        model: str | int | None = None,
        step: Step = "10ms",
        threshold: float | None = None,
        offset_threshold: float | None = None,
        min_speech: float | None = None,
        min_silence: float | None = None,
        pad: float | None = None,
        max_speech: float | None = None,
        channel: int | None = None,
    ):
        self.rate, self.step, self.channel = possible_rate(rate, "rate"), step, channel
        self.model = find_model(model)
        self.rules = self.model.rules(
            step,
            threshold=threshold,
            offset_threshold=offset_threshold,
            min_speech=min_speech,
            min_silence=min_silence,
            pad=pad,
            max_speech=max_speech,
        )
        self.reset()

    def reset(self) -> None:
        """Forget the stream; the next sample is the first of another one."""
        self._pipeline = Pipeline(self.model.scorer(self.step), self.rules)
        self._resampler = None
        if self.rate != SAMPLE_RATE:
            self._resampler = soxr.ResampleStream(self.rate, SAMPLE_RATE, 1, "float32")

    @property
    def delay(self) -> float:
        """Seconds from a sample to the decision about it, at most.

        The start of speech is reported ``min_speech`` later than that at most, its end
        ``min_silence`` or twice ``pad`` later; where ``max_speech`` cuts, half of that later.
        """
        scorer = self._pipeline.scorer
        return resampling_delay(self.rate) + scorer.step / SAMPLE_RATE + scorer.delay

    @property
    def probability(self) -> float:
        """Of speech: the newest decision; 0 before the first."""
        return 1 / (1 + math.exp(-max(self._pipeline.newest, -700.0)))

    def push(self, samples: np.ndarray) -> list[Event]:
        """The events that further samples complete.

        Args:
            samples: ``[n]`` or ``[n, channels]``, any number: floats in ±1, or integers of 8
                (unsigned), 16 or 32 bits. Of bytes, ``np.frombuffer(content, np.int16)`` makes
                such an array.

        Raises:
            AudioError: another shape or type, or NaN; the stream stays as it was.
        """
        waveform = mono_floats(samples, self.channel)
        if self._resampler is not None:
            waveform = self._resampler.resample_chunk(waveform)
        return self._pipeline.push(waveform)

    def flush(self) -> list[Event]:
        """The events at the end of the stream."""
        events = []
        if self._resampler is not None:
            events = self._pipeline.push(self._resampler.resample_chunk(np.zeros(0, "f4"), True))
        events += self._pipeline.flush()
        self.reset()
        return events
