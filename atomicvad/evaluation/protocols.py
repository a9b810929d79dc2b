"""The protocols: how labelled clips become scores, on a set in AVA-Speech's shape.

- **SWI**: windows of 0.63 s that overlap by 87.5 % within a segment, the last one flush with the
  segment's end; a segment's score is the median or the mean of its windows'.
- **SPI**: the same windows back to back.
- **frame**: 10 ms frames over whole clips. The SWI windows run over the clip without regard to
  segments, and a frame's score is the median of the windows that cover its centre, as NeMo smooths
  overlapping predictions.
- **frame-causal**: the same frames, from past audio alone: the newest window that has ended.
"""

import glob
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from atomicvad.ahead import ahead
from atomicvad.config import Settings
from atomicvad.data.audio import decode
from atomicvad.data.scenes import CLIP_START
from atomicvad.errors import AtomicVADError
from atomicvad.evaluation.windows import (
    PROTOCOLS,
    in_batches,
    lead_in,
    segment_windows,
    step_of,
    stream_scores,
)

FRAME = 160  # samples: 10 ms
CONDITIONS = {
    "NO_SPEECH": "background",
    "CLEAN_SPEECH": "clean",
    "SPEECH_WITH_NOISE": "noise",
    "SPEECH_WITH_MUSIC": "music",
}


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
        # It becomes the name of a file, which shall lie where the clips are.
        if not re.fullmatch(r"[\w-][\w.-]{0,200}", fields[0]):
            raise AtomicVADError(
                f"{path}:{number}: video_id: expected a plain name, got {fields[0][:60]!r}"
            )
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
    """The audio file of a clip, whatever its format.

    Raises:
        AtomicVADError: there is none.
    """
    found = sorted(Path(folder, "audio").glob(f"{glob.escape(video_id)}.*"))
    if not found:
        raise AtomicVADError(f"{folder}/audio: no clip {video_id}.*")
    return found[0]


def decoded_clips(folder: Path, labels: pd.DataFrame) -> Iterator[tuple[str, np.ndarray]]:
    """The clips of a set in the order of their names, two of them decoded ahead."""
    names = sorted(labels["video_id"].unique())
    with ThreadPoolExecutor(1) as pool:
        yield from ahead(pool, lambda name: decode(find_clip(folder, name)), names, 3)


def segment_bounds(segments: pd.DataFrame, samples: int, name: str = "clip") -> np.ndarray:
    """First sample and the one past the last of a clip's segments, ``[segments, 2]``.

    Raises:
        AtomicVADError: a segment begins outside the clip's ``samples``.
    """
    bounds = np.rint((segments[["start", "end"]].to_numpy() - CLIP_START) * 16000).astype(int)
    if bounds.min() < 0 or bounds[:, 0].max() >= samples:
        raise AtomicVADError(f"{name}: segments lie outside its {samples / 16000:.2f} s")
    return np.minimum(bounds, samples)


def score_set(
    score: Callable[[np.ndarray], np.ndarray],
    folder: Path,
    settings: Settings,
    protocols: tuple[str, ...] = (*PROTOCOLS, "stream"),
) -> dict[str, np.ndarray]:
    """Scores of all windows of a set, clip by clip, so memory does not grow with the set.

    Args:
        score: float32 windows ``[n, samples]`` -> scores ``[n, …]``.
        folder: holds ``labels.csv`` and ``audio/<video_id>.*``, which begin at 900 s.
        protocols: of ``swi``, ``spi`` and ``stream`` (SWI's windows over whole clips).

    Returns:
        By protocol, scores in the order of ``window_table`` (``stream``: clip after clip, see
        ``windows.stream_batches``); ``clip_samples`` are the clips' lengths.
    """
    labels = read_labels(folder / "labels.csv")
    window, batch = settings.window_samples, settings.evaluation.batch_windows
    steps = {name: step_of(name.replace("stream", "swi"), settings) for name in protocols}
    found, lengths = {name: [] for name in protocols}, []
    clips = tqdm(
        decoded_clips(folder, labels),
        total=labels["video_id"].nunique(),
        desc=folder.name,
        unit="clip",
    )
    for name, waveform in clips:
        lengths.append(len(waveform))
        bounds = segment_bounds(labels[labels["video_id"] == name], len(waveform), name)
        for protocol, step in steps.items():
            if protocol == "stream":
                found[protocol] += stream_scores(score, [waveform], window, step, batch)
                continue
            starts, segment = segment_windows(bounds, window, step)
            ends = bounds[segment, 1]
            found[protocol].append(in_batches(score, waveform, starts, ends, window, batch))
    arrays = {name: np.concatenate(parts) for name, parts in found.items()}
    return arrays | {"clip_samples": np.array(lengths, np.int32)}


