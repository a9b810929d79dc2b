"""Items, which a protocol scores: segments, windows or frames, each with a score and a label."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from atomicvad.audio.signal import FRAME, SAMPLE_RATE
from atomicvad.config import Settings
from atomicvad.corpora.clips import CONDITIONS
from atomicvad.evaluation.frames import (
    frame_segments,
    output_frames,
    segments_around,
    smoothed_frames,
    stream_frames,
)
from atomicvad.scoring.peers import PEERS
from atomicvad.scoring.protocols import window_table
from atomicvad.scoring.scores import recorded_labels

SEGMENT_PROTOCOLS = ("swi-median", "swi-mean", "swi-median-duration")
WINDOW_PROTOCOLS = ("swi-window", "spi-median", "spi-mean", "spi-window")
FRAME_PROTOCOLS = ("frame", "frame-covered", "frame-causal")
STREAM = "stream"  # the integer detector with a decision every 10 ms
# Samples from one output to the next, and that an output uses after its own; ``None``: all of them.
TIMING = {peer.name: (peer.hop, peer.delay) for peer in PEERS.values()}
TIMING[STREAM] = (FRAME, 36 * FRAME)


@dataclass(frozen=True)
class Items:
    """The items of one set of clips under a protocol; all arrays are ``[n]``.

    Attributes:
        scores: logits.
        segment, clip: numbers of the segment and clip of each item.
        speech: bool labels.
        condition: of the item's segment, see ``corpora.clips.CONDITION_OF``.
        seconds: durations of the segments, if items are weighted by them.
    """

    scores: np.ndarray
    segment: np.ndarray
    clip: np.ndarray
    speech: np.ndarray
    condition: np.ndarray
    seconds: np.ndarray | None = None


def members(scores: dict[str, np.ndarray]) -> int:
    """Number of members (seeds, checkpoints) in a system's scores."""
    return next(values.shape[1] for values in scores.values() if values.ndim == 2)


def protocols_of(scores: dict[str, np.ndarray], name: str) -> tuple[str, ...]:
    """The protocols that can be computed from a system's scores."""
    if "outputs" not in scores:
        return (*SEGMENT_PROTOCOLS, *WINDOW_PROTOCOLS, *FRAME_PROTOCOLS)
    causal = TIMING[name][1] is not None
    return (*SEGMENT_PROTOCOLS, "frame", *(["frame-causal"] if causal else []))


class ClipSet:
    """A set of labelled clips, and its items under each protocol.

    Attributes:
        labels: one row per segment, as of ``corpora.clips.read_labels``.
        clip: number of each segment's clip; ``count`` clips in total.
        speech, condition, lengths: of each segment; lengths in s.
        conditions: those of ``corpora.clips.CONDITIONS`` that these clips have.
    """

    def __init__(self, settings: Settings, labels: pd.DataFrame):
        self.settings, self.labels = settings, labels
        self.clip = self.labels["video_id"].astype("category").cat.codes.to_numpy()
        self.count = int(self.clip.max()) + 1
        self.speech = self.labels["speech"].to_numpy()
        self.condition = self.labels["condition"].to_numpy(str)
        spoken = [name for name in CONDITIONS if (self.condition == name).any()]
        self.conditions = ("all", *(spoken if len(spoken) > 1 else ()))  # of one alone it is all
        self.lengths = (self.labels["end"] - self.labels["start"]).to_numpy()
        self._cached_segments = lru_cache(maxsize=None)(self._find_segments)

    def _find_segments(self, unit: str, clip_samples: tuple[int, ...]) -> np.ndarray:
        samples = np.array(clip_samples)
        if unit == "frame":
            return frame_segments(self.labels, samples)
        if unit == STREAM:
            window = self.settings.window_samples / SAMPLE_RATE
            return frame_segments(segments_around(self.labels, window), samples)
        return window_table(self.labels, samples, self.settings, unit)["segment"].to_numpy()

    def segments(self, scores: dict[str, np.ndarray], unit: str) -> np.ndarray:
        """The segment of every window (``swi``, ``spi``) or ``frame``; -1 for frames in none.

        ``stream``: of every frame that is the middle of a window within the segment.
        """
        return self._cached_segments(unit, tuple(map(int, scores["clip_samples"])))

    def frames(
        self, scores: dict[str, np.ndarray], name: str, member: int, protocol: str = "frame"
    ) -> np.ndarray:
        """Logits of all 10 ms frames ``[frames]`` of one member of the system ``name``."""
        samples = scores["clip_samples"]
        if "outputs" not in scores:
            return stream_frames(scores["stream"][:, member], samples, self.settings, protocol)
        causal, (hop, delay) = protocol == "frame-causal", TIMING[name]
        values = scores["outputs"][:, member]
        frames = output_frames(values, scores["output_counts"], samples, hop, delay, causal)
        if name == STREAM and protocol == "frame":
            return smoothed_frames(frames, samples, self.settings)
        return frames

    def items(self, scores: dict[str, np.ndarray], name: str, member: int, protocol: str) -> Items:
        """The items of one member of the system ``name`` under a protocol."""
        unit, _, how = protocol.partition("-")
        if unit == "frame" or "outputs" in scores:
            within = name == STREAM and unit != "frame"
            segment = self.segments(scores, STREAM if within else "frame")
            values = self.frames(scores, name, member, protocol)
            values, segment = values[segment >= 0], segment[segment >= 0]
        else:
            segment, values = self.segments(scores, unit), scores[unit][:, member]
        if unit != "frame" and how != "window":
            table = pd.Series(values if how.startswith("median") else expit(values))
            grouped = table.groupby(segment)
            reduced = grouped.median() if how.startswith("median") else grouped.mean()
            values, segment = reduced.to_numpy(), reduced.index.to_numpy()
            if how == "mean":
                values = logit(np.clip(values.astype(np.float64), 1e-12, 1 - 1e-12))
        return Items(
            values,
            segment,
            self.clip[segment],
            self.speech[segment],
            self.condition[segment],
            self.lengths[segment] if how.endswith("duration") else None,
        )


def recorded_clips(settings: Settings, split: str = "testing") -> ClipSet:
    """The clips of a split, from the copy of their labels in the results folder."""
    return ClipSet(settings, recorded_labels(settings, split))


def of_condition(items: Items, condition: str) -> np.ndarray:
    """Which items belong to a condition: its speech and all background (``all``: every item)."""
    return ~items.speech | (items.condition == condition) | (condition == "all")
