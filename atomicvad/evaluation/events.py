"""Decisions along time: how late speech is noticed, how late it is let go, how often it is none.

All from 10 ms frames. Neighbouring speech segments are one stretch of speech.
"""

import numpy as np
import pandas as pd

from atomicvad.audio.signal import FRAME

SECONDS = FRAME / 16000


def _runs(flags: np.ndarray) -> np.ndarray:
    """First frame and the one past the last of every run of True, ``[runs, 2]``."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return edges.reshape(-1, 2)


def _latencies(truth: np.ndarray, decisions: np.ndarray) -> tuple[list, list, int]:
    """Onset and offset latencies (s) of one clip, and how many stretches went unnoticed."""
    onsets, offsets, missed, runs = [], [], 0, _runs(truth)
    borders = [*runs[1:, 0], len(truth)]
    for (start, end), border in zip(runs, borders, strict=True):
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
    background: dict[str, np.ndarray],
    clip_frames: np.ndarray,
) -> pd.DataFrame:
    """What the event metrics are made of, a row a clip.

    Args:
        speech, decisions: of every frame, clip after clip.
        background: by kind of background, which frames are of it.
        clip_frames: frames of each clip.
    """
    rows, position = [], 0
    for count in clip_frames:
        part = slice(position, position + count)
        position += count
        truth, decided = speech[part], decisions[part]
        onsets, offsets, missed = _latencies(truth, decided)
        row = {"onsets": onsets, "offsets": offsets, "missed": missed, "runs": len(_runs(truth))}
        row |= {"speech_s": truth.sum() * SECONDS}
        row |= {"error_s": (truth != decided).sum() * SECONDS}
        # An alarm begins in background, and is not the end of a decision on speech.
        starts = decided & ~np.concatenate([[False], decided[:-1]]) & ~truth
        for name, of_kind in background.items():
            row |= {f"alarms {name}": int((starts & of_kind[part]).sum())}
            row |= {f"hours {name}": of_kind[part].sum() * SECONDS / 3600}
        rows.append(row)
    return pd.DataFrame(rows)


def event_metrics(counts: pd.DataFrame, draws: np.ndarray) -> dict[str, np.ndarray]:
    """Detection error rate, latencies and false alarms per hour of every draw of clips.

    ``detection_error_rate`` is missed plus false speech over all speech (seconds);
    ``onset_latency_p50`` and so on are in s, of stretches of speech that were noticed at all, and
    ``missed_speech`` is the share of those that were not; ``false_alarms_per_hour <kind>`` counts
    alarms in an hour of background of that kind.
    """

    def total(name: str) -> np.ndarray:
        return draws @ counts[name].to_numpy(dtype=float)

    metrics = {
        "detection_error_rate": total("error_s") / total("speech_s"),
        "missed_speech": total("missed") / total("runs"),
    }
    for name in ("onset", "offset"):
        lists = [np.array(values) for values in counts[f"{name}s"]]
        values = np.concatenate(lists) if lists else np.zeros(0)
        if not len(values):
            continue
        order = np.argsort(values)
        clip = np.repeat(np.arange(len(lists)), [len(part) for part in lists])[order]
        share = np.cumsum(draws[:, clip], axis=1)
        with np.errstate(invalid="ignore"):
            share = share / share[:, -1:]
        for percent in (50, 95):
            place = np.argmax(share >= percent / 100, axis=1)
            metrics[f"{name}_latency_p{percent}"] = values[order][place]
    kinds = [column.removeprefix("hours ") for column in counts if column.startswith("hours ")]
    for kind in kinds:
        hours = total(f"hours {kind}")
        rate = np.divide(
            total(f"alarms {kind}"), hours, out=np.full_like(hours, np.nan), where=hours > 0
        )
        metrics[f"false_alarms_per_hour {kind}"] = rate
    return metrics
