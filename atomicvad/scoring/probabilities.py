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


def model_score(model: keras.Model) -> Callable[[np.ndarray], np.ndarray]:
    """The probabilities of one detector: float32 windows ``[n, samples]`` -> ``[n]``."""
    score = logit_score(model)
    return lambda windows: expit(score(windows)[:, 0])


def speech_probabilities(
    model: keras.Model, waveform: np.ndarray, overlap: float = 0.875, batch: int = 1024
) -> tuple[np.ndarray, np.ndarray]:
    """Speech probability along a waveform.

    Args:
        model: from ``load_model``.
        waveform: 16 kHz mono, ±1, ``[samples]``.
        overlap: of neighbouring windows, 0 up to less than 1.

    Returns:
        Times of the windows' centres in s and their probabilities, ``[windows]`` each.

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
    return (starts + window / 2) / 16000, in_batches(score, waveform, starts, ends, window, batch)


BATCH = 256  # windows


def stream_probabilities(
    model: keras.Model, path: Path, step: int = 1260
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Speech along a file of any length, in flat memory, from past audio alone.

    Args:
        step: samples between windows.

    Yields:
        Times at which windows end, in s, and the probabilities of speech in them, batch by batch.
    """
    window, score = model.input_shape[1], logit_score(model)
    position = window - lead_in(window, step)
    for logits in stream_scores(score, audio_chunks(path), window, step, BATCH):
        ends = position + step * np.arange(len(logits))
        yield ends / SAMPLE_RATE, expit(logits[:, 0])
        position += step * len(logits)
