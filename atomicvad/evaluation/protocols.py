"""How labelled segments become windows and scores: SWI and SPI on an AVA-Speech-shaped set.

SWI: windows of 0.63 s that overlap by 87.5 %, the last one flush with the segment's end. SPI: the
same windows back to back. A segment's score is the median or the mean of its windows'.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from atomicvad.config import Settings
from atomicvad.data.audio import decode
from atomicvad.data.scenes import CLIP_START
from atomicvad.errors import AtomicVADError

PROTOCOLS = ("swi", "spi")
CONDITIONS = {
    "NO_SPEECH": "background",
    "CLEAN_SPEECH": "clean",
    "SPEECH_WITH_NOISE": "noise",
    "SPEECH_WITH_MUSIC": "music",
}


def window_starts(start: int, end: int, window: int, step: int) -> np.ndarray:
    """First samples of the windows of the segment ``start … end``, in samples.

    A segment shorter than a window has one, at its start.
    """
    if end - start <= window:
        return np.array([start])
    starts = np.arange(start, end - window + 1, step)
    last = end - window
    return starts if starts[-1] == last else np.append(starts, last)


def step_of(protocol: str, settings: Settings) -> int:
    """Samples between the windows of a protocol."""
    if protocol not in PROTOCOLS:
        raise AtomicVADError(f"protocol: expected {' or '.join(PROTOCOLS)}, got {protocol!r}")
    overlap = settings.evaluation.overlap if protocol == "swi" else 0.0
    return max(1, round(settings.window_samples * (1 - overlap)))


def read_labels(path: Path) -> pd.DataFrame:
    """Segments of a label file in AVA-Speech's shape: ``video_id,start,end,label``, no header.

    Returns:
        The columns above with ``condition`` and ``speech``. A row that repeats another one's
        (video_id, start) is dropped, and so is one without length.

    Raises:
        AtomicVADError: names ``file:line``.
    """
    path = Path(path)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise AtomicVADError(f"{path}: cannot be read as text ({error})") from None
    rows = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        fields = line.split(",")
        if len(fields) != 4:
            raise AtomicVADError(f"{path}:{number}: expected 4 fields, got {len(fields)}")
        try:
            start, end = float(fields[1]), float(fields[2])
        except ValueError:
            raise AtomicVADError(f"{path}:{number}: times: expected two numbers") from None
        if not (np.isfinite([start, end]).all() and 0 <= start <= end):
            raise AtomicVADError(f"{path}:{number}: expected 0 <= start <= end, got {start}, {end}")
        if fields[3] not in CONDITIONS:
            raise AtomicVADError(
                f"{path}:{number}: label: expected one of {', '.join(CONDITIONS)}; "
                f"got {fields[3]!r}"
            )
        rows.append((fields[0], start, end, fields[3]))
    if not rows:
        raise AtomicVADError(f"{path}: no labels in it")
    table = pd.DataFrame(rows, columns=["video_id", "start", "end", "label"])
    table = table[table["end"] > table["start"]].drop_duplicates(["video_id", "start"])
    table["condition"] = table["label"].map(CONDITIONS)
    table["speech"] = table["label"] != "NO_SPEECH"
    return table.reset_index(drop=True)


def find_clip(folder: Path, video_id: str) -> Path:
    """The audio file of a clip, whatever its format."""
    found = sorted(Path(folder, "audio").glob(f"{video_id}.*"))
    if not found:
        raise AtomicVADError(f"{folder}/audio: no clip {video_id}.*")
    return found[0]


def _windows(padded: np.ndarray, starts: np.ndarray, ends: np.ndarray, window: int) -> np.ndarray:
    """``[windows, window]``; what lies past a segment's end is silence."""
    windows = np.lib.stride_tricks.sliding_window_view(padded, window)[starts]
    short = ends - starts < window
    for row in np.flatnonzero(short):
        windows[row, ends[row] - starts[row] :] = 0
    return windows


def _in_batches(score, waveform, starts, ends, window: int, batch: int) -> np.ndarray:
    """Scores of all windows; two batches are on their way at a time."""
    padded = np.concatenate([waveform, np.zeros(window, np.float32)])

    def one(first: int) -> np.ndarray:
        part = slice(first, first + batch)
        return score(_windows(padded, starts[part], ends[part], window))

    with ThreadPoolExecutor(2) as pool:
        return np.concatenate(list(pool.map(one, range(0, len(starts), batch))))


