"""From a corpus to the windows and scenes of a profile; each step is made once and kept."""

from filelock import FileLock
from tqdm.auto import tqdm

from atomicvad import provenance
from atomicvad.config import Settings
from atomicvad.data.audio import AudioStore
from atomicvad.data.corpora import get_corpus
from atomicvad.data.manifest import LABELS, SPLITS, manifest_path, write_manifest
from atomicvad.data.scenes import build_scenes
from atomicvad.data.segments import balance, cut_windows
from atomicvad.errors import AtomicVADError

SCENES = {"testing": "scenes", "validation": "scenes-validation"}


def prepare(settings: Settings) -> AudioStore:
    """Make what is missing, damaged or out of date of ``data/<profile>/``; return its store.

    The folder then holds the store, the six manifests, and the scenes of the testing and the
    validation split. One process at a time is at work on it, others wait.
    """
    folder = settings.data_folder
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        store = _prepare_store(settings)
        stamp, expected = folder / ".prepared", provenance.data_fingerprint(settings)
        if not (provenance.is_current(stamp, expected) and _is_whole(settings)):
            stamp.unlink(missing_ok=True)
            _write_manifests(store, settings)
            for number, (split, name) in enumerate(SCENES.items()):
                seed = settings.data_seed + number
                build_scenes(store, split, settings.scenes, folder / name, seed)
            provenance.write_stamp(stamp, expected)
    return store


def _prepare_store(settings: Settings) -> AudioStore:
    folder = settings.data_folder
    stamp, expected = folder / ".store", provenance.store_fingerprint(settings)
    if provenance.is_current(stamp, expected):
        try:
            return AudioStore(folder)
        except AtomicVADError as error:
            tqdm.write(f"made again: {error}")
    stamp.unlink(missing_ok=True)
    store = AudioStore.build(folder, get_corpus(settings.corpus).recordings())
    provenance.write_stamp(stamp, expected)
    return store


def _is_whole(settings: Settings) -> bool:
    """Whether all manifests and scenes are there."""
    folder = settings.data_folder
    files = [manifest_path(folder, label, split) for label in LABELS for split in SPLITS]
    files += [folder / name / "labels.csv" for name in SCENES.values()]
    clips = [len(list((folder / name / "audio").glob("*.flac"))) for name in SCENES.values()]
    return all(path.is_file() for path in files) and min(clips) == settings.scenes.clips


def _write_manifests(store: AudioStore, settings: Settings) -> None:
    windows = balance(cut_windows(store, settings), settings.windows.counts, settings.data_seed)
    windows["text"] = "_"
    for label in LABELS:
        for split in SPLITS:
            chosen = windows[(windows["label"] == label) & (windows["split"] == split)]
            path = manifest_path(settings.data_folder, label, split)
            write_manifest(chosen.drop(columns="split"), path)
