"""From scores of windows or outputs to what a protocol judges: segments, windows, frames."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from atomicvad.config import Settings
from atomicvad.evaluation.frames import frame_segments, output_frames, stream_frames
from atomicvad.scoring.peers import PEERS
from atomicvad.scoring.protocols import window_table
from atomicvad.scoring.scores import recorded_labels

SEGMENT_PROTOCOLS = ("swi-median", "swi-mean", "swi-median-duration")
WINDOW_PROTOCOLS = ("swi-window", "spi-median", "spi-mean", "spi-window")
FRAME_PROTOCOLS = ("frame", "frame-causal")


@dataclass(frozen=True)
class Items:
    """What a protocol judges of one set: segments, windows or frames, ``[n]`` each."""

    scores: np.ndarray  # logits
    segment: np.ndarray
    clip: np.ndarray
    speech: np.ndarray
    condition: np.ndarray
    seconds: np.ndarray | None = None  # weights


def members(scores: dict[str, np.ndarray]) -> int:
    """How many members (seeds, checkpoints) a system's scores hold."""
    return next(values.shape[1] for values in scores.values() if values.ndim == 2)


def protocols_of(scores: dict[str, np.ndarray], name: str) -> tuple[str, ...]:
    """The protocols that a system has scores for."""
    if "outputs" not in scores:
        return (*SEGMENT_PROTOCOLS, *WINDOW_PROTOCOLS, *FRAME_PROTOCOLS)
    causal = PEERS[name].delay is not None
    return (*SEGMENT_PROTOCOLS, *(FRAME_PROTOCOLS if causal else FRAME_PROTOCOLS[:1]))


class ClipSet:
    """A set of labelled clips (see ``corpora.clips.read_labels``), and what protocols judge of it.

    Attributes:
        labels: a row a segment.
        clip: number of each segment's clip; ``count`` clips in all.
        speech, condition, lengths: of each segment; lengths in s.
    """

    def __init__(self, settings: Settings, labels: pd.DataFrame):
        self.settings, self.labels = settings, labels
        self.clip = self.labels["video_id"].astype("category").cat.codes.to_numpy()
        self.count = int(self.clip.max()) + 1
        self.speech = self.labels["speech"].to_numpy()
        self.condition = self.labels["condition"].to_numpy(str)
        self.lengths = (self.labels["end"] - self.labels["start"]).to_numpy()
        self._tables = lru_cache(maxsize=None)(self._table)

    def _table(self, protocol: str, clip_samples: tuple[int, ...]) -> np.ndarray:
        samples = np.array(clip_samples)
        if protocol == "frame":
            return frame_segments(self.labels, samples)
        return window_table(self.labels, samples, self.settings, protocol)["segment"].to_numpy()

    def frames(self, scores: dict, name: str, member: int, causal: bool) -> np.ndarray:
        """Logits of all 10 ms frames."""
        samples = scores["clip_samples"]
        if "outputs" not in scores:
            return stream_frames(scores["stream"][:, member], samples, self.settings, causal)
        peer = PEERS[name]
        values = scores["outputs"][:, member]
        return output_frames(values, scores["output_counts"], samples, peer.hop, peer.delay, causal)

    def items(self, scores: dict, name: str, member: int, protocol: str) -> Items:
        """The items of one member of a system under a protocol."""
        unit, _, how = protocol.partition("-")
        samples = tuple(map(int, scores["clip_samples"]))
        if unit == "frame" or "outputs" in scores:
            segment = self._tables("frame", samples)
            values = self.frames(scores, name, member, how == "causal")
            values, segment = values[segment >= 0], segment[segment >= 0]
        else:
            segment, values = self._tables(unit, samples), scores[unit][:, member]
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
    """The clips of a split, by the labels beside the results."""
    return ClipSet(settings, recorded_labels(settings, split))


def of_condition(items: Items, condition: str) -> np.ndarray:
    """A condition's speech and all background; everything for ``all``."""
    return ~items.speech | (items.condition == condition) | (condition == "all")
