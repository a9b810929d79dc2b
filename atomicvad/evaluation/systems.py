"""All systems on the test clips by the same rules: ``systems.csv`` and ``paired.csv``.

The speech of a condition is compared with all background. Values are means over a system's seeds;
intervals are by bootstrap over clips and seeds.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from tqdm.auto import tqdm

from atomicvad.audio.signal import FRAME
from atomicvad.config import Settings
from atomicvad.evaluation import calibration, events, intervals
from atomicvad.evaluation.items import (
    FRAME_PROTOCOLS,
    STREAM,
    ClipSet,
    Items,
    members,
    of_condition,
    protocols_of,
    recorded_clips,
)
from atomicvad.files import SCORES
from atomicvad.metrics import DECISION
from atomicvad.scoring.peers import PEERS
from atomicvad.scoring.scores import Sets, is_of_these_clips, load_scores, recorded_backgrounds

COLUMNS = ["system", "protocol", "condition", "metric", "value", "low", "high", "members"]
RELEASED = 10  # checkpoints that were released in all
OURS = "atomicvad"
Key = tuple[str, str, str, str]  # the first four columns
INTEGER = "integer"
ENSEMBLE = "ensemble"  # all seeds, their logits averaged
TITLES = {
    OURS: "AtomicVAD, this companion",
    INTEGER: "AtomicVAD in integers",
    STREAM: "AtomicVAD in integers, every 10 ms",
    ENSEMBLE: "AtomicVAD in integers, all seeds together",
    "released": "AtomicVAD, released checkpoints",
}
TITLES |= {peer.name: peer.title for peer in PEERS.values()}


def title(name: str, members: int) -> str:
    """A system's title; that of the released checkpoints says how many there are here."""
    return f"{TITLES[name]} ({members:.0f} of {RELEASED})" if name == "released" else TITLES[name]


def titles(table: pd.DataFrame, column: str = "system") -> dict[str, str]:
    """The titles of the systems in a table with a column ``members``."""
    pairs = table[[column, "members"]].drop_duplicates().itertuples(index=False)
    return {name: title(name, members) for name, members in pairs}


def system_files(settings: Settings) -> dict[str, list[Path]]:
    """The score files of every system that has any: one per seed, or one for all members.

    Where a run has no scores of another system, the reference's count. Scores of other clips are
    left out with a message.
    """
    seeds = [settings.run_folder(seed) / SCORES for seed in settings.seeds]
    files = {OURS: [path for path in seeds if path.is_file()]}
    for name in TITLES:
        places = (settings, settings.reference)
        paths = [place.results_folder / "systems" / name / SCORES for place in places]
        paths = [path for path in paths if path.is_file()]
        if fitting := [path for path in paths if is_of_these_clips(path, settings)]:
            files[name] = fitting[:1]
        elif paths:
            _say_once(f"{TITLES[name]}: left out, its scores are of other scenes (make peers)")
    return {name: paths for name, paths in files.items() if paths}


@cache
def _say_once(text: str) -> None:
    tqdm.write(text)


def load_system(name: str, settings: Settings) -> Sets:
    """Scores of all members of a system by set; logits are ``[windows, members]``."""
    parts = [load_scores(path, settings) for path in system_files(settings)[name]]
    joined = {}
    for split, table in parts[0].items():
        joined[split] = {
            key: np.concatenate([part[split][key] for part in parts], axis=1)
            if values.dtype == np.float32
            else values
            for key, values in table.items()
        }
    return joined


def _member_metrics(
    items: Items,
    conditions: tuple[str, ...],
    threshold: float,
    draws: np.ndarray,
    settings: Settings,
) -> Iterator[tuple[str, str, np.ndarray]]:
    """Yield ``(condition, metric, values for every draw)`` of one member under one protocol."""
    evaluation, clips = settings.evaluation, draws.shape[1]
    thresholds = {"": logit(evaluation.threshold), "_tuned": threshold}
    for condition in conditions:
        selected = of_condition(items, condition)
        seconds = None if items.seconds is None else items.seconds[selected]
        truth, scores, clip = items.speech[selected], items.scores[selected], items.clip[selected]
        values_by_metric = {}
        exact = intervals.ranking_counts(truth, scores, clip, clips, seconds)
        coarse = intervals.coarsen(exact)
        value = intervals.ranking_metrics(exact, draws[:1], evaluation.fpr_target)
        spread = intervals.ranking_metrics(coarse, draws, evaluation.fpr_target)
        for name, values in spread.items():
            # The exact value, with the spread of the coarse ranking.
            values_by_metric[name] = values - values[0] + value[name][0]
        for suffix, level in thresholds.items():
            counts = intervals.decision_counts(truth, scores >= level, clip, clips, seconds)
            metrics = intervals.decision_metrics(counts, draws, evaluation.fpr_target)
            kept = metrics if not suffix else {name: metrics[name] for name in DECISION}
            values_by_metric |= {f"{name}{suffix}": values for name, values in kept.items()}
        if condition == "all":
            counts = calibration.reliability_counts(truth, expit(scores), clip, clips)
            values_by_metric["ece"] = calibration.expected_calibration_error(counts, draws)
            values_by_metric["threshold_tuned"] = np.full(len(draws), expit(threshold))
        yield from ((condition, name, values) for name, values in values_by_metric.items())


