"""Protocols: how the windows of labelled clips (in AVA-Speech's format) are scored.

- **SWI**: windows of 0.63 s that overlap by 87.5 % within a segment, the last one aligned with the
  segment's end; a segment's score is the median or the mean of its windows' scores.
- **SPI**: the same without overlap.
- **frame**: 10 ms frames over whole clips. Windows with SWI's overlap run over the clip, whatever
  its segments, with silence beyond both its ends. A frame's score is the median of the windows
  whose centres lie within half of ``evaluation.smoothing_seconds`` of its own centre, at least of
  the nearest one.
- **frame-covered**: the median of the windows within the clip that cover the frame's centre, as
  NeMo smooths overlapping predictions. Frames near an end have fewer and lopsided windows.
- **frame-causal**: the same frames, from past audio only: the score of the last window that has
  ended.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from atomicvad.audio.signal import SAMPLE_RATE
from atomicvad.config import Settings
from atomicvad.corpora.clips import CLIP_START, decoded_clips, read_labels
from atomicvad.errors import AtomicVADError
from atomicvad.files import CLIP_LABELS
from atomicvad.scoring.windows import PROTOCOLS, in_batches, segment_windows, step_of, stream_scores


def segment_bounds(segments: pd.DataFrame, samples: int, name: str = "clip") -> np.ndarray:
    """First sample of each segment of a clip, and the one past its last, int ``[segments, 2]``.

    Raises:
        AtomicVADError: a segment begins outside the clip's ``samples``.
    """
    times = segments[["start", "end"]].to_numpy() - CLIP_START
    bounds = np.rint(times * SAMPLE_RATE).astype(int)
    if bounds.min() < 0 or bounds[:, 0].max() >= samples:
        raise AtomicVADError(f"{name}: segments lie outside its {samples / SAMPLE_RATE:.2f} s")
    return np.minimum(bounds, samples)


def padded_stream(
    score: Callable[[np.ndarray], np.ndarray], waveform: np.ndarray, settings: Settings
) -> Iterator[np.ndarray]:
    """Scores of SWI's windows over a waveform with silence beyond both ends, batch by batch."""
    window, step = settings.window_samples, step_of("swi", settings)
    padded = [waveform, np.zeros(window, np.float32)]
    yield from stream_scores(score, padded, window, step, settings.evaluation.batch_windows)


def score_set(
    score: Callable[[np.ndarray], np.ndarray],
    folder: Path,
    settings: Settings,
    protocols: tuple[str, ...] = (*PROTOCOLS, "stream"),
) -> dict[str, np.ndarray]:
    """Scores of all windows of a set of clips, clip by clip, so memory does not grow with the set.

    Args:
        score: float32 windows ``[n, samples]`` -> scores ``[n, …]``.
        folder: holds ``labels.csv`` and ``audio/<video_id>.*``; times begin at ``CLIP_START``.
        protocols: of ``swi``, ``spi`` and ``stream`` (windows over whole clips).

    Returns:
        Scores by protocol, in the order of ``window_table`` (``stream``: clip after clip, each with
        silence beyond both ends, ``windows.padded_windows`` of them); ``clip_samples``: the clips'
        lengths in samples.
    """
    labels = read_labels(folder / CLIP_LABELS)
    window, batch = settings.window_samples, settings.evaluation.batch_windows
    steps = {name: step_of(name.replace("stream", "swi"), settings) for name in protocols}
    lengths = []
    scores: dict[str, list[np.ndarray]] = {name: [] for name in protocols}
    clips = tqdm(
        decoded_clips(folder, labels),
        total=labels["video_id"].nunique(),
        desc=folder.name,
        unit="clip",
    )
    for name, waveform in clips:
        lengths.append(len(waveform))
        bounds = segment_bounds(labels[labels["video_id"] == name], len(waveform), name)
        for protocol, step in steps.items():
            if protocol == "stream":
                scores[protocol] += padded_stream(score, waveform, settings)
                continue
            starts, segment = segment_windows(bounds, window, step)
            ends = bounds[segment, 1]
            scores[protocol].append(in_batches(score, waveform, starts, ends, window, batch))
    arrays = {name: np.concatenate(parts) for name, parts in scores.items()}
    return arrays | {"clip_samples": np.array(lengths, np.int32)}


def window_table(
    labels: pd.DataFrame, clip_samples: np.ndarray, settings: Settings, protocol: str
) -> pd.DataFrame:
    """The windows of ``score_set`` in the same order: ``segment``, ``window_start`` (s)."""
    tables = []
    for samples, (name, segments) in zip(clip_samples, labels.groupby("video_id"), strict=True):
        bounds = segment_bounds(segments, int(samples), str(name))
        starts, row = segment_windows(bounds, settings.window_samples, step_of(protocol, settings))
        times = starts / SAMPLE_RATE + CLIP_START
        tables.append(pd.DataFrame({"segment": segments.index[row], "window_start": times}))
    return pd.concat(tables, ignore_index=True)