def window_table(
    labels: pd.DataFrame, clip_samples: np.ndarray, settings: Settings, protocol: str
) -> pd.DataFrame:
    """The windows that ``score_set`` scored, in its order: ``segment``, ``window_start`` (s)."""
    tables = []
    for samples, (name, segments) in zip(clip_samples, labels.groupby("video_id"), strict=True):
        bounds = segment_bounds(segments, int(samples), str(name))
        starts, row = segment_windows(bounds, settings.window_samples, step_of(protocol, settings))
        columns = {"segment": segments.index[row], "window_start": starts / 16000 + CLIP_START}
        tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True)


def frame_segments(labels: pd.DataFrame, clip_samples: np.ndarray) -> np.ndarray:
    """The segment that the centre of every 10 ms frame lies in, or -1; clip after clip."""
    found = []
    for samples, (_, segments) in zip(clip_samples, labels.groupby("video_id"), strict=True):
        centres = (np.arange(samples // FRAME) + 0.5) * FRAME / 16000 + CLIP_START
        segments = segments.sort_values("start")
        row = np.searchsorted(segments["start"], centres, side="right") - 1
        inside = (row >= 0) & (centres < segments["end"].to_numpy()[row])
        found.append(np.where(inside, segments.index.to_numpy()[row], -1))
    return np.concatenate(found)


def stream_frames(
    stream: np.ndarray, clip_samples: np.ndarray, settings: Settings, causal: bool
) -> np.ndarray:
    """Scores of 10 ms frames ``[frames]`` from those of the stream's windows."""
    window, step = settings.window_samples, step_of("swi", settings)
    lead, cover, found, position = lead_in(window, step), -(-window // step), [], 0
    for samples in map(int, clip_samples):
        count = (lead + samples - window) // step + 1
        scores = stream[position : position + count]
        position += count
        frames = np.arange(samples // FRAME)
        if causal:
            newest = (lead + (frames + 1) * FRAME - window) // step
            found.append(scores[np.maximum(newest, 0)])
            continue
        # Windows that begin before the clip hear the silence put there; a short clip has no others.
        inside = scores[min(lead // step, count - 1) :]
        empty = np.full(cover - 1, np.nan)
        scores = np.concatenate([empty, inside, empty])
        # The last frames, which no window covers, go with the last window.
        slot = np.minimum((frames * FRAME + FRAME // 2) // step, len(inside) + cover - 2)
        smooth = np.nanmedian(np.lib.stride_tricks.sliding_window_view(scores, cover), axis=1)
        found.append(smooth[slot])
    return np.concatenate(found)


def output_frames(
    outputs: np.ndarray,
    counts: np.ndarray,
    clip_samples: np.ndarray,
    hop: int,
    delay: int | None,
    causal: bool,
) -> np.ndarray:
    """Scores of 10 ms frames from a system's own outputs, one every ``hop`` samples.

    Args:
        outputs: of all clips, ``counts`` of them in each; output ``n`` speaks of the samples from
            ``n * hop`` on.
        delay: samples past those that it has heard; ``None``: the whole clip, so it is not causal.
    """
    found, position = [], 0
    for samples, count in zip(map(int, clip_samples), map(int, counts), strict=True):
        own = outputs[position : position + count]
        position += count
        frames = np.arange(samples // FRAME)
        if causal:
            newest = ((frames + 1) * FRAME - delay) // hop - 1
        else:
            newest = (frames * FRAME + FRAME // 2) // hop
        # Before its first word a system says no speech.
        silent = np.float32(min(own.min(), 0))
        found.append(np.where(newest < 0, silent, own[np.clip(newest, 0, count - 1)]))
    return np.concatenate(found)
