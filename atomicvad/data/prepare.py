"""Preparation of a profile's data, from corpora to windows and clips; each step is done once."""

import shutil

from filelock import FileLock
from tqdm.auto import tqdm

from atomicvad.config import CLIP_SETS, LABELS, SPLITS, Settings
from atomicvad.corpora.clips import clip_files
from atomicvad.corpora.registry import get_corpus
from atomicvad.data.manifest import manifest_path, manifest_paths, write_manifest
from atomicvad.data.scenes import build_scenes, scene_names
from atomicvad.data.sources import Collected, collect, segments_by_recording, segments_table
from atomicvad.data.store import AudioStore
from atomicvad.data.testset import dataset_name, prepare_clips
from atomicvad.data.unfinished import SAMPLES_PART
from atomicvad.data.windows import balance, cut_windows
from atomicvad.errors import AtomicVADError
from atomicvad.files import (
    BALANCE,
    CLIP_BACKGROUNDS,
    CLIP_LABELS,
    RECORDINGS,
    SEGMENTS,
    remove_unfinished,
    replacing,
)
from atomicvad.sections import SceneSettings
from atomicvad.stamps import code_of, content_of, fingerprint, is_current, write_stamp


def prepare(settings: Settings) -> AudioStore:
    """Make what is missing, damaged or out of date in ``data/<profile>/``; return its store.

    The folder then holds the store, the six manifests, and labelled clips of the testing and the
    validation split: scenes mixed from recordings, or the profile's test set and the validation
    recordings of its sources. One process works on it at a time; others wait.

    Raises:
        AtomicVADError: recordings are missing or cannot be fetched, or the disk is full.
    """
    folder = settings.data_folder
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        remove_unfinished(folder)
        store = _prepare_store(settings)
        if settings.test:
            prepare_clips(settings, settings.test, "testing")
        if settings.test and settings.sources:
            prepare_clips(settings, settings.sources, "validation")
        if not is_prepared(settings):
            stamp = folder / ".prepared"
            stamp.unlink(missing_ok=True)
            _write_manifests(store, settings)
            for split, scenes in _scenes_by_split(settings).items():
                seed = settings.data_seed + list(CLIP_SETS).index(split)
                build_scenes(store, split, scenes, settings.clips_folder(split), seed)
            write_stamp(stamp, prepared_fingerprint(settings))
    return store


def is_prepared(settings: Settings) -> bool:
    """Whether manifests and scenes exist and are current, given the store and the code.

    New files in the folders of ``sources`` are noticed by ``prepare`` only.
    """
    return is_current(
        settings.data_folder / ".prepared", prepared_fingerprint(settings)
    ) and _is_whole(settings)


def store_fingerprint(settings: Settings) -> str:
    """Fingerprint of what the store is made from: corpora, and the code that decodes them."""
    names = [str(source.corpus) for source in settings.sources] or [settings.corpus]
    modules = [get_corpus(name).__name__ for name in names]
    return fingerprint(settings.corpus, code_of(AudioStore.__module__, *modules))


def prepared_fingerprint(settings: Settings) -> str:
    """Fingerprint of what manifests and scenes are made from: store, settings, and this code."""
    parts = settings.model_dump(
        include={"corpus", "data_seed", "window_samples", "windows", "scenes"}
    )
    folder = settings.data_folder
    tables = content_of([folder / RECORDINGS, folder / SEGMENTS], folder)
    return fingerprint(parts, tables, code_of(__name__))


def data_content(settings: Settings) -> str:
    """Digest of all prepared data, for a comparison of two machines."""
    folder = settings.data_folder
    paths = [folder / RECORDINGS, *manifest_paths(folder)]
    paths += [path for split in CLIP_SETS for path in clip_files(settings.clips_folder(split))]
    return fingerprint(content_of(paths, folder))


def dataset_of(settings: Settings) -> str:
    """The test set's name in tables: ``scenes``, or a corpus and how many clips of it exist."""
    return dataset_name(settings.clips_folder("testing"))


def _scenes_by_split(settings: Settings) -> dict[str, SceneSettings]:
    """The splits whose clips are mixed from recordings, and the settings for that."""
    has_clips = {
        "testing": bool(settings.test),
        "validation": bool(settings.test and settings.sources),
    }
    return {
        split: settings.scenes for split in CLIP_SETS if settings.scenes and not has_clips[split]
    }


def _prepare_store(settings: Settings) -> AudioStore:
    folder = settings.data_folder
    stamp, expected = folder / ".store", store_fingerprint(settings)
    collected = collect(settings) if settings.corpus == "sources" else None
    if collected:
        expected = fingerprint(expected, collected.digest)
    if is_current(stamp, expected):
        try:
            return AudioStore(folder)
        except AtomicVADError as error:
            tqdm.write(f"the store is rebuilt: {error}")
    stamp.unlink(missing_ok=True)
    if collected:
        store = _store_of_sources(collected, settings, expected)
    else:
        recordings = get_corpus(settings.corpus).recordings()
        store = AudioStore.build(folder, recordings, fingerprint=expected)
    write_stamp(stamp, expected)
    return store


def _store_of_sources(collected: Collected, settings: Settings, expected: str) -> AudioStore:
    folder, total = settings.data_folder, len(collected.recordings)
    part = folder / SAMPLES_PART
    decoded = part.stat().st_size if part.is_file() else 0
    free = shutil.disk_usage(folder).free
    tqdm.write(
        f"{total} recordings, {collected.seconds / 3600:.1f} hours: {collected.bytes / 1e9:.2f} GB "
        f"in {folder}, {free / 1e9:.1f} GB free"
    )
    if collected.bytes > decoded + free:
        raise AtomicVADError(
            f"{folder}: the disk is full: {collected.bytes / 1e9:.2f} GB needed, "
            f"{(decoded + free) / 1e9:.2f} GB free"
        )
    store = AudioStore.build(folder, collected.recordings, total, fingerprint=expected)
    with replacing(folder / SEGMENTS) as path:
        segments_table(collected.recordings).to_csv(path, index=False)
    return store


def _is_whole(settings: Settings) -> bool:
    """Whether all manifests and scenes exist."""
    files = manifest_paths(settings.data_folder)
    for split, scenes in _scenes_by_split(settings).items():
        folder = settings.clips_folder(split)
        files += [folder / CLIP_LABELS, folder / CLIP_BACKGROUNDS]
        names = [path.stem for path in clip_files(folder)[1:]]
        if names != scene_names(scenes):
            return False
    return all(path.is_file() for path in files)


def _write_manifests(store: AudioStore, settings: Settings) -> None:
    windowing, folder = settings.windows, settings.data_folder
    segments = segments_by_recording(folder / SEGMENTS)
    windows, report = balance(
        cut_windows(store, settings, segments),
        windowing.counts,
        settings.data_seed,
        windowing.balance,
    )
    windows["text"] = "_"
    for label in LABELS:
        for split in SPLITS:
            rows = windows[(windows["label"] == label) & (windows["split"] == split)]
            write_manifest(rows.drop(columns="split"), manifest_path(folder, label, split))
    with replacing(folder / BALANCE) as path:
        report.to_csv(path, index=False)
    for row in report[report["drawn again"] > 0].itertuples(index=False):
        tqdm.write(f"{row.split} {row.label}: {row[4]} of {row.drawn} windows are drawn again")
