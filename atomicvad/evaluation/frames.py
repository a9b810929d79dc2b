"""From scores of windows and of outputs to 10 ms frames over whole clips."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from atomicvad.audio.signal import FRAME, SAMPLE_RATE
from atomicvad.config import Settings
from atomicvad.corpora.clips import CLIP_START
from atomicvad.scoring.windows import lead_in, step_of


def frame_segments(labels: pd.DataFrame, clip_samples: np.ndarray) -> np.ndarray:
    """The segment that the centre of every 10 ms frame lies in, or -1; clip after clip."""
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
    """Scores of 10 ms frames ``[frames]`` from those of the stream's windows."""
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
        # Windows that begin before the clip hold silence there; a short clip has no others.
        inside = scores[min(lead // step, count - 1) :]
        empty = np.full(cover - 1, np.nan)
        scores = np.concatenate([empty, inside, empty])
        # The last frames, which no window covers, go with the last window.
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
    """Scores of 10 ms frames from a system's own outputs, one every ``hop`` samples.

    Args:
        outputs: of all clips, ``counts`` of them in each; output ``n`` is for the samples from
            ``n * hop`` on.
        delay: samples past those that it needs; ``None``: the whole clip, so it is not causal.
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
        # Before its first output a system counts as no speech.
        silent = np.float32(min(of_clip.min(), 0))
        of_clips.append(np.where(newest < 0, silent, of_clip[np.clip(newest, 0, count - 1)]))
    return np.concatenate(of_clips)
