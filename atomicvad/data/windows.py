"""Labelled windows of recordings, and balanced classes.

The recordings are clean, so that their energy shows where speech is; no other model labels them.
"""

from collections.abc import Iterable, Mapping
from itertools import pairwise

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from atomicvad.audio.signal import FRAME, SAMPLE_RATE, SILENCE_DB, active_frames, frame_levels
from atomicvad.config import LABELS, SPLITS, Settings
from atomicvad.data.store import AudioStore
from atomicvad.errors import AtomicVADError
from atomicvad.sections import Split

SPEECH_SHARE = 0.7  # a speech window has at least this share of active frames
PAUSE_SHARE = 0.05  # a window in a pause has at most this share
CENTRE = 1600  # samples that the label of a window speaks of, if it answers for its centre
Span = tuple[float, float, bool]  # start, end (s), speech
SHORTEST_PAUSE = 10  # frames; shorter ones, as before a plosive, belong to the speech


def windows_of(
    waveform: np.ndarray, label: str, window: int, stride: int, target: str = "window"
) -> tuple[np.ndarray, np.ndarray]:
    """The windows of one recording whose label is certain.

    Args:
        waveform: 16 kHz mono, ``[samples]``.
        label: of the recording, ``speech`` or ``background``.
        window, stride: in samples.
        target: what the label speaks of, the ``window`` or its ``centre``.

    Returns:
        ``(starts, labels)``, starts in samples. In a speech recording, windows with at least 70 %
        active frames are speech and those with at most 5 % are background (pauses: the same room,
        codec and level without the voice). With ``centre``, all frames or none of the window's
        middle 100 ms are active, whatever lies beside them. In a background recording, audible
        windows are background.
    """
    starts = np.arange(0, len(waveform) - window + 1, stride)
    speech_only = label == "speech"
    active = active_frames(waveform) if speech_only else frame_levels(waveform) > SILENCE_DB
    count = np.concatenate([[0.0], np.cumsum(active)])
    first, last = starts // FRAME, (starts + window) // FRAME
    share = (count[np.minimum(last, len(active))] - count[first]) / (window // FRAME)
    if label == "background":
        starts = starts[share >= SPEECH_SHARE]
        return starts, np.full(len(starts), "background")
    if target == "centre":
        count = np.concatenate([[0.0], np.cumsum(without_short_pauses(active))])
        first = (starts + (window - CENTRE) // 2) // FRAME
        share = (count[first + CENTRE // FRAME] - count[first]) / (CENTRE // FRAME)
        speech, pause = share == 1, share == 0
    else:
        speech, pause = share >= SPEECH_SHARE, share <= PAUSE_SHARE
    starts, speech = starts[speech | pause], speech[speech | pause]
    return starts, np.where(speech, "speech", "background")


def without_short_pauses(active: np.ndarray) -> np.ndarray:
    """Frames, bool ``[frames]``, with pauses of less than ``SHORTEST_PAUSE`` frames made active."""
    filled = active.copy()
    for before, after in pairwise(np.flatnonzero(active)):
        if 1 < after - before <= SHORTEST_PAUSE:
            filled[before:after] = True
    return filled


def labelled_windows(
    samples: int, segments: Iterable[Span], window: int, stride: int, target: str = "window"
) -> tuple[np.ndarray, np.ndarray]:
    """The windows that lie completely within labelled segments, or whose centres do.

    Returns ``(starts, labels)``.

    Args:
        samples: of the recording.
        segments: in order of time, each moment in one at most (``labels.fill``).
        window, stride: in samples.
        target: what lies within a segment, the ``window`` or its ``centre``.
    """
    margin = (window - CENTRE) // 2 if target == "centre" else 0
    starts, labels = [], []
    runs: list[Span] = []  # of segments with one label that touch
    for start, end, speech in segments:
        if runs and runs[-1][2] == speech and start <= runs[-1][1] + 1e-6:
            runs[-1] = (runs[-1][0], max(end, runs[-1][1]), speech)
        else:
            runs.append((start, end, speech))
    for start, end, speech in runs:
        first = max(round(start * SAMPLE_RATE) - margin, 0)
        last = min(round(end * SAMPLE_RATE) + margin, samples) - window
        starts.append(np.arange(first, last + 1, stride))
        labels.append(np.full(len(starts[-1]), "speech" if speech else "background"))
    return np.concatenate([[], *starts]).astype(int), np.concatenate([np.full(0, ""), *labels])


def cut_windows(
    store: AudioStore, settings: Settings, segments: dict[str, list] | None = None
) -> pd.DataFrame:
    """The windows of all recordings of a store: the manifests' columns, and ``split``.

    Args:
        segments: by recording, for those with a label file; their energy is not used.
    """
    window, rate, table = settings.window_samples, settings.sample_rate, store.recordings
    windowing = settings.windows
    numbers, starts, labels = [], [], []
    for row in tqdm(table.itertuples(), total=len(table), desc="windows"):
        if row.samples < window:
            continue
        strides = windowing.stride_seconds
        if row.split == "testing":
            strides = windowing.test_stride_seconds or strides
        stride = round(strides[row.label] * rate)
        if segments and row.recording in segments:
            windows_of_recording = labelled_windows(
                row.samples, segments[row.recording], window, stride, windowing.target
            )
        elif windowing.energy_gate:
            waveform = store.read(row.Index)
            windows_of_recording = windows_of(waveform, row.label, window, stride, windowing.target)
        else:
            first, last = 0, row.samples - window
            if row.label == "speech" and windowing.speech_starts:
                first, highest = (round(s * rate) for s in windowing.speech_starts)
                last = min(last, highest)
            positions = np.arange(first, last + 1, stride)
            windows_of_recording = positions, np.full(len(positions), row.label)
        numbers.append(np.full(len(windows_of_recording[0]), row.Index))
        starts.append(windows_of_recording[0])
        labels.append(windows_of_recording[1])
    if not sum(map(len, starts)):
        raise AtomicVADError(f"no recording has a window of {settings.window_seconds} s")
    columns = ["recording", "speaker", "source", "split"]
    rows = table.loc[np.concatenate(numbers), columns]
    windows = {
        "audio_filepath": rows["recording"].to_numpy(),
        "offset": np.concatenate(starts) / rate,
        "duration": settings.window_seconds,
        "label": np.concatenate(labels).astype(object),
    }
    windows |= {name: rows[name].to_numpy() for name in columns[1:]}
    return pd.DataFrame(windows)


def balance(
    windows: pd.DataFrame, counts: Mapping[Split, int], seed: int, method: str = "sources"
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw the same number of windows of both classes in every split; deterministic in ``seed``.

    Args:
        method: the number of windows per class, and how they are drawn. ``sources``: at most
            ``counts[split]``, spread over the sources of a class as evenly as possible, so that a
            large source does not dominate. ``fixed`` (as in the paper): ``counts[split]``.
            ``over``: the number of the larger class; ``under``: that of the smaller class. If a
            class has fewer windows, all are taken, and some repeatedly.

    Returns:
        The windows, and a table of how many of each class were available, drawn, and drawn again.

    Raises:
        AtomicVADError: a split has no windows of a class.
    """
    generator = np.random.default_rng(seed)
    balanced, report = [], []
    for split in SPLITS:
        of_split = windows[windows["split"] == split]
        pools = {label: of_split[of_split["label"] == label] for label in LABELS}
        sizes = [len(pool) for pool in pools.values()]
        if not min(sizes):
            raise AtomicVADError(
                f"{split}: expected windows of both classes, got {sizes[0]} background and "
                f"{sizes[1]} speech; other sources or another split of them may have some"
            )
        count = {
            "sources": min(counts[split], *sizes),
            "fixed": counts[split],
            "over": max(sizes),
            "under": min(sizes),
        }[method]
        for label, pool in pools.items():
            order = generator.permutation(len(pool))
            if method == "sources":
                # The n-th windows of all sources come before the (n+1)-th of any source.
                turn = pool.iloc[order].groupby("source", sort=False).cumcount().to_numpy()
                order = order[np.argsort(turn, kind="stable")]
            balanced.append(pool.iloc[np.sort(np.resize(order, count))])
            report.append((split, label, len(pool), count, max(0, count - len(pool))))
    columns = ["split", "label", "available", "drawn", "drawn again"]
    return pd.concat(balanced, ignore_index=True), pd.DataFrame(report, columns=columns)
