"""Segments that the detector and peers find in the scenes and in real recordings: segments.csv.

The seeds and their mean follow the package's defaults, peers those of their authors.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from atomicvad.audio.signal import FRAME, SAMPLE_RATE, to_int16
from atomicvad.config import Settings
from atomicvad.corpora.clips import CLIP_START, decoded_clips, read_labels
from atomicvad.detection.defaults import DEFAULTS, defaults
from atomicvad.detection.models import Model, Step
from atomicvad.detection.scorer import WINDOW_STEP
from atomicvad.detection.segmenter import Rules
from atomicvad.device.engine import STEP
from atomicvad.device.scoring import core_digest
from atomicvad.device.weights import SHAPES
from atomicvad.errors import AtomicVADError
from atomicvad.evaluation import intervals
from atomicvad.evaluation.items import STREAM, TIMING, ClipSet, recorded_clips
from atomicvad.evaluation.real import COLUMNS as REAL_COLUMNS
from atomicvad.evaluation.segments import labelled_speech, segment_metrics
from atomicvad.evaluation.systems import (
    COLUMNS,
    ENSEMBLE,
    INTEGER,
    background_kinds,
    load_system,
    system_files,
)
from atomicvad.files import CLIP_LABELS, SEGMENTS, WEIGHTS, replacing
from atomicvad.model import load_model
from atomicvad.runs.folder import require_seeds
from atomicvad.runs.hysteresis import curve, segments
from atomicvad.scoring.real_recordings import RealCorpus
from atomicvad.scoring.scores import recorded_digests
from atomicvad.stamps import code_of, content_of, fingerprint, is_current, write_stamp

PROTOCOL = "segments"
# Silero's get_speech_timestamps (version 6.2), and TEN VAD's flags, without any smoothing.
PEERS = {
    "silero": Rules(0.5, 0.35, min_speech=0.25, min_silence=0.1, pad=0.03),
    "ten": Rules(0.5, 0.5, min_speech=0, min_silence=0, pad=0),
}
# From score to score.
SECONDS: dict[Step, float] = {"10ms": FRAME / SAMPLE_RATE, "79ms": WINDOW_STEP / SAMPLE_RATE}
Logits = list[tuple[np.ndarray, np.ndarray]]  # of every clip: [steps, models], silent [steps]
COLUMNS_OF_SEGMENTS = ["system", "member", "clip", "start", "end"]


def seeds_model(settings: Settings) -> Model:
    """The seeds of a run, whose weights are read.

    Raises:
        AtomicVADError: a seed has no weights, or is of another architecture.
    """
    require_seeds(settings)
    members = []
    for seed in settings.seeds:
        path = settings.run_folder(seed) / WEIGHTS
        arrays = tuple(np.asarray(array) for array in load_model(path).get_weights())
        if tuple(array.shape for array in arrays) != SHAPES:
            raise AtomicVADError(f"{path}: expected the paper's architecture, got another")
        members.append(arrays)
    return Model(ENSEMBLE, tuple(members))


def raw_logits(model: Model, waveforms: Iterable[np.ndarray], step: Step) -> Logits:
    """Logits of every model along recordings, not smoothed, and where there is digital silence."""
    found = []
    for waveform in waveforms:
        scorer, samples = model.scorer(step), to_int16(waveform)
        parts = [scorer.logits(part) for part in (samples, scorer.padding(len(samples)))]
        edge = np.full(-len(samples) % scorer.step, samples[-1])
        steps = np.concatenate([samples, edge]).reshape(-1, scorer.step)
        found.append((np.concatenate(parts), (steps == steps[:, :1]).all(1)))
    return found


def detected(model: Model, seeds: Iterable[int], waveforms: list[np.ndarray]) -> pd.DataFrame:
    """Segments of the seeds in both forms, and of their mean, in recordings.

    Returns:
        ``COLUMNS_OF_SEGMENTS``; ``member`` is a seed, ``clip`` the number of the recording.
    """
    rows = []
    forms: dict[str, Step] = {STREAM: "10ms", INTEGER: "79ms"}
    for system, step in forms.items():
        logits = raw_logits(model, waveforms, step)
        for number, seed in enumerate(seeds):
            rows += _rows(system, seed, _spans(logits, [number], str(seed), step))
        if system == STREAM:
            together = range(len(model.members))
            rows += _rows(ENSEMBLE, 0, _spans(logits, together, ENSEMBLE, step))
    return pd.DataFrame(rows, columns=COLUMNS_OF_SEGMENTS)


def _spans(logits: Logits, members: Iterable[int], name: str, step: Step) -> list[np.ndarray]:
    model = Model(name, ())
    width, rules = defaults()["steps"][step]["smoothing"], model.rules(step)
    chosen = list(members)
    return [
        segments(curve(values[:, chosen], silent, width, STEP), rules, SECONDS[step])
        for values, silent in logits
    ]


def of_peers(scores: Mapping[str, dict[str, np.ndarray]]) -> pd.DataFrame:
    """Segments of peers by the defaults of their authors, from their outputs along recordings."""
    rows = []
    for name, rules in PEERS.items():
        if name in scores:
            cuts = np.cumsum(scores[name]["output_counts"])[:-1]
            clips = np.split(scores[name]["outputs"][:, 0].astype(np.float64), cuts)
            seconds = TIMING[name][0] / SAMPLE_RATE
            rows += _rows(name, 0, [segments(clip, rules, seconds) for clip in clips])
    return pd.DataFrame(rows, columns=COLUMNS_OF_SEGMENTS)


def _rows(system: str, member: int, clips: list[np.ndarray]) -> list[tuple]:
    return [
        (system, member, number, start, end)
        for number, spans in enumerate(clips)
        for start, end in spans.tolist()
    ]


def find_segments(settings: Settings) -> bool:
    """Write ``segments.csv`` of the test scenes, unless it is current; return whether.

    Raises:
        AtomicVADError: a seed has no weights.
    """
    require_seeds(settings)
    path = settings.results_folder / SEGMENTS
    names = [name for name in PEERS if name in system_files(settings)]
    weights = [settings.run_folder(seed) / WEIGHTS for seed in settings.seeds]
    files = [path for name in names for path in system_files(settings)[name]]
    made_from = fingerprint(
        recorded_digests(settings),
        content_of([*weights, *files], settings.results_folder.parents[1]),
        content_of([DEFAULTS], DEFAULTS.parent),
        code_of(__name__),
        core_digest(),
    )
    stamp = settings.results_folder / ".segments"
    if path.is_file() and is_current(stamp, made_from):
        return False
    folder = settings.clips_folder("testing")
    labels = read_labels(folder / CLIP_LABELS)
    clips = tqdm(decoded_clips(folder, labels), total=labels["video_id"].nunique(), desc="segments")
    ours = detected(seeds_model(settings), settings.seeds, [waveform for _, waveform in clips])
    theirs = of_peers({name: load_system(name, settings)["testing"] for name in names})
    write_segments(pd.concat([ours, theirs], ignore_index=True), settings, SEGMENTS)
    write_stamp(stamp, made_from)
    return True


def write_segments(table: pd.DataFrame, settings: Settings, name: str) -> None:
    """Write a table of segments below the results folder."""
    with replacing(settings.results_folder / name) as path:
        table.to_csv(path, index=False, float_format="%.6g")


def scene_rows(settings: Settings) -> pd.DataFrame:
    """The rows of ``systems.csv`` about segments; none where ``segments.csv`` is missing."""
    path = settings.results_folder / SEGMENTS
    if not path.is_file():
        return pd.DataFrame(columns=COLUMNS)
    clips = recorded_clips(settings)
    kinds = background_kinds(settings, clips.labels)
    rows = [
        (system, PROTOCOL, "all", metric, *values)
        for system, metric, *values in segment_rows(pd.read_csv(path), clips, kinds)
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def segment_rows(
    table: pd.DataFrame, clips: ClipSet, kinds: np.ndarray, seed: int = 0
) -> Iterator[tuple[str, str, float, float, float, int]]:
    """System, metric, value, interval and number of members, of a table of segments.

    Args:
        kinds: of every labelled segment without speech, what kind of background it is.
        seed: of the draws of clips.
    """
    true = labelled_speech(clips.labels)
    ends = clips.labels.groupby("video_id")["end"].max().to_numpy(float) - CLIP_START
    samples = np.rint(ends * SAMPLE_RATE).astype(np.int64)
    clip_frames = samples // FRAME
    segment = clips.segments({"clip_samples": samples}, "frame")
    labelled = segment >= 0
    speech = labelled & clips.speech[segment]
    background = {
        kind: labelled & ~speech & (kinds[segment] == kind) for kind in sorted(set(kinds) - {""})
    }
    draws = intervals.clip_draws(clips.count, clips.settings.evaluation.resamples, seed=seed)
    for system, of_system in table.groupby("system", sort=False):
        members = []
        for _, of_member in of_system.groupby("member", sort=False):
            found = [
                of_member.loc[of_member["clip"] == number, ["start", "end"]].to_numpy(float)
                for number in range(clips.count)
            ]
            measure = partial(segment_metrics, true, found, speech, labelled, background)
            members.append(measure(clip_frames, draws))
        for metric in dict.fromkeys(name for each in members for name in each):
            # A member that met no turn has no errors of onsets.
            known = [each[metric] for each in members if metric in each]
            values = intervals.over_seeds(np.stack(known))
            yield system, metric, float(values[0]), *intervals.interval(values), len(members)


def real_rows(table: pd.DataFrame, corpora: list[RealCorpus], settings: Settings) -> pd.DataFrame:
    """The rows of ``real.csv`` about segments; ``group`` is ``all`` or a kind of sound."""
    rows = []
    for number, corpus in enumerate(corpora):
        clips = ClipSet(settings, corpus.labels)
        speech = corpus.labels["speech"].to_numpy()
        kinds = np.where(speech, "", corpus.labels["category"].to_numpy(str))
        kinds = np.where(~speech & (kinds == ""), "all", kinds)
        of_corpus = table[table["corpus"] == corpus.name]
        for system, metric, *values in segment_rows(of_corpus, clips, kinds, seed=number):
            name, _, group = metric.partition(" ")
            rows.append((corpus.name, system, PROTOCOL, name, group or "all", *values))
    return pd.DataFrame(rows, columns=REAL_COLUMNS)


def real_segments(
    settings: Settings, corpora: list[RealCorpus], scores: Mapping[str, Mapping[str, dict]]
) -> pd.DataFrame:
    """Segments of the seeds, their mean, and peers in all real recordings, with a ``corpus``."""
    model, tables = seeds_model(settings), []
    for corpus in corpora:
        of_corpus = {name: sets[corpus.name] for name, sets in scores.items() if name in PEERS}
        waveforms = list(corpus.waveforms("segments"))
        found = [detected(model, settings.seeds, waveforms), of_peers(of_corpus)]
        tables.append(pd.concat(found, ignore_index=True).assign(corpus=corpus.name))
    return pd.concat(tables, ignore_index=True)