def score_segments(
    score: Callable[[np.ndarray], np.ndarray],
    folder: Path,
    labels: pd.DataFrame,
    settings: Settings,
    protocol: str = "swi",
) -> pd.DataFrame:
    """Score every window of every segment; clip by clip, so memory does not grow with the set.

    Args:
        score: float32 windows ``[n, samples]`` -> speech probabilities ``[n]``.
        folder: holds ``audio/<video_id>.*``, which begin at 900 s of the labels' time.

    Returns:
        A row a window: ``segment`` (row of ``labels``), ``window_start`` in s, ``probability``.
    """
    window, rate = settings.window_samples, settings.sample_rate
    step, batch = step_of(protocol, settings), settings.evaluation.batch_windows
    tables = []
    for video_id, segments in tqdm(labels.groupby("video_id"), desc=protocol, unit="clip"):
        clip = find_clip(folder, video_id)
        waveform = decode(clip)
        bounds = np.rint((segments[["start", "end"]].to_numpy() - CLIP_START) * rate).astype(int)
        if bounds.min() < 0 or bounds[:, 0].max() >= len(waveform):
            raise AtomicVADError(f"{clip}: segments lie outside its {len(waveform) / rate:.2f} s")
        bounds = np.minimum(bounds, len(waveform))
        starts = [window_starts(*pair, window, step) for pair in bounds]
        counts = [len(part) for part in starts]
        starts = np.concatenate(starts)
        ends = np.repeat(bounds[:, 1], counts)
        tables.append(
            pd.DataFrame(
                {
                    "segment": np.repeat(segments.index, counts),
                    "window_start": starts / rate + CLIP_START,
                    "probability": _in_batches(score, waveform, starts, ends, window, batch),
                }
            )
        )
    return pd.concat(tables, ignore_index=True).sort_values("segment", kind="stable")


def model_score(model) -> Callable[[np.ndarray], np.ndarray]:
    """The ``score`` of a detector from ``build_model``: its numbers to rounding, but faster."""
    import tensorflow as tf

    from atomicvad.layers.compiled_features import CompiledFeatures
    from atomicvad.layers.kernels import compiled_call

    _, layer, network = model.layers
    features, call = CompiledFeatures(layer), compiled_call(network)

    @tf.function(input_signature=[tf.TensorSpec(network.input_shape, tf.float32)])
    def predict(x):
        variables = network.trainable_variables, network.non_trainable_variables
        return call(*variables, x, training=False)[0][:, 1]

    return lambda windows: predict(features(np.ascontiguousarray(windows))).numpy()


def speech_probabilities(
    model, waveform: np.ndarray, overlap: float = 0.875, batch: int = 1024
) -> tuple[np.ndarray, np.ndarray]:
    """Speech probability along a waveform.

    Args:
        model: from ``load_model``.
        waveform: 16 kHz mono, ±1, ``[samples]``.
        overlap: of neighbouring windows, 0 up to less than 1.

    Returns:
        Times of the windows' centres in s and their probabilities, ``[windows]`` each.

    Raises:
        AtomicVADError: another shape, integers, NaN, or an impossible overlap.
    """
    waveform = np.asarray(waveform)
    if waveform.ndim != 1 or not len(waveform) or waveform.dtype.kind != "f":
        raise AtomicVADError(
            f"waveform: expected floats [samples], got {waveform.dtype} {list(waveform.shape)}"
        )
    if not np.isfinite(waveform).all():
        raise AtomicVADError("waveform: some samples are NaN or infinite")
    if not 0 <= overlap < 1:
        raise AtomicVADError(f"overlap: expected 0 up to less than 1, got {overlap}")
    window, score = model.input_shape[1], model_score(model)
    starts = window_starts(0, len(waveform), window, max(1, round(window * (1 - overlap))))
    ends = np.full(len(starts), len(waveform))
    return (starts + window / 2) / 16000, _in_batches(score, waveform, starts, ends, window, batch)
