"""Event metrics: onset and offset latencies, false alarms per hour, detection error rate.

All are computed from 10 ms frames. Adjacent speech segments count as one.
"""

import numpy as np
import pandas as pd

from atomicvad.audio.signal import FRAME, SAMPLE_RATE

SECONDS = FRAME / SAMPLE_RATE  # of a frame


def _runs(flags: np.ndarray) -> np.ndarray:
    """First frame of every run of True, and the one past its last, ``[runs, 2]``."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return edges.reshape(-1, 2)


def _latencies(truth: np.ndarray, decisions: np.ndarray) -> tuple[list, list, int]:
    """Onset and offset latencies (s) of one clip, and its number of missed speech segments."""
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
    """The counts and latencies from which event metrics are computed, one row per clip.

    Args:
        speech, decisions: of every frame, clip after clip, bool ``[frames]``.
        background: by kind of background, which frames have it, bool ``[frames]``.
        clip_frames: number of frames of each clip.
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
            position = np.argmax(share >= percent / 100, axis=1)
            metrics[f"{name}_latency_p{percent}"] = values[order][position]
    kinds = [column.removeprefix("hours ") for column in counts if column.startswith("hours ")]
    for kind in kinds:
        hours = total(f"hours {kind}")
        rate = np.divide(
            total(f"alarms {kind}"), hours, out=np.full_like(hours, np.nan), where=hours > 0
        )
        metrics[f"false_alarms_per_hour {kind}"] = rate
    return metrics
