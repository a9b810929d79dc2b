"""Event metrics: latencies and errors of onsets and offsets, false alarms, detection error rate.

All are computed from 10 ms frames. Adjacent speech segments count as one.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from atomicvad.audio.signal import FRAME, SAMPLE_RATE
from atomicvad.evaluation.intervals import ratio

SECONDS = FRAME / SAMPLE_RATE  # of a frame


def runs(flags: np.ndarray) -> np.ndarray:
    """First frame of every run of True, and the one past its last, ``[runs, 2]``."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return edges.reshape(-1, 2)


def _latencies(truth: np.ndarray, decisions: np.ndarray) -> tuple[list, list, int]:
    """Onset and offset latencies (s) of one clip, and its number of missed speech segments."""
    onsets, offsets, missed, turns = [], [], 0, runs(truth)
    borders = [*turns[1:, 0], len(truth)][: len(turns)]
    for (start, end), border in zip(turns, borders, strict=True):
        detected = np.flatnonzero(decisions[start:end])
        if not len(detected):
            missed += 1
            continue
        if start > 0:  # a clip that begins with speech has no onset
            onsets.append(detected[0] * SECONDS)
        quiet = np.flatnonzero(~decisions[end:border])
        if decisions[end - 1] and len(quiet):
            offsets.append(quiet[0] * SECONDS)
    return onsets, offsets, missed


def event_counts(
    speech: np.ndarray,
    decisions: np.ndarray,
    labelled: np.ndarray,
    background: dict[str, np.ndarray],
    clip_frames: np.ndarray,
) -> pd.DataFrame:
    """The counts and latencies from which event metrics are computed, one row per clip.

    Args:
        speech, decisions: of every frame, clip after clip, bool ``[frames]``.
        labelled: which frames somebody labelled, bool ``[frames]``; others are no errors.
        background: by kind of background, which frames have it, bool ``[frames]``.
        clip_frames: number of frames of each clip.
    """
    rows, position = [], 0
    for count in clip_frames:
        part = slice(position, position + count)
        position += count
        truth, decided = speech[part], decisions[part]
        onsets, offsets, missed = _latencies(truth, decided)
        row = {"onsets": onsets, "offsets": offsets, "missed": missed, "runs": len(runs(truth))}
        row |= {"speech_s": truth.sum() * SECONDS}
        row |= {"error_s": ((truth != decided) & labelled[part]).sum() * SECONDS}
        # An alarm begins in background; a decision that began in speech is none.
        starts = decided & ~np.concatenate([[False], decided[:-1]]) & ~truth
        for name, of_kind in background.items():
            row |= {f"alarms {name}": int((starts & of_kind[part]).sum())}
            row |= {f"hours {name}": of_kind[part].sum() * SECONDS / 3600}
        rows.append(row)
    return pd.DataFrame(rows)


def event_metrics(counts: pd.DataFrame, draws: np.ndarray) -> dict[str, np.ndarray]:
    """Event metrics for every draw of clips, ``[draws]`` each.

    ``detection_error_rate``: missed plus false speech over all speech (in seconds).
    ``missed_speech``: share of the speech segments that are not detected at all.
    ``onset_latency_p50`` … ``offset_latency_p95``: percentiles over detected segments, in s.
    ``false_alarms_per_hour <kind>``: alarms per hour of background of that kind.
    """

    def total(name: str) -> np.ndarray:
        return draws @ counts[name].to_numpy(dtype=float)

    metrics = {
        "detection_error_rate": ratio(total("error_s"), total("speech_s")),
        "missed_speech": ratio(total("missed"), total("runs")),
    }
    for name in ("onset", "offset"):
        percentiles = _percentiles(counts[f"{name}s"], draws)
        metrics |= {f"{name}_latency_p{percent}": v for percent, v in percentiles.items()}
    kinds = [column.removeprefix("hours ") for column in counts if column.startswith("hours ")]
    for kind in kinds:
        rate = ratio(total(f"alarms {kind}"), total(f"hours {kind}"))
        metrics[f"false_alarms_per_hour {kind}"] = rate
    return metrics


def _percentiles(of_clips: Iterable[list[float]], draws: np.ndarray) -> dict[int, np.ndarray]:
    """Median and 95th percentile for every draw of clips, ``[draws]``; none of no values.

    Args:
        of_clips: values of every clip.
    """
    lists = [np.array(values) for values in of_clips]
    values = np.concatenate(lists) if lists else np.zeros(0)
    if not len(values):
        return {}
    order = np.argsort(values)
    clip = np.repeat(np.arange(len(lists)), [len(part) for part in lists])[order]
    share = np.cumsum(draws[:, clip], axis=1)
    share = ratio(share, share[:, -1:])
    found = {percent: share >= percent / 100 for percent in (50, 95)}
    return {
        percent: np.where(reached.any(axis=1), values[order][np.argmax(reached, axis=1)], np.nan)
        for percent, reached in found.items()
    }


def boundary_errors(truth: np.ndarray, decisions: np.ndarray) -> tuple[list[float], list[float]]:
    """How far (s) decisions begin after the turns of one clip, and end after them; early: below 0.

    A turn is a stretch of speech without a pause. Its onset is where the first decision that meets
    it begins, unless that began in an earlier turn; its offset where the last one ends, unless that
    lasts into the next turn. Turns that begin or end with the clip have no onset or offset.
    """
    onsets, offsets, turns, found = [], [], runs(truth), runs(decisions)
    before = [0, *turns[:-1, 1]][: len(turns)]
    after = [*turns[1:, 0], len(truth)][: len(turns)]
    for (start, end), earlier, later in zip(turns, before, after, strict=True):
        met = found[(found[:, 0] < end) & (found[:, 1] > start)]
        if not len(met):
            continue
        first, last = met[0, 0], met[-1, 1]
        if start > 0 and first >= earlier:
            onsets.append(float((first - start) * SECONDS))
        if end < len(truth) and last <= later:
            offsets.append(float((last - end) * SECONDS))
    return onsets, offsets


def boundary_metrics(
    speech: np.ndarray, decisions: np.ndarray, clip_frames: np.ndarray, draws: np.ndarray
) -> dict[str, np.ndarray]:
    """Errors of onsets and offsets in s for every draw of clips, see ``boundary_errors``.

    ``onset_error_p50`` … ``offset_error_p95``: percentiles of the signed errors;
    ``onset_error_abs_p50`` …: of their sizes.
    """
    cuts = np.cumsum(clip_frames)[:-1]
    parts = zip(np.split(speech, cuts), np.split(decisions, cuts), strict=True)
    metrics = {}
    for name, errors in zip(
        ("onset", "offset"),
        zip(*(boundary_errors(*part) for part in parts), strict=True),
        strict=True,
    ):
        for kind, values in (("error", errors), ("error_abs", [list(map(abs, e)) for e in errors])):
            for percent, of_draws in _percentiles(values, draws).items():
                metrics[f"{name}_{kind}_p{percent}"] = of_draws
    return metrics
