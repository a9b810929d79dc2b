"""Scores of 10 ms frames over whole clips, from scores of windows or from a system's outputs."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from atomicvad.audio.signal import FRAME, SAMPLE_RATE
from atomicvad.config import Settings
from atomicvad.corpora.clips import CLIP_START
from atomicvad.scoring.windows import lead_in, step_of


def frame_segments(labels: pd.DataFrame, clip_samples: np.ndarray) -> np.ndarray:
    """The segment at the centre of every 10 ms frame, or -1, clip after clip: int ``[frames]``."""
    of_clips = []
    for samples, (_, rows) in zip(clip_samples, labels.groupby("video_id"), strict=True):
        centres = (np.arange(samples // FRAME) + 0.5) * FRAME / SAMPLE_RATE + CLIP_START
        segments = rows.sort_values("start")
        row = np.searchsorted(segments["start"], centres, side="right") - 1
        inside = (row >= 0) & (centres < segments["end"].to_numpy()[row])
        of_clips.append(np.where(inside, segments.index.to_numpy()[row], -1))
    return np.concatenate(of_clips)


def stream_frames(
    stream: np.ndarray, clip_samples: np.ndarray, settings: Settings, causal: bool
) -> np.ndarray:
    """Scores of 10 ms frames ``[frames]``, clip after clip, from the scores of stream windows.

    Args:
        stream: scores of ``windows.stream_scores``, clip after clip, ``[windows]``.
        causal: the score of the last window that has ended, instead of the median of all windows
            that cover the frame's centre.
    """
    window, step = settings.window_samples, step_of("swi", settings)
    lead, cover, position = lead_in(window, step), -(-window // step), 0
    of_clips = []
    for samples in map(int, clip_samples):
        count = (lead + samples - window) // step + 1
        scores = stream[position : position + count]
        position += count
        frames = np.arange(samples // FRAME)
        if causal:
            newest = (lead + (frames + 1) * FRAME - window) // step
            of_clips.append(scores[np.maximum(newest, 0)])
            continue
        # Without windows that begin before the clip, unless the clip is too short for others.
        inside = scores[min(lead // step, count - 1) :]
        empty = np.full(cover - 1, np.nan)
        scores = np.concatenate([empty, inside, empty])
        # The last frames, which no window covers, get the score of the last window.
        slot = np.minimum((frames * FRAME + FRAME // 2) // step, len(inside) + cover - 2)
        smooth = np.nanmedian(np.lib.stride_tricks.sliding_window_view(scores, cover), axis=1)
        of_clips.append(smooth[slot])
    return np.concatenate(of_clips)


def output_frames(
    outputs: np.ndarray,
    counts: Sequence[int] | np.ndarray,
    clip_samples: np.ndarray,
    hop: int,
    delay: int | None,
    causal: bool,
) -> np.ndarray:
    """Scores of 10 ms frames ``[frames]`` from a system's outputs, one every ``hop`` samples.

    Args:
        outputs: of all clips, ``counts`` in each; output ``n`` is for the samples from ``n * hop``
            on.
        delay: samples past those that an output depends on; ``None``: the whole clip (not causal).
        causal: the last output that is complete at the frame's end, instead of the output at the
            frame's centre.
    """
    of_clips, position = [], 0
    for samples, count in zip(map(int, clip_samples), map(int, counts), strict=True):
        of_clip = outputs[position : position + count]
        position += count
        frames = np.arange(samples // FRAME)
        if causal:
            newest = ((frames + 1) * FRAME - (delay or 0)) // hop - 1
        else:
            newest = (frames * FRAME + FRAME // 2) // hop
        # Before the first output: no speech.
        silent = np.float32(min(of_clip.min(), 0))
        of_clips.append(np.where(newest < 0, silent, of_clip[np.clip(newest, 0, count - 1)]))
    return np.concatenate(of_clips)
