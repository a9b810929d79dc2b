"""Labelled clips from real corpora in the format of the scenes, with a manifest."""

import hashlib
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pandas as pd
import soundfile
from tqdm.auto import tqdm

from atomicvad.audio.decode import AudioError, decode
from atomicvad.audio.signal import SAMPLE_RATE
from atomicvad.config import Settings
from atomicvad.console import report_left_out
from atomicvad.corpora import ava_speech
from atomicvad.corpora.clips import CLIP_START
from atomicvad.corpora.index import index_files
from atomicvad.corpora.registry import get_corpus
from atomicvad.data.manifest import write_manifest
from atomicvad.data.sources import index_path, indexed, locate
from atomicvad.errors import AtomicVADError
from atomicvad.files import CLIP_LABELS, CLIP_STATES, replacing
from atomicvad.journal import Journal
from atomicvad.sections import SourceSettings
from atomicvad.stamps import code_of, fingerprint, is_current, write_stamp

DATASET, MANIFEST = "dataset.txt", "manifest.json"
TOLERANCE = 0.1  # s by which a clip may be too short
CLASS_OF = {True: "CLEAN_SPEECH", False: "NO_SPEECH"}  # of segments that are labelled as speech
CLIP_COLUMNS = ["clip", "state", "seconds", "segments", "left_out", "sha256"]


@dataclass(frozen=True)
class Clip:
    """A clip to score: its audio file (``None``: missing) and its segments, in s from 0."""

    name: str
    path: Path | None
    stamp: tuple  # size and time of the file
    segments: tuple  # (start, end, label)


def prepare_clips(settings: Settings, sources: tuple[SourceSettings, ...], split: str) -> None:
    """Make the clips of a split from ``sources``, unless they are current (AVA-Speech: all clips).

    Writes ``audio/<clip>.flac`` (16 kHz mono), ``labels.csv`` in AVA-Speech's format,
    ``clips.csv`` (missing and truncated clips), ``manifest.json`` (NeMo's fields, one line per
    segment) and, last, ``dataset.txt``, the name of the set. An interrupted call can be resumed.

    Raises:
        AtomicVADError: no clip exists, or fewer than ``subset`` asks for.
    """
    folder = settings.clips_folder(split)
    sets = [_clips(source, settings, split) for source in sources]
    clips = [clip for part, _ in sets for clip in part]
    files = [(c.name, c.stamp, c.segments) for c in clips]
    expected = fingerprint(files, [name for _, name in sets], code_of(__name__))
    stamp = folder / ".test"
    if is_current(stamp, expected) and _is_whole(folder):
        return
    stamp.unlink(missing_ok=True)
    (folder / "audio").mkdir(parents=True, exist_ok=True)
    with closing(Journal(folder / ".clips.part", expected)) as journal:
        decoded = _decode_all(clips, folder, journal)
    _remove_others(folder / "audio", {clip.name for clip in clips})
    states = [_state(clip, *decoded.get(clip.name, (0, "", ""))) for clip in clips]
    _write(folder, clips, states)
    with replacing(folder / DATASET) as path:
        path.write_text(_name(sets, clips, states) + "\n", encoding="utf-8")
    write_stamp(stamp, expected)
    journal.remove()


def dataset_name(folder: Path) -> str:
    """The name of the test set in ``folder``, as in tables."""
    path = folder / DATASET
    return path.read_text(encoding="utf-8").strip() if path.is_file() else "scenes"


def _is_whole(folder: Path) -> bool:
    """Whether all files of the set exist."""
    names = (CLIP_LABELS, CLIP_STATES, MANIFEST, DATASET)
    if not all((folder / name).is_file() for name in names):
        return False
    clips = pd.read_csv(folder / CLIP_STATES)
    return all(_path(folder, name).is_file() for name in clips["clip"][clips["seconds"] > 0])


def _clips(source: SourceSettings, settings: Settings, split: str) -> tuple[list[Clip], str]:
    folder = locate(source)
    if source.corpus == "ava_speech":
        return _ava_clips(source, folder, settings)
    clips = []
    for entry, row in indexed(source, folder, settings):
        if entry.split != split:
            continue
        spans = entry.segments or ((0.0, row.seconds, entry.kind == "speech"),)
        segments = tuple((start, end, CLASS_OF[speech]) for start, end, speech in spans)
        digest = fingerprint(entry.path)[:8]
        slug = re.sub(r"[^A-Za-z0-9]+", "_", PurePosixPath(entry.path).stem)[:60]
        name = f"{source.corpus}-{slug}-{digest}"
        clips.append(Clip(name, folder / entry.path, (row.bytes, row.modified), segments))
    if not clips:
        raise AtomicVADError(f"{folder}: {source.corpus} has no recording in its {split} split")
    return clips, get_corpus(source.corpus).ABOUT.title


