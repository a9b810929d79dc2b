"""From a corpus to the windows and scenes of a profile; each step is made once and kept."""

from atomicvad import provenance
from atomicvad.config import Settings
from atomicvad.data.audio import AudioStore
from atomicvad.data.corpora import get_corpus
from atomicvad.data.manifest import LABELS, SPLITS, manifest_path, write_manifest
from atomicvad.data.scenes import build_scenes
from atomicvad.data.segments import balance, cut_windows

SCENES = {"testing": "scenes", "validation": "scenes-validation"}


def prepare(settings: Settings) -> AudioStore:
    """Make what is missing or out of date of ``data/<profile>/``; return its store.

    The folder then holds the store, the six manifests, and the scenes of the testing and the
    validation split.
    """
    folder = settings.data_folder
    stamp, expected = folder / ".store", provenance.store_fingerprint(settings)
    if not provenance.is_current(stamp, expected):
        stamp.unlink(missing_ok=True)
        AudioStore.build(folder, get_corpus(settings.corpus).recordings())
        provenance.write_stamp(stamp, expected)
    store = AudioStore(folder)
    stamp, expected = folder / ".prepared", provenance.data_fingerprint(settings)
    if not provenance.is_current(stamp, expected):
        stamp.unlink(missing_ok=True)
        _write_manifests(store, settings)
        for number, (split, name) in enumerate(SCENES.items()):
            seed = settings.data_seed + number
            build_scenes(store, split, settings.scenes, folder / name, seed)
        provenance.write_stamp(stamp, expected)
    return store


def _write_manifests(store: AudioStore, settings: Settings) -> None:
    windows = balance(cut_windows(store, settings), settings.windows.counts, settings.data_seed)
    windows["text"] = "_"
    for label in LABELS:
        for split in SPLITS:
            chosen = windows[(windows["label"] == label) & (windows["split"] == split)]
            path = manifest_path(settings.data_folder, label, split)
            write_manifest(chosen.drop(columns="split"), path)
