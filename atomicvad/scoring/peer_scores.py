"""Scores of the peers on the clips, and records of how a system's scores were made."""

import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import logit
from tqdm.auto import tqdm

from atomicvad.config import CLIP_SETS, Settings
from atomicvad.corpora.clips import decoded_clips, read_labels
from atomicvad.files import CLIP_LABELS, SCORES, SYSTEM_RECORD, replacing
from atomicvad.scoring.peers import Peer
from atomicvad.scoring.scores import Sets, save_scores
from atomicvad.stamps import code_of, fingerprint


def peer_fingerprint(peer: Peer, *inputs: Any) -> str:
    """Fingerprint of what a peer's scores are made from: ``inputs``, its version, and this code."""
    return fingerprint(inputs, peer.version, code_of(__name__))


def peer_logits(peer: Peer, waveform: np.ndarray) -> np.ndarray:
    """A peer's outputs along a waveform as logits, float32 ``[outputs]``."""
    _, outputs = peer.score(waveform)
    return logit(np.clip(outputs.astype(float), 1e-9, 1 - 1e-9)).astype(np.float32)


def score_peer(peer: Peer, settings: Settings) -> Sets:
    """A peer's outputs on both sets of clips, in the form of ``save_scores``."""
    sets = {}
    for split, name in CLIP_SETS.items():
        folder = settings.clips_folder(split)
        labels = read_labels(folder / CLIP_LABELS)
        clips = tqdm(
            decoded_clips(folder, labels),
            total=labels["video_id"].nunique(),
            desc=f"{peer.name}, {name}",
            unit="clip",
        )
        sets[split] = peer_outputs(peer, (waveform for _, waveform in clips))
    return sets


def peer_outputs(peer: Peer, waveforms: Iterable[np.ndarray]) -> dict[str, np.ndarray]:
    """A peer's outputs along clips: ``outputs``, ``output_counts`` and ``clip_samples``."""
    lengths, outputs = [], []
    for waveform in waveforms:
        lengths.append(len(waveform))
        outputs.append(peer_logits(peer, waveform))
    return {
        "outputs": np.concatenate(outputs),
        "output_counts": np.array([len(part) for part in outputs], np.int32),
        "clip_samples": np.array(lengths, np.int32),
    }


def peer_facts(peer: Peer) -> dict[str, str]:
    """What a record of a peer's scores says of it."""
    return {
        "system": peer.name,
        "title": peer.title,
        "package": f"{peer.package} {peer.version}",
        "license": peer.license,
        "how": peer.how,
    }


def system_folder(settings: Settings, name: str) -> Path:
    """The folder of the scores of a system other than AtomicVAD's seeds."""
    return settings.results_folder / "systems" / name


def write_system(folder: Path, sets: Sets, digests: dict[str, str], record: dict[str, Any]) -> None:
    """Write a system's scores into ``folder``, and a record of how they were made."""
    save_scores(sets, digests, folder / SCORES)
    with replacing(folder / SYSTEM_RECORD) as path:
        dated = record | {"scored": date.today().isoformat()}
        path.write_text(json.dumps(dated, indent=1) + "\n")


def is_system_current(folder: Path, made_from: str) -> bool:
    """Whether a system's scores are in ``folder``, made from what has this fingerprint."""
    record = folder / SYSTEM_RECORD
    if not ((folder / SCORES).is_file() and record.is_file()):
        return False
    return json.loads(record.read_text())["made_from"] == made_from
