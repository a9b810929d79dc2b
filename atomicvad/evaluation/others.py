"""Scores of the peers and of the released checkpoints on the same scenes."""

import json
import os
import time
from pathlib import Path

import numpy as np
from scipy.special import logit
from tqdm.auto import tqdm

from atomicvad import provenance
from atomicvad.config import Settings
from atomicvad.data import SCENES, prepare
from atomicvad.errors import AtomicVADError
from atomicvad.evaluation.peers import PEERS, Peer
from atomicvad.evaluation.protocols import decoded_clips, read_labels
from atomicvad.evaluation.scores import record_scenes, save_scores
from atomicvad.files import replacing

PEER_CODE = ("evaluation/peers.py", "evaluation/others.py", "data/audio.py", "data/segments.py")


def peer_logits(peer: Peer, waveform: np.ndarray) -> np.ndarray:
    """A peer's outputs as logits, float32."""
    _, outputs = peer.score(waveform)
    return logit(np.clip(outputs.astype(float), 1e-9, 1 - 1e-9)).astype(np.float32)


def _score_peer(peer: Peer, settings: Settings) -> dict:
    sets = {}
    for split, name in SCENES.items():
        folder = settings.data_folder / name
        labels = read_labels(folder / "labels.csv")
        lengths, outputs = [], []
        clips = tqdm(
            decoded_clips(folder, labels),
            total=labels["video_id"].nunique(),
            desc=f"{peer.name}, {name}",
            unit="clip",
        )
        for _, waveform in clips:
            lengths.append(len(waveform))
            outputs.append(peer_logits(peer, waveform))
        sets[split] = {
            "outputs": np.concatenate(outputs),
            "output_counts": np.array([len(part) for part in outputs], np.int32),
            "clip_samples": np.array(lengths, np.int32),
        }
    return sets


def _write(name: str, settings: Settings, record: dict, sets: dict, digests: dict) -> None:
    folder = settings.results_folder / "systems" / name
    save_scores(sets, digests, folder / "scores.npz")
    with replacing(folder / "system.json") as path:
        path.write_text(json.dumps(record, indent=1) + "\n")


def _is_current(name: str, settings: Settings, made_from: str) -> bool:
    folder = settings.results_folder / "systems" / name
    if not (folder / "scores.npz").is_file() or not (folder / "system.json").is_file():
        return False
    return json.loads((folder / "system.json").read_text())["made_from"] == made_from


def score_others(settings: Settings) -> dict[str, str]:
    """Score every peer that is installed, and the released checkpoints where they are.

    Returns:
        By system, what was done: scored, up to date, or why not (then what is committed stays).
    """
    prepare(settings)
    digests, said = record_scenes(settings), {}
    for peer in PEERS.values():
        if problem := peer.problem():
            said[peer.name] = problem
            continue
        made_from = provenance.fingerprint(
            digests, peer.version, provenance.code_fingerprint(PEER_CODE)
        )
        if _is_current(peer.name, settings, made_from):
            said[peer.name] = "up to date"
            continue
        started = time.perf_counter()
        sets = _score_peer(peer, settings)
        record = {
            "system": peer.name,
            "title": peer.title,
            "package": f"{peer.package} {peer.version}",
            "license": peer.license,
            "how": peer.how,
            "seconds": round(time.perf_counter() - started, 1),
            "made_from": made_from,
        }
        _write(peer.name, settings, record, sets, digests)
        said[peer.name] = "scored"
    said["released"] = _score_released(settings, digests)
    return said


def released_checkpoints() -> list[Path]:
    """The released checkpoints in ``$ATOMICVAD_PUBLISHED``; none where it is not set.

    Raises:
        AtomicVADError: a folder without checkpoints.
    """
    folder = os.environ.get("ATOMICVAD_PUBLISHED")
    paths = sorted(Path(folder).glob("*.keras")) if folder else []
    if folder and not paths:
        raise AtomicVADError(f"ATOMICVAD_PUBLISHED: {folder}: no .keras files in it")
    return paths


def atomicvad_models(settings: Settings) -> dict[str, list]:
    """The detectors of our seeds and, where they are, of the released checkpoints."""
    from atomicvad.model import load_model
    from atomicvad.training import new_model

    weights = [settings.run_folder(seed) / "model.keras" for seed in settings.seeds]
    found = {"atomicvad": [load_model(path, new_model(settings)) for path in weights]}
    if paths := released_checkpoints():
        found["released"] = [load_model(path) for path in paths]
    return found


def _score_released(settings: Settings, digests: dict[str, str]) -> str:
    from atomicvad.evaluation.released import released_scores
    from atomicvad.model import load_model
    from atomicvad.run import score_models

    paths = released_checkpoints()
    if not paths:
        return "ATOMICVAD_PUBLISHED does not name the checkpoints' folder"
    code = provenance.code_fingerprint(["evaluation/released.py"])
    made_from = provenance.fingerprint(
        digests, code, provenance.scores_fingerprint(settings, *paths)
    )
    if _is_current("released", settings, made_from):
        return "up to date"
    started = time.perf_counter()
    models = [load_model(path) for path in paths]
    sets = score_models(models, settings)
    scenes = settings.data_folder / SCENES["testing"]
    sets["testing"]["as_released"] = released_scores(models, scenes, settings)
    record = {
        "system": "released",
        "title": "AtomicVAD, released checkpoints",
        "package": ", ".join(path.name for path in paths),
        "license": "MIT",
        "how": "the released weights in the architecture built here; 80 dB floor per window",
        "seconds": round(time.perf_counter() - started, 1),
        "made_from": made_from,
    }
    _write("released", settings, record, sets, digests)
    return "scored"
