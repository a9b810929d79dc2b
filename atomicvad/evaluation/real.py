"""All systems on real recordings by the same rules: ``real.csv`` and ``real_paired.csv``.

Everything is by 10 ms frames. Values are means over a system's seeds; intervals are by bootstrap
over recordings and seeds, and all systems are evaluated on the same draws, so that differences are
paired. Thresholds come from validation scenes.

A turn is a stretch of speech without a pause, whoever speaks; a pause is a stretch in which nobody
does, also at the ends of a recording.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from atomicvad.audio.signal import FRAME
from atomicvad.config import Settings
from atomicvad.evaluation import events, intervals
from atomicvad.evaluation.items import ClipSet, members, protocols_of
from atomicvad.evaluation.systems import OURS
from atomicvad.scoring.real_recordings import RealCorpus
from atomicvad.scoring.scores import Sets

COLUMNS = ["corpus", "system", "protocol", "metric", "group", "value", "low", "high", "members"]
TURN_EDGES, PAUSE_EDGES = (0.5, 1.0, 2.0), (0.2, 0.4, 0.63, 1.0)  # s
ALL = "all"
Key = tuple[str, str, str, str, str]  # the first five columns
Rows = Iterator[tuple[str, str, np.ndarray]]  # metric, group, values for every draw


def group_names(edges: tuple[float, ...]) -> list[str]:
    """Names of the groups of lengths that ``edges`` (s) separate.

    >>> group_names((0.5, 1.0))
    ['< 0.5 s', '0.5-1 s', '> 1 s']
    """
    middle = [f"{low:g}-{high:g} s" for low, high in pairwise(edges)]
    return [f"< {edges[0]:g} s", *middle, f"> {edges[-1]:g} s"]


def length_groups(
    flags: np.ndarray, clip_frames: np.ndarray, edges: tuple[float, ...]
) -> np.ndarray:
    """Of every frame the group of the length of its run of True, by ``edges``; -1 where False.

    A length at an edge belongs to the longer group. Runs end with their clip.
    """
    groups = np.full(len(flags), -1)
    position = 0
    for count in clip_frames:
        for start, end in events.runs(flags[position : position + count]):
            seconds = round((end - start) * events.SECONDS, 6)
            groups[position + start : position + end] = np.searchsorted(edges, seconds, "right")
        position += count
    return groups


def share(hits: np.ndarray, of: np.ndarray, clip: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Share of the frames ``of`` that are ``hits``, for every draw; NaN where there are none.

    Args:
        hits, of: bool ``[frames]``; clip: of every frame, ``[frames]``.
        draws: of ``intervals.clip_draws``, ``[draws, clips]``.
    """
    count = draws.shape[1]
    part, whole = (draws @ np.bincount(clip[f], minlength=count) for f in (hits & of, of))
    return np.divide(part, whole, out=np.full(len(draws), np.nan), where=whole > 0)


class RealClips:
    """The frames of a corpus, and the metrics of a system's scores of them.

    Attributes:
        speech: of every frame, bool ``[frames]``; ``clip``: its recording's number.
        draws: how often each recording is drawn, see ``intervals.clip_draws``.
    """

    def __init__(
        self, corpus: RealCorpus, clip_samples: np.ndarray, settings: Settings, number: int
    ):
        self.name, self.settings = corpus.name, settings
        self.clips = ClipSet(settings, corpus.labels)
        segment = self.clips.segments({"clip_samples": clip_samples}, "frame")
        self.clip_frames = clip_samples // FRAME
        self.clip = np.repeat(np.arange(self.clips.count), self.clip_frames)
        self.labelled = segment >= 0
        self.speech = self.labelled & self.clips.speech[segment]
        self.quiet = self.labelled & ~self.speech
        self.draws = intervals.clip_draws(
            self.clips.count, settings.evaluation.resamples, seed=number
        )
        categories = corpus.labels["category"].to_numpy(str)
        self.groups = self._groups(np.where(self.labelled, categories[segment], ""))

    def _groups(self, category: np.ndarray) -> list[tuple[str, str, np.ndarray]]:
        """Metric, name and frames of every group whose share of decisions is a metric."""
        found = [("recall", ALL, self.speech), ("false_share", ALL, self.quiet)]
        if self.speech.any():
            turns = length_groups(self.speech, self.clip_frames, TURN_EDGES)
            pauses = length_groups(self.quiet, self.clip_frames, PAUSE_EDGES)
            found += [
                ("recall", f"turns {name}", turns == number)
                for number, name in enumerate(group_names(TURN_EDGES))
            ]
            found += [
                ("false_share", f"pauses {name}", pauses == number)
                for number, name in enumerate(group_names(PAUSE_EDGES))
            ]
        else:
            names = sorted(set(category[self.quiet]) - {""})
            found += [("false_share", name, self.quiet & (category == name)) for name in names]
        return [(metric, name, of) for metric, name, of in found if of.any()]

    def seconds(self) -> dict[str, float]:
        """Seconds of every group: how much a share of it rests on."""
        return {
            name: round(of.sum() * events.SECONDS, 2) for _, name, of in self.groups if name != ALL
        }

    def frames(
        self, scores: dict[str, np.ndarray], name: str, member: int, protocol: str
    ) -> np.ndarray:
        """Logits of all frames ``[frames]`` of one member of the system ``name``."""
        return self.clips.frames(scores, name, member, protocol)

    def metrics(self, frames: np.ndarray, threshold: float) -> Rows:
        """Metrics of one member; those ending in ``_tuned`` at ``threshold`` (a logit)."""
        draws, labelled = self.draws, self.labelled
        if self.speech.any() and self.quiet.any():
            yield from self.auroc(frames)
        cuts = {"": float(logit(self.settings.evaluation.threshold)), "_tuned": threshold}
        for suffix, cut in cuts.items():
            decisions = frames >= cut
            for metric, group, of in self.groups:
                yield metric + suffix, group, share(decisions, of, self.clip, draws)
            if not self.speech.any():
                continue
            counts = intervals.decision_counts(
                self.speech[labelled], decisions[labelled], self.clip[labelled], self.clips.count
            )
            found = intervals.decision_metrics(counts, draws, self.settings.evaluation.fpr_target)
            yield from ((name + suffix, ALL, found[name]) for name in ("precision", "f1"))
            table = events.event_counts(self.speech, decisions, labelled, {}, self.clip_frames)
            rates = events.event_metrics(table, draws)
            for name in ("detection_error_rate", "missed_speech"):
                yield name + suffix, ALL, rates[name]
            errors = events.boundary_metrics(self.speech, decisions, self.clip_frames, draws)
            yield from ((name + suffix, ALL, values) for name, values in errors.items())
        yield "threshold_tuned", ALL, np.full(len(draws), expit(threshold))

    def auroc(
        self, frames: np.ndarray, other: "RealClips | None" = None, of_other: Any = None
    ) -> Rows:
        """AUROC of frames; of a corpus without speech, against the speech of an ``other`` one.

        Args:
            of_other: the scores of the other corpus' frames.
        """
        truth, scores, clip = self.speech[self.labelled], frames[self.labelled], self.clip
        clip, draws, group = clip[self.labelled], self.draws, ALL
        if other is not None:
            truth = np.concatenate([truth, np.ones(other.speech.sum(), bool)])
            scores = np.concatenate([scores, of_other[other.speech]])
            clip = np.concatenate([clip, self.clips.count + other.clip[other.speech]])
            draws = np.concatenate([draws, other.draws], axis=1)
            group = f"against the speech of {other.name}"
        target = self.settings.evaluation.fpr_target
        exact = intervals.ranking_counts(truth, scores, clip, draws.shape[1])
        value = intervals.ranking_metrics(exact, draws[:1], target)["auroc"][0]
        spread = intervals.ranking_metrics(intervals.coarsen(exact), draws, target)["auroc"]
        yield "auroc", group, spread - spread[0] + value