def _event_metrics(
    clips: ClipSet,
    scores: dict[str, np.ndarray],
    frames: np.ndarray,
    threshold: float,
    kinds: np.ndarray,
    draws: np.ndarray,
) -> dict[str, np.ndarray]:
    """Event metrics of one member for every draw, see ``events.event_metrics``."""
    segment = clips.segments(scores, "frame")
    labelled = segment >= 0
    speech = labelled & clips.speech[segment]
    background = {
        kind: labelled & ~speech & (kinds[segment] == kind) for kind in sorted(set(kinds) - {""})
    }
    counts = events.event_counts(
        speech, frames >= threshold, labelled, background, scores["clip_samples"] // FRAME
    )
    return events.event_metrics(counts, draws)


def background_kinds(settings: Settings, labels: pd.DataFrame) -> np.ndarray:
    """The kind of background of every segment without speech; ``background`` if not recorded."""
    recorded = recorded_backgrounds(settings)
    return np.where(labels["speech"], "", "background") if recorded is None else recorded


def evaluate(settings: Settings) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Evaluate all systems that have scores: the rows of ``systems.csv`` and ``paired.csv``.

    ``paired.csv`` holds differences of AtomicVAD's seeds to each other system, on the same draws.
    """
    test, validation = recorded_clips(settings), recorded_clips(settings, "validation")
    kinds = background_kinds(settings, test.labels)
    draws = intervals.clip_draws(test.count, settings.evaluation.resamples)
    resampled: dict[Key, np.ndarray] = {}
    counts: dict[str, int] = {}
    for name in system_files(settings):
        sets = load_system(name, settings)
        scores, validation_scores = sets["testing"], sets["validation"]

        def member_values(
            task: tuple[str, int],
            name: str = name,
            scores: dict[str, np.ndarray] = scores,
            validation_scores: dict[str, np.ndarray] = validation_scores,
        ) -> dict[Key, np.ndarray]:
            protocol, member = task
            tuning = validation.items(validation_scores, name, member, protocol)
            threshold = calibration.best_threshold(tuning.speech, tuning.scores)
            items = test.items(scores, name, member, protocol)
            rows = list(_member_metrics(items, test.conditions, threshold, draws, settings))
            if protocol in FRAME_PROTOCOLS:
                frames = test.frames(scores, name, member, protocol)
                event_values = _event_metrics(test, scores, frames, threshold, kinds, draws)
                rows += [("all", metric, values) for metric, values in event_values.items()]
            return {
                (name, protocol, condition, metric): values for condition, metric, values in rows
            }

        counts[name] = members(scores)
        tasks = product(protocols_of(scores, name), range(counts[name]))
        with ThreadPoolExecutor(2) as pool:
            progress = tqdm(pool.map(member_values, tasks), desc=name, unit="table", leave=False)
            values_of_members: dict[Key, list[np.ndarray]] = {}
            for values_by_key in progress:
                for key, values in values_by_key.items():
                    values_of_members.setdefault(key, []).append(values)
        resampled |= {
            key: intervals.over_seeds(np.stack(values)) for key, values in values_of_members.items()
        }
    table = [
        (*key, float(values[0]), *intervals.interval(values), counts[key[0]])
        for key, values in resampled.items()
    ]
    return pd.DataFrame(table, columns=COLUMNS), _paired(resampled, counts)


def _paired(resampled: dict[Key, np.ndarray], counts: dict[str, int]) -> pd.DataFrame:
    """Rows of ``paired.csv``: AtomicVAD's seeds minus each other system."""
    rows = []
    for (name, protocol, condition, metric), values in resampled.items():
        ours = resampled.get((OURS, protocol, condition, metric))
        if name != OURS and ours is not None and metric in ("auroc", "average_precision"):
            ids: dict[str, Any] = {
                "system": OURS,
                "other": name,
                "protocol": protocol,
                "condition": condition,
            }
            ids |= {"metric": metric, "members": counts[name]}
            rows.append(ids | intervals.paired_difference(ours, values))
    return pd.DataFrame(rows)
