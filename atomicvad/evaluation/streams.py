"""Files of any length: read, and scored, a few seconds at a time."""

from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import soundfile
import soxr
from scipy.special import expit
from tqdm.auto import tqdm

from atomicvad.data.audio import SAMPLE_RATE, decode
from atomicvad.evaluation.scoring import logit_score
from atomicvad.evaluation.windows import lead_in, stream_scores

BLOCK_SECONDS = 10
BATCH = 256  # windows


def audio_chunks(path: Path) -> Iterator[np.ndarray]:
    """A file as mono float32 at 16 kHz, in pieces of about ten seconds; a progress bar.

    Formats that libsndfile does not read (M4A, G.722 …) are decoded as a whole.

    Raises:
        AudioError: see ``data.audio.decode``.
    """
    try:
        file = soundfile.SoundFile(path)
    except (soundfile.LibsndfileError, TypeError):
        yield decode(path)
        return
    with file:
        resampler = None
        if file.samplerate != SAMPLE_RATE:
            resampler = soxr.ResampleStream(file.samplerate, SAMPLE_RATE, 1, "float32")
        size, left = BLOCK_SECONDS * file.samplerate, file.frames
        with tqdm(total=left // file.samplerate, desc=Path(path).name, unit="s") as bar:
            for block in file.blocks(size, dtype="float32", always_2d=True):
                left -= len(block)
                mono = block.mean(axis=1, dtype=np.float32)
                yield mono if resampler is None else resampler.resample_chunk(mono, left <= 0)
                bar.update(len(block) // file.samplerate)


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