def evaluate_real(
    settings: Settings,
    corpora: list[RealCorpus],
    scores: dict[str, Sets],
    thresholds: dict[str, dict[str, np.ndarray]],
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, dict[str, float]]]:
    """The rows of ``real.csv`` and ``real_paired.csv``, and the seconds of each corpus' groups.

    Args:
        scores: by system, of all corpora.
        thresholds: by system and protocol, one for each member (logits).
    """
    some = next(iter(scores.values()))
    frames_of = [
        RealClips(corpus, some[corpus.name]["clip_samples"], settings, number)
        for number, corpus in enumerate(corpora)
    ]
    resampled: dict[Key, np.ndarray] = {}
    counts: dict[str, int] = {}
    for name, sets in scores.items():
        counts[name] = members(sets[corpora[0].name])
        of_members: dict[Key, list[np.ndarray]] = {}
        for protocol in protocols_of(sets[corpora[0].name], name):
            if protocol not in thresholds[name]:
                continue
            for member in range(counts[name]):
                threshold = float(thresholds[name][protocol][member])
                found = _member_values(frames_of, sets, name, member, protocol, threshold)
                for corpus, metric, group, values in found:
                    key = (corpus, name, protocol, metric, group)
                    of_members.setdefault(key, []).append(values)
        resampled |= {k: intervals.over_seeds(np.stack(v)) for k, v in of_members.items()}
    table = [
        (*key, float(values[0]), *intervals.interval(values), counts[key[1]])
        for key, values in resampled.items()
    ]
    seconds = {clips.name: clips.seconds() for clips in frames_of}
    return pd.DataFrame(table, columns=COLUMNS), _paired(resampled, counts), seconds


def _member_values(
    frames_of: list[RealClips], sets: Sets, name: str, member: int, protocol: str, threshold: float
) -> Iterator[tuple[str, str, str, np.ndarray]]:
    """Corpus, metric, group and values for every draw, of one member under one protocol."""
    frames = [clips.frames(sets[clips.name], name, member, protocol) for clips in frames_of]
    spoken = [number for number, clips in enumerate(frames_of) if clips.speech.any()]
    for clips, values in zip(frames_of, frames, strict=True):
        for row in clips.metrics(values, threshold):
            yield clips.name, *row
        if not clips.speech.any() and spoken:
            other = spoken[0]
            for row in clips.auroc(values, frames_of[other], frames[other]):
                yield clips.name, *row


def _paired(resampled: dict[Key, np.ndarray], counts: dict[str, int]) -> pd.DataFrame:
    """Our seeds minus each other system, for every number that both have."""
    rows = []
    for (corpus, name, protocol, metric, group), values in resampled.items():
        ours = resampled.get((corpus, OURS, protocol, metric, group))
        if name == OURS or ours is None or metric == "threshold_tuned":
            continue
        ids: dict[str, Any] = {"corpus": corpus, "system": OURS, "other": name}
        ids |= {"protocol": protocol, "metric": metric, "group": group, "members": counts[name]}
        rows.append(ids | intervals.paired_difference(ours, values))
    return pd.DataFrame(rows)
