"""Systems beside our seeds: scored where that is needed, else left as they are."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd

from atomicvad.config import Settings
from atomicvad.data.prepare import prepare
from atomicvad.evaluation.atlas import make_atlas
from atomicvad.evaluation.systems import system_files
from atomicvad.model import load_model
from atomicvad.runs.state import scores_fingerprint
from atomicvad.scoring.models import seed_models
from atomicvad.scoring.peer_scores import (
    is_system_current,
    peer_facts,
    peer_fingerprint,
    score_peer,
    system_folder,
    write_system,
)
from atomicvad.scoring.peers import PEERS
from atomicvad.scoring.released_checkpoints import (
    FOLDER,
    released_checkpoints,
    released_facts,
    score_released,
)
from atomicvad.scoring.scores import Sets, record_clips
from atomicvad.stamps import code_of, fingerprint


def score_other_systems(settings: Settings) -> dict[str, str]:
    """Score every peer that is installed, and the released checkpoints where they are.

    Returns:
        By system, what was done: scored, up to date, or why not (then what is committed stays).
    """
    return _score(settings, [*PEERS, "released"])


def score_missing_systems(settings: Settings) -> dict[str, str]:
    """``score_other_systems`` for those without scores of these clips, here or in the reference."""
    prepare(settings)
    record_clips(settings)
    present = system_files(settings)
    return _score(settings, [name for name in [*PEERS, "released"] if name not in present])


def _score(settings: Settings, names: list[str]) -> dict[str, str]:
    prepare(settings)
    digests, outcomes = record_clips(settings), {}
    for name in names:
        if name == "released":
            outcomes[name] = _score_released(settings, digests)
            continue
        peer = PEERS[name]
        outcomes[name] = peer.problem() or score_unless_current(
            system_folder(settings, name),
            digests,
            peer_facts(peer),
            peer_fingerprint(peer, digests),
            partial(score_peer, peer, settings),
        )
    return outcomes


def _score_released(settings: Settings, digests: dict[str, str]) -> str:
    paths = released_checkpoints()
    if not paths:
        return f"{FOLDER} does not name the checkpoints' folder"
    code = code_of(score_released.__module__)
    made_from = fingerprint(digests, scores_fingerprint(settings, *paths), code)
    return score_unless_current(
        system_folder(settings, "released"),
        digests,
        released_facts(paths),
        made_from,
        partial(score_released, paths, settings),
    )


def score_unless_current(
    folder: Path,
    digests: dict[str, str],
    facts: dict[str, str],
    made_from: str,
    score: Callable[[], Sets],
) -> str:
    """Score a system into ``folder`` and record ``facts`` of it, unless that is done.

    Returns:
        What was done: scored, or up to date.
    """
    if is_system_current(folder, made_from):
        return "up to date"
    started = time.perf_counter()
    sets = score()
    seconds = round(time.perf_counter() - started, 1)
    write_system(folder, sets, digests, facts | {"seconds": seconds, "made_from": made_from})
    return "scored"


def score_atlas(settings: Settings) -> pd.DataFrame:
    """Score the atlas of hard cases with every system that can run here; return its table."""
    models = {"atomicvad": seed_models(settings, settings.seeds)}
    if paths := released_checkpoints():
        models["released"] = [load_model(path) for path in paths]
    return make_atlas(settings, prepare(settings), models)