def _ava_clips(source: SourceSettings, folder: Path, settings: Settings) -> tuple[list[Clip], str]:
    labels, name = ava_speech.labels_of_subset(folder, source)
    found = ava_speech.find_clips(folder)
    paths = [found[video] for video in labels["video_id"].unique() if video in found]
    index = index_files(folder, paths, index_path("ava_speech", folder, settings))
    headers = {PurePosixPath(row.path).stem: row for row in index.itertuples()}
    clips = []
    for video, rows in labels.groupby("video_id", sort=False):
        header = headers.get(video)
        segments = tuple(
            (row.start - CLIP_START, row.end - CLIP_START, row.label) for row in rows.itertuples()
        )
        if min(start for start, *_ in segments) < 0:
            raise AtomicVADError(f"{folder}: {video}: labels before {CLIP_START:.0f} s")
        if header is not None and header.seconds > ava_speech.LENGTH + 60:
            start, length = f"{CLIP_START:.0f}", f"{ava_speech.LENGTH:.0f}"
            raise AtomicVADError(
                f"{folder / header.path}: expected the {length} s from 15:00 on, got "
                f"{header.seconds:.0f} s: cut them out (ffmpeg -ss {start} -t {length})"
            )
        path = folder / header.path if header is not None else None
        stamp = (header.bytes, header.modified) if header is not None else ()
        clips.append(Clip(video, path, stamp, segments))
    missing = [clip.name for clip in clips if clip.path is None]
    if missing and (source.subset == "all" or len(missing) == len(clips)):
        raise AtomicVADError(
            f"{folder}: {len(missing)} of {len(clips)} clips are missing, the first "
            f"{missing[0]}.*; subset: available scores those that are there"
        )
    return clips, name


def _decode_all(clips: list[Clip], folder: Path, journal: Journal) -> dict[str, tuple]:
    """Samples, digest and problem of every clip; finished clips are kept in the journal."""
    done = {
        name: tuple(result)
        for name, *result in journal.entries
        if result[2] or _path(folder, name).is_file()
    }
    todo = {clip.name: clip.path for clip in clips if clip.path and clip.name not in done}
    if todo:
        with ThreadPoolExecutor(2) as pool:  # libsndfile, FFmpeg and soxr run in parallel
            results = pool.map(_decode, todo, todo.values(), [folder] * len(todo))
            for name, result in tqdm(
                zip(todo, results, strict=True), total=len(todo), desc="clips", unit="clip"
            ):
                done[name] = result
                journal.add([name, *result])
    return done


def _path(folder: Path, name: str) -> Path:
    return folder / "audio" / f"{name}.flac"


def _decode(name: str, path: Path, folder: Path) -> tuple[int, str, str]:
    try:
        waveform = decode(path)
    except AudioError as error:
        return 0, "", str(error)
    with replacing(_path(folder, name)) as temporary:
        soundfile.write(temporary, waveform, SAMPLE_RATE, format="FLAC", subtype="PCM_16")
    return len(waveform), hashlib.sha256(waveform.tobytes()).hexdigest(), ""


def _remove_others(folder: Path, names: set[str]) -> None:
    """Remove clips of an earlier set."""
    for path in folder.glob("*.flac"):
        if path.stem not in names:
            path.unlink()


def _state(clip: Clip, samples: int, digest: str, problem: str) -> dict:
    """A row of ``clips.csv``; a segment that ends after the audio is left out."""
    seconds = samples / SAMPLE_RATE
    is_whole = [end <= seconds + TOLERANCE for _, end, _ in clip.segments]
    state = "whole" if all(is_whole) else "truncated"
    if not samples:
        state = "unreadable" if problem else "missing"
    return {
        "clip": clip.name,
        "state": state,
        "seconds": round(seconds, 3),
        "segments": sum(is_whole) if samples else 0,
        "left_out": len(is_whole) - (sum(is_whole) if samples else 0),
        "sha256": digest,
    }


def _write(folder: Path, clips: list[Clip], states: list[dict]) -> None:
    """Write labels, manifest and states of the clips."""
    rows = [
        (clip.name, start, min(end, state["seconds"]), label)
        for clip, state in zip(clips, states, strict=True)
        for start, end, label in clip.segments
        if end <= state["seconds"] + TOLERANCE and start < state["seconds"]
    ]
    if not rows:
        raise AtomicVADError(f"{folder}: no clip of the test set can be used")
    classes = {label != "NO_SPEECH" for *_, label in rows}
    if len(classes) == 1:
        found = "speech" if classes == {True} else "no speech"
        raise AtomicVADError(
            f"{folder}: expected segments with speech and segments without, got {found} only"
        )
    report_left_out(
        [f"{s['clip']}: {s['state']}, {s['left_out']} segments" for s in states if s["left_out"]]
    )
    table = pd.DataFrame(rows, columns=["video_id", "start", "end", "label"])
    manifest = pd.DataFrame(
        {
            "audio_filepath": "audio/" + table["video_id"] + ".flac",
            "offset": table["start"],
            "duration": table["end"] - table["start"],
            "label": (table["label"] != "NO_SPEECH").map({True: "speech", False: "background"}),
            "text": "_",
            "condition": table["label"],
        }
    )
    write_manifest(manifest[manifest["duration"] > 0], folder / MANIFEST)
    table[["start", "end"]] += CLIP_START
    with replacing(folder / CLIP_LABELS) as path:
        table.to_csv(path, index=False, header=False, float_format="%.4f")
    with replacing(folder / CLIP_STATES) as path:
        pd.DataFrame(states, columns=CLIP_COLUMNS).to_csv(path, index=False)


def _name(sets: list[tuple], clips: list[Clip], states: list[dict]) -> str:
    """The sets' names, each with how many of its clips are scored, for tables."""
    scored = {state["clip"] for state in states if state["segments"]}
    parts = []
    for part, name in sets:
        count = sum(clip.name in scored for clip in part)
        parts.append(f"{name} ({count} of {len(part)} clips)")
    return " + ".join(parts)
