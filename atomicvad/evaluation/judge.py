"""From scores of windows or outputs to what a protocol judges: segments, windows, frames."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from atomicvad.config import Settings
from atomicvad.evaluation.metrics import binary_metrics
from atomicvad.evaluation.peers import PEERS
from atomicvad.evaluation.protocols import (
    frame_segments,
    output_frames,
    read_labels,
    score_set,
    stream_frames,
    window_table,
)
from atomicvad.evaluation.scores import scene_labels

CONDITIONS = ("all", "clean", "noise", "music")
SEGMENT_PROTOCOLS = ("swi-median", "swi-mean", "swi-median-duration")
WINDOW_PROTOCOLS = ("swi-window", "spi-median", "spi-mean", "spi-window")
FRAME_PROTOCOLS = ("frame", "frame-causal")
COLUMNS = (
    *("profile", "seed", "variant", "dataset"),
    *("protocol", "condition", "metric", "value"),
)


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


class Judge:
    """Items of every protocol on one set of labelled clips (``protocols.read_labels``)."""

    def __init__(self, settings: Settings, labels: pd.DataFrame):
        self.settings, self.labels = settings, labels
        self.clip = self.labels["video_id"].astype("category").cat.codes.to_numpy()
        self.clips = int(self.clip.max()) + 1
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


def scene_judge(settings: Settings, split: str = "testing") -> Judge:
    """The judge of a set of scenes, by the labels beside the results."""
    return Judge(settings, scene_labels(settings, split))


def of_condition(items: Items, condition: str) -> np.ndarray:
    """A condition's speech and all background; everything for ``all``."""
    return ~items.speech | (items.condition == condition) | (condition == "all")


def seed_metrics(
    judge: Judge, scores: dict, name: str, settings: Settings, member: int = 0, **ids
) -> pd.DataFrame:
    """Metrics of one member of a system on the test scenes, in the long form of ``COLUMNS``.

    ``ids``: ``seed``, ``variant``, ``dataset``. Frames are left to ``systems.csv``.
    """
    rows = []
    for protocol in protocols_of(scores, name):
        if protocol in FRAME_PROTOCOLS:
            continue
        items = judge.items(scores, name, member, protocol)
        for condition in CONDITIONS:
            if condition != "all" and not (judge.condition == condition).any():
                continue  # not every test set has all of them
            chosen = of_condition(items, condition)
            metrics = binary_metrics(
                items.speech[chosen],
                expit(items.scores[chosen].astype(float)),
                settings.evaluation.threshold,
                settings.evaluation.fpr_target,
                None if items.seconds is None else items.seconds[chosen],
            )
            row = ids | {"protocol": protocol, "condition": condition}
            rows += [row | {"metric": metric, "value": value} for metric, value in metrics.items()]
    return pd.DataFrame(rows).assign(profile=settings.profile)[list(COLUMNS)]


def evaluate_folder(
    score: Callable[[np.ndarray], np.ndarray], folder: Path, settings: Settings, **ids
) -> pd.DataFrame:
    """One detector on a folder in AVA-Speech's shape, or on AVA-Speech: the table of a seed.

    Args:
        score: from ``scoring.logit_score`` of one model.
        folder: holds ``labels.csv`` and ``audio/<video_id>.*``, which begin at 900 s.
        ids: ``seed``, ``variant``, ``dataset``.
    """
    judge = Judge(settings, read_labels(folder / "labels.csv"))
    return seed_metrics(judge, score_set(score, folder, settings), "atomicvad", settings, **ids)
