"""From a corpus to the windows and test set of a profile; each step is made once and kept."""

import shutil

from filelock import FileLock
from tqdm.auto import tqdm

from atomicvad import provenance
from atomicvad.config import Settings
from atomicvad.data.audio import AudioStore
from atomicvad.data.corpora import get_corpus
from atomicvad.data.manifest import LABELS, SPLITS, manifest_path, write_manifest
from atomicvad.data.scenes import build_scenes
from atomicvad.data.segments import balance, cut_windows
from atomicvad.data.sources import Collected, collect, segments_by_recording, segments_table
from atomicvad.data.testset import dataset_name, prepare_clips
from atomicvad.errors import AtomicVADError
from atomicvad.files import replacing

SCENES = {"testing": "scenes", "validation": "scenes-validation"}


def prepare(settings: Settings) -> AudioStore:
    """Make what is missing, damaged or out of date of ``data/<profile>/``; return its store.

    The folder then holds the store, the six manifests, and clips to score, of the testing and of
    the validation split: scenes mixed from recordings, or the profile's test set and, beside it,
    what its sources keep for validation. One process at a time is at work on it, others wait.
    """
    folder = settings.data_folder
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        store = _prepare_store(settings)
        if settings.test:
            prepare_clips(settings, settings.test, "testing", folder / SCENES["testing"])
        if settings.test and settings.sources:
            place = folder / SCENES["validation"]
            prepare_clips(settings, settings.sources, "validation", place)
        stamp, expected = folder / ".prepared", provenance.data_fingerprint(settings)
        if not (provenance.is_current(stamp, expected) and _is_whole(settings)):
            stamp.unlink(missing_ok=True)
            _write_manifests(store, settings)
            for split, name in _mixed(settings).items():
                seed = settings.data_seed + list(SCENES).index(split)
                build_scenes(store, split, settings.scenes, folder / name, seed)
            provenance.write_stamp(stamp, expected)
    return store


def dataset_of(settings: Settings) -> str:
    """What tables call the test set: ``scenes``, or a corpus and how much of it is there."""
    return dataset_name(settings.data_folder / SCENES["testing"])


def _mixed(settings: Settings) -> dict[str, str]:
    """Scenes that are mixed from recordings: of no split that has clips of its own."""
    own = {"testing": bool(settings.test), "validation": bool(settings.test and settings.sources)}
    return {split: name for split, name in SCENES.items() if not own[split]}


def _prepare_store(settings: Settings) -> AudioStore:
    folder = settings.data_folder
    stamp, expected = folder / ".store", provenance.store_fingerprint(settings)
    collected = collect(settings) if settings.corpus == "sources" else None
    if collected:
        expected = provenance.fingerprint(expected, collected.digest)
    if provenance.is_current(stamp, expected):
        try:
            return AudioStore(folder)
        except AtomicVADError as error:
            tqdm.write(f"made again: {error}")
    stamp.unlink(missing_ok=True)
    if collected:
        store = _store_of_sources(collected, settings, expected)
    else:
        recordings = get_corpus(settings.corpus).recordings()
        store = AudioStore.build(folder, recordings, fingerprint=expected)
    provenance.write_stamp(stamp, expected)
    return store


def _store_of_sources(collected: Collected, settings: Settings, expected: str) -> AudioStore:
    folder, total = settings.data_folder, len(collected.recordings)
    begun = folder / ".samples.i16.part"
    there = begun.stat().st_size if begun.is_file() else 0
    free = shutil.disk_usage(folder).free
    tqdm.write(
        f"{total} recordings, {collected.seconds / 3600:.1f} hours: {collected.bytes / 1e9:.2f} GB "
        f"in {folder}, {free / 1e9:.1f} GB free"
    )
    if collected.bytes > there + free:
        raise AtomicVADError(
            f"{folder}: the disk is full: {collected.bytes / 1e9:.2f} GB needed, "
            f"{(there + free) / 1e9:.2f} GB free"
        )
    store = AudioStore.build(folder, collected.recordings, total, fingerprint=expected)
    with replacing(folder / "segments.csv") as path:
        segments_table(collected.recordings).to_csv(path, index=False)
    return store


def _is_whole(settings: Settings) -> bool:
    """Whether all manifests and scenes are there."""
    folder = settings.data_folder
    files = [manifest_path(folder, label, split) for label in LABELS for split in SPLITS]
    files += [folder / name / "labels.csv" for name in _mixed(settings).values()]
    whole = all(path.is_file() for path in files)
    for name in _mixed(settings).values():
        whole &= len(list((folder / name / "audio").glob("*.flac"))) == settings.scenes.clips
    return whole


def _write_manifests(store: AudioStore, settings: Settings) -> None:
    chosen, folder = settings.windows, settings.data_folder
    segments = segments_by_recording(folder / "segments.csv")
    windows, report = balance(
        cut_windows(store, settings, segments), chosen.counts, settings.data_seed, chosen.balance
    )
    windows["text"] = "_"
    for label in LABELS:
        for split in SPLITS:
            rows = windows[(windows["label"] == label) & (windows["split"] == split)]
            write_manifest(rows.drop(columns="split"), manifest_path(folder, label, split))
    with replacing(folder / "balance.csv") as path:
        report.to_csv(path, index=False)
    for row in report[report["drawn again"] > 0].itertuples(index=False):
        tqdm.write(f"{row.split} {row.label}: {row[4]} of {row.drawn} windows are drawn again")
