"""Scores on disk: what every system said of the scenes, so that no number needs audio.

``scores.npz`` holds logits in half precision, by set (``testing``, ``validation``): windows of
``swi``, ``spi`` and ``stream`` for AtomicVAD, ``outputs`` for peers; where they lie follows from
the labels and the clips' lengths. The digest says of which scenes they are.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd

from atomicvad.config import Settings
from atomicvad.data import SCENES
from atomicvad.data.audio import to_int16
from atomicvad.errors import AtomicVADError
from atomicvad.evaluation.protocols import decoded_clips, read_labels
from atomicvad.files import replacing

Sets = dict[str, dict[str, np.ndarray]]
LIMIT = 30.0  # logits beyond this are 0 or 1 to anyone


def scenes_digest(folder: Path) -> str:
    """SHA-256 over the labels and the samples of the clips of a set."""
    digest = hashlib.sha256((folder / "labels.csv").read_bytes())
    for _, waveform in decoded_clips(folder, read_labels(folder / "labels.csv")):
        digest.update(to_int16(waveform).tobytes())
    return digest.hexdigest()


def record_scenes(settings: Settings) -> dict[str, str]:
    """Copy the labels of both sets beside the results, with their digests; return these."""
    digests = {}
    for split, name in SCENES.items():
        folder = settings.data_folder / name
        digests[split] = scenes_digest(folder)
        with replacing(settings.results_folder / f"{name}.csv") as path:
            path.write_bytes((folder / "labels.csv").read_bytes())
    with replacing(settings.results_folder / "scenes.json") as path:
        path.write_text(json.dumps(digests, indent=1) + "\n")
    return digests


def recorded_digests(settings: Settings) -> dict[str, str]:
    """The digests that ``record_scenes`` wrote; empty where it has not."""
    path = settings.results_folder / "scenes.json"
    return json.loads(path.read_text()) if path.is_file() else {}


def scene_labels(settings: Settings, split: str = "testing") -> pd.DataFrame:
    """Labels of a set of scenes, from the copy beside the results."""
    return read_labels(settings.results_folder / f"{SCENES[split]}.csv")


def save_scores(sets: Sets, digests: dict[str, str], path: Path) -> None:
    """Write scores; logits are kept to three digits."""
    arrays = {}
    for split, table in sets.items():
        arrays[f"{split}/digest"] = np.array(digests[split])
        for name, values in table.items():
            if values.dtype.kind == "f":
                values = np.clip(values, -LIMIT, LIMIT).astype(np.float16)
            arrays[f"{split}/{name}"] = values
    with replacing(path) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file, **arrays)


def is_of_these_scenes(path: Path, settings: Settings) -> bool:
    """Whether a file holds scores of the scenes that are recorded."""
    digests = recorded_digests(settings)
    with np.load(path, allow_pickle=False) as stored:
        names = [name for name in stored.files if name.endswith("/digest")]
        return all(str(stored[name]) == digests.get(name.split("/")[0]) for name in names)


def load_scores(path: Path, settings: Settings) -> Sets:
    """What ``save_scores`` wrote, logits as float32 ``[windows, members]``.

    Raises:
        AtomicVADError: no such file, or scores of other scenes than those recorded.
    """
    digests, sets = recorded_digests(settings), {}
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except (OSError, ValueError) as error:
        raise AtomicVADError(f"{path}: no scores ({error})") from None
    if "testing/digest" not in arrays:
        raise AtomicVADError(
            f"{path}: scores of an older form; atomicvad score --profile {settings.profile}"
        )
    for name, values in arrays.items():
        split, key = name.split("/")
        if key == "digest":
            if str(values) != digests.get(split):
                raise AtomicVADError(
                    f"{path}: scores of other scenes; atomicvad score --profile {settings.profile}"
                )
            continue
        if values.dtype == np.float16:
            values = values.astype(np.float32).reshape(len(values), -1)
        sets.setdefault(split, {})[key] = values
    return sets
