"""Speech in a recording: segments, and scores along it."""

import os
from collections.abc import Iterator
from typing import TypeGuard

import numpy as np

from atomicvad.audio.decode import audio_chunks
from atomicvad.audio.files import AudioError, Source
from atomicvad.audio.mono import at_16_khz
from atomicvad.audio.signal import SAMPLE_RATE, to_int16
from atomicvad.audio.stream import possible_rate
from atomicvad.detection.arrays import as_channels, mono_floats
from atomicvad.detection.detector import Pipeline, segments_of
from atomicvad.detection.models import Arithmetic, Step, find_model
from atomicvad.detection.scorer import probabilities_of
from atomicvad.detection.segment import Segment
from atomicvad.errors import number

Audio = Source | np.ndarray
BLOCK = 1 << 20  # samples of an array that are looked at together


def detect(  # noqa: PLR0913, options by the names that users know
    audio: Audio,
    rate: int | None = None,
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
) -> list[Segment]:
    """The stretches of speech in a recording, in order.

    A recording without speech, and one of digital silence, has none.

    Args:
        audio: a path, a file opened in binary mode, the content of a file, or an array
            ``[samples]`` or ``[samples, channels]`` of floats in ±1 or integers of 8 (unsigned),
            16 or 32 bits. A file of hours is read piece by piece.
        rate: of an array, in Hz; files know theirs.
        model: ``ensemble`` (ten networks, the default), one of their seeds (``43185``), or a file;
            see ``detection.models.find_model``.
        step: ``10ms``: a decision every 10 ms from a stream; ``79ms``: one for each window of the
            paper, which is 5 times as slow.
        threshold: speech begins where the probability reaches it, 0 … 1.
        offset_threshold: speech ends where the probability falls below it.
        min_speech: shorter speech is left out, in s.
        min_silence: a shorter silence does not end speech, in s.
        pad: each segment is made longer by this at both ends, in s; segments that would touch are
            one.
        max_speech: longer speech is cut where its probability is lowest, in s; by default none is.
        channel: the only one of several that is used, from 0 on; by default their mean.

    Returns:
        Segments with ``start`` and ``end`` in s, ``mean`` and ``peak`` probability. Options that
        are left out were chosen on validation scenes: ``SpeechDetector().rules`` shows them.

    Raises:
        AtomicVADError: audio that cannot be read, NaN in it, or an option outside its range; in
            one line that names it.

    Example:
        >>> detect(np.zeros(16000), 16000)
        []
    """
    found = find_model(model)
    rules = found.rules(
        step,
        threshold=threshold,
        offset_threshold=offset_threshold,
        min_speech=min_speech,
        min_silence=min_silence,
        pad=pad,
        max_speech=max_speech,
    )
    pipeline, segments = Pipeline(found.scorer(step), rules), []
    for waveform in waveforms(audio, rate, channel):
        segments += segments_of(pipeline.push(waveform))
    return segments + segments_of(pipeline.flush())


def scores(
    audio: Audio,
    rate: int | None = None,
    *,
    model: str | int | None = None,
    step: Step = "10ms",
    arithmetic: Arithmetic = "integer",
    channel: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The probability of speech along a recording: the curve that ``detect`` compares with.

    Args:
        audio, rate, model, step, channel: see ``detect``.
        arithmetic: ``integer``: as on a microcontroller, the same bits on every machine; ``float``:
            as the model was trained, for windows (``step="79ms"``) alone.

    Returns:
        Times of the steps' centres in s, and probabilities of speech; float64 ``[steps]`` each. 0:
        digital silence.

    Raises:
        AtomicVADError: see ``detect``; or float arithmetic of a stream.

    Example:
        >>> times, probabilities = scores(np.zeros(1600), 16000)
        >>> probabilities.max()
        np.float64(0.0)
    """
    scorer = find_model(model).scorer(step, arithmetic)
    logits: list[float] = []
    for waveform in waveforms(audio, rate, channel):
        logits += scorer.push(to_int16(waveform) if arithmetic == "integer" else waveform)
    logits += scorer.flush()
    times = (np.arange(len(logits)) + 0.5) * scorer.step / SAMPLE_RATE
    return times, probabilities_of(np.array(logits))


def waveforms(
    audio: Audio,
    rate: int | None,
    channel: int | None,
    progress: bool = False,
    name: str | None = None,
) -> Iterator[np.ndarray]:
    """A recording as float32 at 16 kHz, one channel, in pieces of some seconds.

    ``name``: of a file whose content is given.

    Raises:
        AudioError: audio that cannot be read, a rate that is missing or not needed, NaN.
    """
    if _is_file(audio):
        if rate is not None:
            given = number(rate, "rate")
            raise AudioError(f"rate: a file knows its own; got {given:g} Hz, expected none")
        yield from audio_chunks(audio, name, channel, progress)
        return
    samples = as_channels(audio, expected="a path, bytes, a file opened in binary mode or an array")
    if rate is None:
        raise AudioError("rate: expected the sample rate of the array in Hz, got none")
    rate = possible_rate(rate, "rate")
    pieces = (samples[first : first + BLOCK] for first in range(0, max(1, len(samples)), BLOCK))
    yield from at_16_khz((rate, mono_floats(piece, channel)) for piece in pieces)


def _is_file(audio: Audio) -> TypeGuard[Source]:
    of_file = isinstance(audio, str | os.PathLike | bytes | bytearray | memoryview)
    return of_file or hasattr(audio, "read")
