"""Segments against labels: boundaries that match, errors of onsets and offsets, false alarms."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from atomicvad.corpora.clips import CLIP_START
from atomicvad.evaluation import events
from atomicvad.evaluation.intervals import ratio

COLLAR = 0.2  # s between boundaries that match
Spans = np.ndarray  # start and end in s, ``[segments, 2]``


def labelled_speech(labels: pd.DataFrame) -> list[Spans]:
    """The speech of every clip, in order of name; adjacent segments count as one.

    Args:
        labels: as of ``corpora.clips.read_labels``.
    """
    clips = []
    for _, rows in labels.groupby("video_id"):
        spoken = rows[rows["speech"]].sort_values("start")
        starts, ends = (spoken[name].to_numpy() - CLIP_START for name in ("start", "end"))
        begins = np.concatenate([[True], starts[1:] > ends[:-1] + 1e-6])[: len(starts)]
        last = np.concatenate([begins[1:], [True]])[: len(starts)]
        clips.append(np.stack([starts[begins], ends[last]], 1))
    return clips


def matches(true: np.ndarray, found: np.ndarray) -> int:
    """The greatest number of pairs whose times differ by ``COLLAR`` at most.

    Args:
        true, found: ``[n, times]``: both times of a pair must match.
    """
    near = (np.abs(true[:, np.newaxis] - found) <= COLLAR + 1e-9).all(-1)
    return int((maximum_bipartite_matching(csr_array(near), "column") >= 0).sum())


def match_counts(true: Sequence[Spans], found: Sequence[Spans]) -> pd.DataFrame:
    """Of every clip: segments that are labelled, found, and match by onset, offset, or both."""
    return pd.DataFrame(
        {
            "labelled": [len(spans) for spans in true],
            "found": [len(spans) for spans in found],
            "onset": [matches(a[:, :1], b[:, :1]) for a, b in zip(true, found, strict=True)],
            "offset": [matches(a[:, 1:], b[:, 1:]) for a, b in zip(true, found, strict=True)],
            "segment": [matches(a, b) for a, b in zip(true, found, strict=True)],
        }
    )


def match_metrics(counts: pd.DataFrame, draws: np.ndarray) -> dict[str, np.ndarray]:
    """``onset_f1``, ``offset_f1``, ``segment_f1`` for every draw of clips, ``[draws]`` each."""
    either = draws @ (counts["labelled"] + counts["found"]).to_numpy(float)
    return {
        f"{name}_f1": ratio(2 * (draws @ counts[name].to_numpy(float)), either)
        for name in ("onset", "offset", "segment")
    }


def decisions(found: Sequence[Spans], clip_frames: np.ndarray) -> np.ndarray:
    """Which 10 ms frames lie in a segment by their centre, clip after clip: bool ``[frames]``."""
    clips = []
    for spans, count in zip(found, clip_frames, strict=True):
        edges = np.zeros(count + 1, np.int64)
        places = np.clip(np.ceil(spans / events.SECONDS - 0.5 - 1e-9).astype(int), 0, count)
        np.add.at(edges, places[:, 0], 1)
        np.add.at(edges, places[:, 1], -1)
        clips.append(np.cumsum(edges)[:count] > 0)
    return np.concatenate(clips)


def false_alarms(
    found: Sequence[Spans], speech: np.ndarray, of_kind: np.ndarray, clip_frames: np.ndarray
) -> np.ndarray:
    """Of every clip, the segments without any speech whose middle lies in background of a kind."""
    counts, first = [], 0
    for spans, count in zip(found, clip_frames, strict=True):
        spoken, kind = speech[first : first + count], of_kind[first : first + count]
        first += count
        places = np.clip(np.rint(spans / events.SECONDS).astype(int), 0, count - 1)
        counts.append(sum(kind[(a + b) // 2] and not spoken[a : b + 1].any() for a, b in places))
    return np.array(counts, float)


def segment_metrics(
    true: Sequence[Spans],
    found: Sequence[Spans],
    speech: np.ndarray,
    labelled: np.ndarray,
    background: dict[str, np.ndarray],
    clip_frames: np.ndarray,
    draws: np.ndarray,
) -> dict[str, np.ndarray]:
    """All metrics of one detector for every draw of clips, ``[draws]`` each.

    Args:
        true, found: spans of every clip.
        speech, labelled, background: of every 10 ms frame, see ``events.event_counts``.
        clip_frames: number of frames of each clip.
        draws: of ``intervals.clip_draws``.

    Returns:
        ``false_share`` of the time without speech, and ``false_alarms_per_hour <kind>``; where
        there is speech also the errors of ``events.event_metrics``, ``events.boundary_metrics``
        and ``match_metrics``.
    """
    decided = decisions(found, clip_frames)
    quiet = labelled & ~speech
    clip = np.repeat(np.arange(len(clip_frames)), clip_frames)
    seconds = [np.bincount(clip[f], minlength=len(clip_frames)) for f in (quiet & decided, quiet)]
    metrics = {"false_share": ratio(draws @ seconds[0], draws @ seconds[1])}
    for kind, of_kind in background.items():
        alarms = false_alarms(found, speech, of_kind, clip_frames)
        hours = np.bincount(clip[of_kind], minlength=len(clip_frames)) * events.SECONDS / 3600
        metrics[f"false_alarms_per_hour {kind}"] = ratio(draws @ alarms, draws @ hours)
    if speech.any():
        counts = events.event_counts(speech, decided, labelled, {}, clip_frames)
        errors = events.event_metrics(counts, draws)
        metrics |= {name: errors[name] for name in ("detection_error_rate", "missed_speech")}
        metrics |= events.boundary_metrics(speech, decided, clip_frames, draws)
        metrics |= match_metrics(match_counts(true, found), draws)
    return metrics
