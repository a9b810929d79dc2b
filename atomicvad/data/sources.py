"""The recordings of a profile's sources: their folders, their lengths, and what is left out."""

import os
from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pooch
from tqdm.auto import tqdm

from atomicvad.audio.decode import read_bytes
from atomicvad.audio.signal import SAMPLE_RATE
from atomicvad.config import Settings
from atomicvad.console import report_left_out
from atomicvad.corpora.index import index_files, passed_over
from atomicvad.corpora.labels import SUFFIXES as LABEL_FILES
from atomicvad.corpora.labels import fill, remarks
from atomicvad.corpora.recordings import Entry, Recording
from atomicvad.corpora.registry import get_corpus
from atomicvad.errors import AtomicVADError
from atomicvad.files import project_root
from atomicvad.sections import SourceSettings
from atomicvad.stamps import fingerprint


@dataclass(frozen=True)
class Collected:
    """Recordings of all sources, their total length by the headers, and a digest of both."""

    recordings: list[Recording]
    seconds: float
    digest: str

    @property
    def bytes(self) -> int:
        """Size of the store on disk."""
        return round(self.seconds * SAMPLE_RATE) * 2


def corpora_folder() -> Path:
    """The folder of all corpora: ``$ATOMICVAD_CORPORA``, or a folder in the user's cache."""
    cache = os.environ.get("ATOMICVAD_CACHE") or pooch.os_cache("atomicvad")
    return Path(os.environ.get("ATOMICVAD_CORPORA") or Path(cache) / "corpora")


def locate(source: SourceSettings) -> Path:
    """The folder of a source; a missing corpus is fetched if it can be downloaded.

    Raises:
        AtomicVADError: no such folder; the message tells where to get the corpus.
    """
    folder = project_root() / (source.folder or corpora_folder() / source.corpus)
    if not folder.is_dir() and not source.folder:
        if source.corpus in ("speech_commands", "ami_excerpts", "nonspeech"):
            get_corpus(source.corpus).fetch(folder)
        elif source.corpus == "freesound" and os.environ.get("FREESOUND_API_KEY"):
            report_left_out(get_corpus("freesound").fetch(folder, os.environ["FREESOUND_API_KEY"]))
    if not folder.is_dir():
        about = get_corpus(source.corpus).ABOUT
        raise AtomicVADError(
            f"{folder}: no such folder: {about.title}, {about.size}, from {about.home}; expected "
            f"{about.layout}; other places: folder in the profile, or ATOMICVAD_CORPORA"
        )
    return folder


def indexed(source: SourceSettings, folder: Path, settings: Settings) -> list[tuple[Entry, Any]]:
    """Files of a source with their rows of the index, without damaged and too long ones.

    Labelled segments are fitted to the length of the audio (``labels.fill``).

    Raises:
        AtomicVADError: nothing in the folder has the corpus' layout, or labels and audio differ.
    """
    corpus = get_corpus(source.corpus)
    entries = list(corpus.entries(folder, source, settings.data_seed))
    if not entries:
        raise AtomicVADError(
            f"{folder}: expected {corpus.ABOUT.layout}; found no such file "
            "(links to folders are not followed)"
        )
    if line := passed_over(folder, LABEL_FILES):
        tqdm.write(line)
    paths = [entry.path for entry in entries]
    index = index_files(folder, paths, index_path(source.corpus, folder, settings))
    rows = list(zip(entries, index.itertuples(), strict=True))
    report_left_out([f"{folder / e.path}: {row.problem}" for e, row in rows if row.problem])
    longest = settings.windows.longest_seconds or float("inf")
    kept = [(entry, row) for entry, row in rows if not row.problem and row.seconds <= longest]
    if long := sum(not row.problem for _, row in rows) - len(kept):
        tqdm.write(f"left out: {long} recordings of {source.corpus} longer than {longest:g} s")
    doubts = [line for e, row in kept for line in remarks(e.segments, row.seconds)]
    report_left_out(doubts, what="labels")
    return [(_fitted(entry, row), row) for entry, row in kept]


def _fitted(entry: Entry, row: Any) -> Entry:
    """An entry whose segments label each moment of its audio once."""
    if not entry.segments:
        return entry
    spans = fill(entry.segments, row.seconds, row.rate)
    return replace(entry, segments=tuple(tuple(span) for span in spans))


def index_path(corpus: str, folder: Path, settings: Settings) -> Path:
    """The file that holds the index of a folder."""
    name = f"{corpus}-{fingerprint(str(folder.resolve()))[:8]}.jsonl"
    return settings.data_folder / "index" / name


def collect(settings: Settings) -> Collected:
    """All recordings of the profile's sources.

    Raises:
        AtomicVADError: a source is missing, or two recordings have the same name.
    """
    recordings, files, seconds = [], [], 0.0
    for source in settings.sources:
        folder = locate(source)
        for entry, row in indexed(source, folder, settings):
            recordings.append(_recording(source, folder, entry))
            files.append((row.bytes, row.modified, entry.segments))
            seconds += row.seconds
    names = Counter(recording.recording for recording in recordings)
    if twice := [name for name, count in names.items() if count > 1]:
        raise AtomicVADError(f"sources: two recordings are called {twice[0]}")
    fields = [recording.fields() for recording in recordings]
    return Collected(recordings, seconds, fingerprint(fields, files))


def _recording(source: SourceSettings, folder: Path, entry: Entry) -> Recording:
    name = f"{source.corpus}/{entry.path}"
    return Recording(
        recording=name,
        label="speech" if entry.kind == "speech" else "background",
        kind=entry.kind,
        language=entry.language,
        speaker=entry.speaker,
        source=entry.source,
        split=entry.split,
        load=partial(read_bytes, folder / entry.path, name),
        segments=entry.segments,
    )


def segments_table(recordings: list[Recording]) -> pd.DataFrame:
    """Labelled segments of all recordings as one table: ``recording, start, end, speech``."""
    rows = [(r.recording, *segment) for r in recordings for segment in r.segments]
    return pd.DataFrame(rows, columns=["recording", "start", "end", "speech"])


def segments_by_recording(table: Path) -> dict[str, list]:
    """Segments ``(start, end, speech)`` by recording, from a file with ``segments_table``."""
    if not table.is_file():
        return {}
    frame = pd.read_csv(table, keep_default_na=False)
    columns = ["start", "end", "speech"]
    return {
        name: list(group[columns].itertuples(index=False, name=None))
        for name, group in frame.groupby("recording", sort=False)
    }
