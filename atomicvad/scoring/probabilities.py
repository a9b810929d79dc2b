"""Speech probabilities along a waveform, or along a file of any length."""

from collections.abc import Callable, Iterator
from pathlib import Path

import keras
import numpy as np
from scipy.special import expit

from atomicvad.audio.decode import audio_chunks
from atomicvad.audio.signal import SAMPLE_RATE
from atomicvad.errors import AtomicVADError
from atomicvad.scoring.logits import logit_score
from atomicvad.scoring.windows import in_batches, lead_in, stream_scores, window_starts

BATCH = 256  # windows of a stream that are scored at once


def model_score(model: keras.Model) -> Callable[[np.ndarray], np.ndarray]:
    """The scoring function of one detector: float32 windows ``[n, samples]`` -> probabilities."""
    score = logit_score(model)
    return lambda windows: expit(score(windows)[:, 0])


def speech_probabilities(
    model: keras.Model, waveform: np.ndarray, overlap: float = 0.875, batch: int = 1024
) -> tuple[np.ndarray, np.ndarray]:
    """Speech probabilities along a waveform.

    Args:
        model: from ``load_model``.
        waveform: float, 16 kHz mono in ±1, ``[samples]``.
        overlap: of neighbouring windows, from 0 to less than 1.
        batch: windows scored at once.

    Returns:
        Times of the windows' centres in s, and probabilities of speech, ``[windows]`` each.

    Raises:
        AtomicVADError: another shape, integers, NaN, or an impossible overlap.
    """
    waveform = np.asarray(waveform)
    if waveform.ndim != 1 or not len(waveform) or waveform.dtype.kind != "f":
        raise AtomicVADError(
            f"waveform: expected floats [samples], got {waveform.dtype} {list(waveform.shape)}"
        )
    if not np.isfinite(waveform).all():
        raise AtomicVADError("waveform: some samples are NaN or infinite")
    if not 0 <= overlap < 1:
        raise AtomicVADError(f"overlap: expected 0 up to less than 1, got {overlap}")
    window, score = model.input_shape[1], model_score(model)
    starts = window_starts(0, len(waveform), window, max(1, round(window * (1 - overlap))))
    ends = np.full(len(starts), len(waveform))
    probabilities = in_batches(score, waveform, starts, ends, window, batch)
    return (starts + window / 2) / SAMPLE_RATE, probabilities


def stream_probabilities(
    model: keras.Model, path: Path, step: int = 1260
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Speech probabilities along a file of any length, causal and in constant memory.

    Args:
        model: from ``load_model``.
        path: an audio file of any format.
        step: samples between windows; by default windows overlap by 87.5 %.

    Yields:
        Times of the windows' ends in s, and probabilities of speech, up to ``[BATCH]`` each.

    Raises:
        AudioError: a file that cannot be decoded.
    """
    window, score = model.input_shape[1], logit_score(model)
    position = window - lead_in(window, step)
    for logits in stream_scores(score, audio_chunks(path, progress=True), window, step, BATCH):
        ends = position + step * np.arange(len(logits))
        yield ends / SAMPLE_RATE, expit(logits[:, 0])
        position += step * len(logits)
