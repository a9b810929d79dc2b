"""From recordings to labelled windows: where speech is, how windows are cut, balanced classes.

The recordings are clean, so energy finds the speech: no teacher model decides what counts.
"""

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from atomicvad.data.manifest import LABELS, SPLITS

FRAME_SECONDS = 0.01
GATE_DB = 30.0  # a frame is active within this range of its recording's 95th percentile
SILENCE_DB = -60.0  # below this level (dBFS) nothing can be heard
SPEECH_SHARE = 0.7  # a speech window has at least this share of active frames
PAUSE_SHARE = 0.05  # a pause at most this one


def frame_levels(waveform: np.ndarray, frame: int) -> np.ndarray:
    """Level in dBFS of back-to-back frames of ``frame`` samples; ``[len(waveform) // frame]``."""
    count = len(waveform) // frame
    power = np.square(waveform[: count * frame].reshape(count, frame)).mean(axis=1)
    return 10 * np.log10(np.maximum(power, 1e-10))


def active_frames(waveform: np.ndarray, sample_rate: int = 16000) -> np.ndarray:
    """Which 10 ms frames are active: within 30 dB of the recording's own loud parts; boolean."""
    levels = frame_levels(waveform, round(FRAME_SECONDS * sample_rate))
    if not len(levels):
        return np.zeros(0, bool)
    return levels > max(np.percentile(levels, 95) - GATE_DB, SILENCE_DB)


def windows_of(waveform, label: str, window: int, stride: int, sample_rate: int = 16000):
    """Starts (samples) of the windows of one recording that surely carry a label.

    Returns:
        ``(starts, labels)``: in a speech recording, windows with at least 70 % active frames are
        speech and those with at most 5 % are background (its pauses: the same room, codec and
        level without the voice). In a background recording all windows that can be heard are.
    """
    frame = round(FRAME_SECONDS * sample_rate)
    starts = np.arange(0, len(waveform) - window + 1, stride)
    if label == "speech":
        marks = active_frames(waveform, sample_rate)
    else:
        marks = frame_levels(waveform, frame) > SILENCE_DB
    share = np.concatenate([[0.0], np.cumsum(marks)])
    first, last = starts // frame, (starts + window) // frame
    share = (share[np.minimum(last, len(marks))] - share[first]) / (window // frame)
    if label == "background":
        starts = starts[share >= SPEECH_SHARE]
        return starts, np.full(len(starts), "background")
    speech, pause = share >= SPEECH_SHARE, share <= PAUSE_SHARE
    starts, speech = starts[speech | pause], speech[speech | pause]
    return starts, np.where(speech, "speech", "background")


def cut_windows(store, settings) -> pd.DataFrame:
    """Windows of every recording of a store, in the manifests' columns plus ``split``."""
    window, rate = settings.window_samples, settings.sample_rate
    tables = []
    rows = tqdm(store.recordings.itertuples(), total=len(store.recordings), desc="windows")
    for row in rows:
        if row.samples < window:
            continue
        stride = round(settings.windows.stride_seconds[row.label] * rate)
        waveform = store.read(row.Index)
        starts, labels = windows_of(waveform, row.label, window, stride, rate)
        if len(starts):
            tables.append(
                pd.DataFrame(
                    {
                        "audio_filepath": row.recording,
                        "offset": starts / rate,
                        "duration": settings.window_seconds,
                        "label": labels,
                        "speaker": row.speaker,
                        "source": row.source,
                        "split": row.split,
                    }
                )
            )
    return pd.concat(tables, ignore_index=True)


def balance(windows: pd.DataFrame, counts: dict[str, int], seed: int) -> pd.DataFrame:
    """The same number of windows of both classes in every split, at most ``counts[split]`` each.

    Sources share a class' windows as evenly as they can, so that one long package does not speak
    for the class; nothing is drawn twice. Deterministic in ``seed``.
    """
    generator = np.random.default_rng(seed)
    chosen = []
    for split in SPLITS:
        of_split = windows[windows["split"] == split]
        pools = {label: of_split[of_split["label"] == label] for label in LABELS}
        count = min(counts[split], *(len(pool) for pool in pools.values()))
        for label in LABELS:
            order = pools[label].iloc[generator.permutation(len(pools[label]))]
            # The n-th window of every source comes before the (n+1)-th of any.
            turn = order.groupby("source", sort=False).cumcount().to_numpy()
            chosen.append(order.iloc[np.argsort(turn, kind="stable")[:count]].sort_index())
    return pd.concat(chosen, ignore_index=True)
