"""A recording with its scores: segments for other rules follow at once."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from atomicvad.audio.signal import SAMPLE_RATE, to_int16
from atomicvad.detection.detect import Audio, waveforms
from atomicvad.detection.detector import segments_of
from atomicvad.detection.models import Model, Step, find_model
from atomicvad.detection.scorer import probabilities_of
from atomicvad.detection.segment import Segment
from atomicvad.detection.segmenter import Rules, Segmenter

LONGEST = 600.0  # s that are looked at; a picture of more shows little


@dataclass(frozen=True)
class Scored:
    """The beginning of a recording, in memory.

    Attributes:
        name: of the recording.
        waveform: 16 kHz mono in ±1, ``[samples]``.
        model: what scored it.
        step: ``10ms`` or ``79ms``.
        hop: seconds from score to score.
        logits: the scores ``[n]``; -inf: digital silence.
        is_whole: whether it is all of the recording.
    """

    name: str
    waveform: np.ndarray
    model: Model
    step: Step
    hop: float
    logits: np.ndarray
    is_whole: bool = True

    @property
    def times(self) -> np.ndarray:
        """Of the scores, in s: float64 ``[n]``."""
        return (np.arange(len(self.logits)) + 0.5) * self.hop

    @property
    def probabilities(self) -> np.ndarray:
        """Of speech: float64 ``[n]``."""
        return probabilities_of(self.logits)

    def rules(self, **changes: float | None) -> Rules:
        """The model's own rules, with changes.

        Raises:
            AtomicVADError: a value outside its range.
        """
        return self.model.rules(self.step, **changes)

    def segments(self, rules: Rules) -> list[Segment]:
        """What ``detect`` finds with these rules."""
        segmenter = Segmenter(rules, self.hop)
        events = segmenter.push(self.logits.tolist())
        events += segmenter.flush(len(self.waveform) / SAMPLE_RATE)
        return segments_of(events)

    def by(self, model: str | int) -> "Scored":
        """The same recording, scored by another model.

        Raises:
            AtomicVADError: no such model.
        """
        return _scored(self.name, self.waveform, find_model(model), self.step, self.is_whole)


def score(
    audio: Audio,
    rate: int | None = None,
    *,
    name: str | None = None,
    model: str | int | None = None,
    step: Step = "10ms",
) -> Scored:
    """Read a recording, ten minutes of it at most, and score it.

    Args:
        audio, rate, model, step: see ``detect``.
        name: by which it is called; by default the file's.

    Raises:
        AtomicVADError: see ``detect``.

    Example:
        >>> silence = score(np.zeros(16000), 16000)
        >>> silence.segments(silence.rules())
        []
    """
    found, pieces, samples = find_model(model), [], 0
    most = round(LONGEST * SAMPLE_RATE)
    for piece in waveforms(audio, rate, None, name=name):
        pieces.append(piece)
        samples += len(piece)
        if samples > most:
            break
    waveform = np.concatenate([*pieces, np.zeros(0, np.float32)])[:most]
    if name is None and isinstance(audio, str | os.PathLike):
        name = Path(os.fsdecode(audio)).name
    return _scored(name or "recording", waveform, found, step, samples <= most)


def _scored(name: str, waveform: np.ndarray, model: Model, step: Step, is_whole: bool) -> Scored:
    scorer = model.scorer(step)
    logits = np.array(scorer.push(to_int16(waveform)) + scorer.flush())
    return Scored(name, waveform, model, step, scorer.step / SAMPLE_RATE, logits, is_whole)
