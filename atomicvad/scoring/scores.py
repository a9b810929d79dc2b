"""Score files: the outputs of every system on the clips, from which metrics need no audio.

``scores.npz`` holds logits in half precision, by set (``testing``, ``validation``): windows of
``swi``, ``spi`` and ``stream`` for AtomicVAD, ``outputs`` for peers; their times follow from the
labels and the clips' lengths. A digest identifies the clips.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from atomicvad.audio.signal import to_int16
from atomicvad.config import CLIP_SETS, Settings
from atomicvad.corpora.clips import decoded_clips, read_labels
from atomicvad.errors import AtomicVADError
from atomicvad.files import BACKGROUNDS, CLIP_BACKGROUNDS, CLIP_DIGESTS, CLIP_LABELS, replacing

Sets = dict[str, dict[str, np.ndarray]]
LIMIT = 30.0  # greatest absolute logit; the probability is 1e-13 from 0 or 1


def clips_digest(folder: Path) -> str:
    """SHA-256 over the labels and the samples of a set of clips."""
    digest = hashlib.sha256((folder / CLIP_LABELS).read_bytes())
    for _, waveform in decoded_clips(folder, read_labels(folder / CLIP_LABELS)):
        digest.update(to_int16(waveform).tobytes())
    return digest.hexdigest()


def record_clips(settings: Settings) -> dict[str, str]:
    """Copy the labels of both sets of clips to the results folder; return the sets' digests.

    For mixed scenes also the kinds of background. With these, tables can be made without audio.
    """
    digests, results = {}, settings.results_folder
    for split, name in CLIP_SETS.items():
        folder = settings.clips_folder(split)
        digests[split] = clips_digest(folder)
        with replacing(results / f"{name}.csv") as path:
            path.write_bytes((folder / CLIP_LABELS).read_bytes())
    with replacing(results / CLIP_DIGESTS) as path:
        path.write_text(json.dumps(digests, indent=1) + "\n")
    backgrounds = settings.clips_folder("testing") / CLIP_BACKGROUNDS
    if backgrounds.is_file():
        table = pd.read_csv(backgrounds, keep_default_na=False)
        table = pd.DataFrame({"kind": table["background"], "scenes": digests["testing"]})
        with replacing(results / BACKGROUNDS) as path:
            table.to_csv(path, index=False)
    return digests


def clips_are_recorded(settings: Settings) -> bool:
    """Whether the labels beside the results are those of the clips, and digests are there."""
    results = settings.results_folder
    pairs = [
        (settings.clips_folder(split) / CLIP_LABELS, results / f"{name}.csv")
        for split, name in CLIP_SETS.items()
    ]
    return recorded_digests(settings).keys() == CLIP_SETS.keys() and all(
        copy.is_file() and copy.read_bytes() == labels.read_bytes() for labels, copy in pairs
    )


def recorded_digests(settings: Settings) -> dict[str, str]:
    """The digests that ``record_clips`` wrote; empty if there are none."""
    path = settings.results_folder / CLIP_DIGESTS
    return json.loads(path.read_text()) if path.is_file() else {}


def recorded_labels(settings: Settings, split: str = "testing") -> pd.DataFrame:
    """Labels of a set of clips, from the copy in the results folder."""
    return read_labels(settings.results_folder / f"{CLIP_SETS[split]}.csv")


def recorded_backgrounds(settings: Settings) -> np.ndarray | None:
    """The background of each test segment without speech: ``noise``, ``music``, or empty.

    ``None`` if that was not recorded, or for other clips.
    """
    path = settings.results_folder / BACKGROUNDS
    if not path.is_file():
        return None
    table = pd.read_csv(path, keep_default_na=False)
    if table["scenes"].iloc[0] != recorded_digests(settings)["testing"]:
        return None
    return table["kind"].to_numpy(str)


def save_scores(sets: Sets, digests: dict[str, str], path: Path) -> None:
    """Write scores and digests; logits are clipped and stored as float16 (three digits)."""
    arrays: dict[str, Any] = {}
    for split, table in sets.items():
        arrays[f"{split}/digest"] = np.array(digests[split])
        for name, values in table.items():
            logits = values.dtype.kind == "f"
            arrays[f"{split}/{name}"] = (
                np.clip(values, -LIMIT, LIMIT).astype(np.float16) if logits else values
            )
    with replacing(path) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file, **arrays)


def is_of_these_clips(path: Path, settings: Settings) -> bool:
    """Whether a file holds scores of the recorded clips."""
    digests = recorded_digests(settings)
    with np.load(path, allow_pickle=False) as stored:
        names = [name for name in stored.files if name.endswith("/digest")]
        return all(str(stored[name]) == digests.get(name.split("/")[0]) for name in names)


def load_scores(path: Path, settings: Settings) -> Sets:
    """Scores that ``save_scores`` wrote; logits are float32 ``[windows, members]``.

    Raises:
        AtomicVADError: no such file, or scores of other clips than those recorded.
    """
    again = f"atomicvad score --profile {settings.profile}"
    return read_scores(path, recorded_digests(settings), f"scores of other scenes; {again}")


def read_scores(path: Path, digests: dict[str, str], otherwise: str) -> Sets:
    """Scores of the sets of clips with these ``digests``, as of ``load_scores``.

    Raises:
        AtomicVADError: no such file, or scores of other clips; it says ``otherwise``.
    """
    sets: Sets = {}
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except (OSError, ValueError) as error:
        raise AtomicVADError(f"{path}: no scores ({error})") from None
    if not any(name.endswith("/digest") for name in arrays):
        raise AtomicVADError(f"{path}: scores in an older format; {otherwise}")
    for name, values in arrays.items():
        split, key = name.split("/")
        if key == "digest":
            if str(values) != digests.get(split):
                raise AtomicVADError(f"{path}: {otherwise}")
            continue
        logits = values.dtype == np.float16
        sets.setdefault(split, {})[key] = (
            values.astype(np.float32).reshape(len(values), -1) if logits else values
        )
    return sets
