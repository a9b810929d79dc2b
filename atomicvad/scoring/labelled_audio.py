"""Scores of models on labelled recordings of anybody's, one recording in memory at a time."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from atomicvad.audio.decode import AudioError
from atomicvad.config import Settings
from atomicvad.corpora.clips import CLIP_START
from atomicvad.data.labelled_audio import LabelledAudio, LabelledRecording, fitted
from atomicvad.errors import AtomicVADError
from atomicvad.parallel import computed_ahead
from atomicvad.scoring.protocols import padded_stream, segment_bounds
from atomicvad.scoring.windows import in_batches, segment_windows, step_of


class Scored(NamedTuple):
    """What was scored.

    Attributes:
        scores: logits ``[windows, models]``, ``swi`` or ``stream``, and ``clip_samples``; as of
            ``protocols.score_set``.
        labels: a row a span: ``video_id`` (number of the recording), ``start`` and ``end`` (s from
            ``CLIP_START`` on), ``condition``, ``speech``.
        left_out: why recordings could not be decoded, a line each.
    """

    scores: dict[str, np.ndarray]
    labels: pd.DataFrame
    left_out: list[str]


def score_labelled(
    score: Callable[[np.ndarray], np.ndarray], audio: LabelledAudio, settings: Settings, along: bool
) -> Scored:
    """Score all recordings; one that cannot be decoded is left out.

    Args:
        score: float32 windows ``[n, samples]`` -> logits ``[n, models]``.
        along: windows along whole recordings, for the protocol ``frame``; else SWI's windows
            within each labelled span.

    Raises:
        AtomicVADError: nothing can be decoded.
    """
    window, batch = settings.window_samples, settings.evaluation.batch_windows
    logits: list[np.ndarray] = []
    rows: list[tuple] = []
    lengths: list[int] = []
    left_out: list[str] = []
    for recording, waveform in _decoded(audio.recordings):
        spans = () if isinstance(waveform, AudioError) else fitted(recording, len(waveform))
        if isinstance(waveform, AudioError) or not spans:
            left_out.append(str(waveform) if not spans else f"{recording.name}: no label in it")
            tqdm.write(f"left out: {left_out[-1]}")
            continue
        of_recording = [
            (len(lengths), start + CLIP_START, end + CLIP_START, speech)
            for start, end, speech in spans
        ]
        rows += of_recording
        lengths.append(len(waveform))
        if along:
            logits += padded_stream(score, waveform, settings)
        else:
            bounds = segment_bounds(_table(of_recording), len(waveform), recording.name)
            starts, span = segment_windows(bounds, window, step_of("swi", settings))
            logits.append(in_batches(score, waveform, starts, bounds[span, 1], window, batch))
    if not lengths:
        raise AtomicVADError(f"--data: no recording can be decoded; the first: {left_out[0]}")
    scores = {"stream" if along else "swi": np.concatenate(logits)}
    return Scored(scores | {"clip_samples": np.array(lengths)}, _table(rows), left_out)


def _table(rows: list[tuple]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["video_id", "start", "end", "speech"])
    table["condition"] = np.where(table["speech"], "clean", "background")
    return table


def _decoded(
    recordings: list[LabelledRecording],
) -> Iterator[tuple[LabelledRecording, np.ndarray | AudioError]]:
    """Recordings with their waveforms, or why there is none; two are decoded ahead."""

    def load(recording: LabelledRecording) -> np.ndarray | AudioError:
        try:
            return recording.load()
        except AudioError as error:
            return error

    with ThreadPoolExecutor(1) as pool:
        ahead = computed_ahead(pool, load, recordings, 3)
        yield from tqdm(ahead, total=len(recordings), desc="scoring", unit="file")
