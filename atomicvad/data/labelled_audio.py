"""Labelled recordings of anybody's: a folder, a set of clips, or manifests.

They are found and their heads are read; nothing is decoded before ``load`` is called. A file that
cannot be read, or that nothing labels, is left out, and why is kept.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from atomicvad.audio.decode import AudioError, Header, decode, read_header
from atomicvad.audio.signal import SAMPLE_RATE
from atomicvad.console import report_left_out
from atomicvad.corpora.clips import CLIP_START, CLOSE, find_clip, read_labels
from atomicvad.corpora.folder import KINDS, find_labels, kind_of, only_one
from atomicvad.corpora.index import find_files, passed_over
from atomicvad.corpora.labels import SUFFIXES, fill, read_segments, remarks
from atomicvad.data.manifest import ManifestError, check_against_store, read_manifest
from atomicvad.data.store import AudioStore
from atomicvad.errors import AtomicVADError
from atomicvad.files import CLIP_LABELS, SAMPLES

TOLERANCE = 0.5  # s past the end of the audio that rounding explains, as in label files
Span = tuple[float, float, bool]  # start, end (s), speech


@dataclass(frozen=True)
class LabelledRecording:
    """A recording, the spans ``(start, end, speech)`` (s) of it that are labelled, its audio.

    ``load`` returns the waveform at 16 kHz, float32 ``[samples]``, or raises ``AudioError``.
    """

    name: str
    spans: tuple[Span, ...]
    load: Callable[[], np.ndarray] = field(repr=False)


@dataclass
class LabelledAudio:
    """Recordings with labels in order of name, and what was left out, a line each."""

    recordings: list[LabelledRecording] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def require_apart(self) -> None:
        """Check that no moment is labelled twice, so that every frame has one label.

        Raises:
            AtomicVADError: spans of a recording overlap; names it and the time.
        """
        for recording in self.recordings:
            for (_, end, _), (start, *_) in pairwise(recording.spans):
                if start < end - CLOSE:
                    raise AtomicVADError(
                        f"{recording.name}: labels overlap at {start:.3f} s: frames cannot be "
                        "evaluated, only windows or segments"
                    )


def read_labelled(places: Sequence[Path]) -> LabelledAudio:
    """The labelled recordings of folders and manifests together.

    Args:
        places: a folder as of ``corpora.folder``, or of clips (``labels.csv`` in AVA-Speech's
            format and ``audio/``); or a manifest as of ``data.manifest``, each line a labelled
            span, its audio in the store beside it, else at its path from the manifest's folder.
            The lines of several manifests about one file belong to one recording.

    Raises:
        AtomicVADError: no such place, no audio in it, no labels, malformed labels, labels past the
            end of the audio, or nothing that can be read.
    """
    found = LabelledAudio()
    spans: dict[str, list[Span]] = {}
    loads: dict[str, Callable[[], np.ndarray]] = {}
    for place in places:
        for recording in _of_place(place, found.left_out):
            spans.setdefault(recording.name, []).extend(recording.spans)
            loads[recording.name] = recording.load
    report_left_out(found.left_out)
    if not spans:
        first = f", as {found.left_out[0]}" if found.left_out else ""
        raise AtomicVADError(f"--data: nothing labelled can be read{first}")
    found.recordings = [
        LabelledRecording(name, tuple(sorted(spans[name])), loads[name]) for name in sorted(spans)
    ]
    return found


def _of_place(place: Path, left_out: list[str]) -> Iterator[LabelledRecording]:
    if place.is_file():
        return _of_manifest(place, left_out)
    if not place.is_dir():
        raise AtomicVADError(f"--data: {place}: no such folder or manifest")
    if (place / CLIP_LABELS).is_file() and (place / "audio").is_dir():
        return _of_clips(place, left_out)
    return _of_folder(place, left_out)


def _header(path: Path, left_out: list[str]) -> Header | None:
    """The head of a file; ``None``, and a line in ``left_out``, if it cannot be read."""
    try:
        return read_header(path)
    except AudioError as error:
        left_out.append(str(error))
        return None


def _of_folder(folder: Path, left_out: list[str]) -> Iterator[LabelledRecording]:
    paths = find_files(folder)
    if not paths:
        raise AtomicVADError(f"--data: {folder}: expected recordings, found no audio file")
    labels, _, alone = find_labels(folder, paths)
    report_left_out([f"{folder / name}: labels without a recording" for name in alone], most=3)
    kinds = {path: kind_of(path) for path in paths}
    if not any(path in labels or kinds[path] for path in paths):
        raise AtomicVADError(
            f"--data: {folder}: no labels: expected a label file beside each recording "
            f"(NAME{', NAME'.join(SUFFIXES)}) or folders named {', '.join(KINDS)}"
        )
    if line := passed_over(folder, SUFFIXES):
        tqdm.write(line)
    doubts = []
    for path in tqdm(paths, desc="headers", unit="file", leave=False):
        whole = folder / path
        if path not in labels and not kinds[path]:
            left_out.append(f"{whole}: no label file beside it, in no folder of a class")
        elif header := _header(whole, left_out):
            spans: list = [(0.0, header.seconds, kinds[path] == "speech")]
            if path in labels:
                segments = read_segments(only_one(folder, labels[path]))
                doubts += remarks(segments, header.seconds)
                spans = [tuple(s) for s in fill(segments, header.seconds, header.rate)]
            yield LabelledRecording(str(whole), tuple(spans), partial(decode, whole))
    report_left_out(doubts, what="labels")


def _of_clips(folder: Path, left_out: list[str]) -> Iterator[LabelledRecording]:
    for name, rows in read_labels(folder / CLIP_LABELS).groupby("video_id"):
        try:
            path = find_clip(folder, str(name))
        except AtomicVADError as error:
            left_out.append(str(error))
            continue
        if header := _header(path, left_out):
            spans = [
                (row.start - CLIP_START, row.end - CLIP_START, bool(row.speech))
                for row in rows.itertuples()
            ]
            _require_within(spans, header.seconds, f"{folder / CLIP_LABELS}: {name}")
            yield LabelledRecording(str(path), tuple(spans), partial(decode, path))


def _of_manifest(manifest: Path, left_out: list[str]) -> Iterator[LabelledRecording]:
    frame = read_manifest(manifest)
    store = None
    if (manifest.parent / SAMPLES).is_file():
        store = AudioStore(manifest.parent)
        check_against_store(frame, store, manifest)
        numbers = {name: n for n, name in enumerate(store.recordings["recording"])}
    of_files = frame.groupby("audio_filepath", sort=False)
    for name, rows in tqdm(of_files, desc="headers", unit="file", leave=False):
        spans = [(row.offset, row.offset + row.duration, row.label == "speech")
                 for row in rows.itertuples()]  # fmt: skip
        if store is not None:
            load = partial(store.read, numbers[name])
            yield LabelledRecording(f"{store.folder}/{name}", tuple(spans), load)
            continue
        path = manifest.parent / str(name)
        if header := _header(path, left_out):
            for line, span in zip(rows["line"], spans, strict=True):
                _require_within([span], header.seconds, f"{manifest}:{line}: {name}")
            yield LabelledRecording(str(path), tuple(spans), partial(decode, path))


def _require_within(spans: list[Span], seconds: float, where: str) -> None:
    for start, end, _ in spans:
        if start < 0 or start >= seconds or end > seconds + TOLERANCE:
            raise ManifestError(
                f"{where}: {start:.10g} to {end:.10g} s: expected times within the audio, which "
                f"has {seconds:.2f} s"
            )


def fitted(recording: LabelledRecording, samples: int) -> tuple[Span, ...]:
    """The spans within the ``samples`` that were decoded, which may differ from the head's."""
    seconds = samples / SAMPLE_RATE
    return tuple((s, min(e, seconds), speech) for s, e, speech in recording.spans if s < seconds)
