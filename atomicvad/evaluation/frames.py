"""Scores of 10 ms frames over whole clips, from scores of windows or from a system's outputs."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from scipy.ndimage import median_filter

from atomicvad.audio.signal import FRAME, SAMPLE_RATE
from atomicvad.config import Settings
from atomicvad.corpora.clips import CLIP_START
from atomicvad.errors import AtomicVADError
from atomicvad.scoring.windows import lead_in, padded_windows, step_of


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


def segments_around(labels: pd.DataFrame, seconds: float) -> pd.DataFrame:
    """Where the middle of a window lies that is within its segment; at least the segment's middle.

    Args:
        labels: as of ``corpora.clips.read_labels``.
        seconds: of a window.

    Returns:
        The labels with ``start`` and ``end`` of those middles, 10 ms apart at least.
    """
    middle = (labels["start"] + labels["end"]) / 2
    half = np.maximum((labels["end"] - labels["start"] - seconds) / 2, FRAME / SAMPLE_RATE / 2)
    return labels.assign(start=middle - half, end=middle + half)


def smoothed_frames(frames: np.ndarray, clip_samples: np.ndarray, settings: Settings) -> np.ndarray:
    """The median of the frames around each frame, clip by clip, as wide as windows are smoothed."""
    width = 2 * round(settings.evaluation.smoothing_seconds * SAMPLE_RATE / FRAME / 2) + 1
    clips = np.split(frames, np.cumsum(np.asarray(clip_samples) // FRAME)[:-1])
    return np.concatenate([median_filter(clip, width, mode="nearest") for clip in clips])


def stream_frames(
    stream: np.ndarray, clip_samples: np.ndarray, settings: Settings, protocol: str
) -> np.ndarray:
    """Scores of 10 ms frames ``[frames]``, clip after clip, from the scores of stream windows.

    Args:
        stream: scores of windows over clips with silence beyond both ends, clip after clip, as of
            ``protocols.score_set``, ``[windows]``.
        protocol: ``frame``, ``frame-covered`` or ``frame-causal``, see ``scoring.protocols``.

    Raises:
        AtomicVADError: scores of more or fewer windows than the clips have.
    """
    window, step = settings.window_samples, step_of("swi", settings)
    counts = [padded_windows(int(samples), window, step) for samples in clip_samples]
    if sum(counts) != len(stream):
        raise AtomicVADError(
            f"stream: expected {sum(counts)} windows, got {len(stream)}: scores in an older "
            f"format; atomicvad score --profile {settings.profile}"
        )
    score = OF_WINDOWS[protocol]
    parts = np.split(stream, np.cumsum(counts)[:-1])
    return np.concatenate(
        [score(part, int(n), settings) for part, n in zip(parts, clip_samples, strict=True)]
    )


def _centred(scores: np.ndarray, samples: int, settings: Settings) -> np.ndarray:
    """The median of the windows centred within half a smoothing width of each frame's centre."""
    window, step = settings.window_samples, step_of("swi", settings)
    half = settings.evaluation.smoothing_seconds * SAMPLE_RATE / 2
    # Of each frame's centre, in steps from the first window's centre.
    place = (np.arange(samples // FRAME) + 0.5) * FRAME + lead_in(window, step) - window / 2
    first = np.ceil((place - half) / step).astype(int)
    last = np.floor((place + half) / step).astype(int)
    nearest = np.rint(place / step).astype(int)
    first, last = np.where(last < first, (nearest, nearest), (first, last))
    first, last = np.clip((first, last), 0, len(scores) - 1)
    frames = np.empty(len(place), scores.dtype)
    for count in np.unique(last - first):
        of_count = last - first == count
        windows = first[of_count, np.newaxis] + np.arange(count + 1)
        frames[of_count] = np.median(scores[windows], axis=1)
    return frames


def _covered(scores: np.ndarray, samples: int, settings: Settings) -> np.ndarray:
    """The median of the windows within the clip that cover each frame's centre."""
    window, step = settings.window_samples, step_of("swi", settings)
    lead, cover = lead_in(window, step), -(-window // step)
    # Without windows that reach beyond the clip, unless the clip is too short for others.
    count = (lead + samples - window) // step + 1
    inside = scores[min(lead // step, count - 1) : count]
    empty = np.full(cover - 1, np.nan)
    padded = np.concatenate([empty, inside, empty])
    # The last frames, which no window covers, get the score of the last window.
    centres = np.arange(samples // FRAME) * FRAME + FRAME // 2
    slot = np.minimum(centres // step, len(inside) + cover - 2)
    smooth = np.nanmedian(np.lib.stride_tricks.sliding_window_view(padded, cover), axis=1)
    return smooth[slot]


def _newest(scores: np.ndarray, samples: int, settings: Settings) -> np.ndarray:
    """The last window that has ended at each frame's end."""
    window, step = settings.window_samples, step_of("swi", settings)
    ends = (np.arange(samples // FRAME) + 1) * FRAME
    return scores[np.maximum((lead_in(window, step) + ends - window) // step, 0)]


OF_WINDOWS: dict[str, Callable[[np.ndarray, int, Settings], np.ndarray]] = {
    "frame": _centred,
    "frame-covered": _covered,
    "frame-causal": _newest,
}


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
