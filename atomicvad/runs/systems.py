"""Systems beside our seeds: scored where that is needed, else left as they are."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pandas as pd

from atomicvad.config import Settings
from atomicvad.data.prepare import prepare
from atomicvad.device.scoring import core_digest, device_facts, score_integer, score_stream
from atomicvad.errors import AtomicVADError
from atomicvad.evaluation.atlas import make_atlas
from atomicvad.evaluation.items import STREAM
from atomicvad.evaluation.systems import INTEGER, system_files
from atomicvad.files import WEIGHTS
from atomicvad.model import load_model
from atomicvad.runs.folder import missing_seeds
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

DEVICE = (INTEGER, STREAM)


def score_other_systems(settings: Settings, names: Sequence[str] = ()) -> dict[str, str]:
    """Score every peer that is installed, the integer detector, and the released checkpoints.

    Args:
        settings: of a profile.
        names: of some of these systems alone.

    Returns:
        By system, what was done: scored, up to date, or why not (then what is committed stays).

    Raises:
        AtomicVADError: no system of such a name.
    """
    known = [*PEERS, *DEVICE, "released"]
    if unknown := set(names) - set(known):
        raise AtomicVADError(f"{min(unknown)}: no such system; expected some of {', '.join(known)}")
    prepare(settings)
    return _score(settings, list(names) or known, record_clips(settings))


def score_missing_systems(settings: Settings) -> dict[str, str]:
    """The peers and checkpoints without scores of these clips, here or in the reference, scored."""
    prepare(settings)
    digests = record_clips(settings)
    present = system_files(settings)
    return _score(settings, [name for name in [*PEERS, "released"] if name not in present], digests)


def _score(settings: Settings, names: list[str], digests: dict[str, str]) -> dict[str, str]:
    outcomes = {}
    for name in names:
        if name == "released":
            outcomes[name] = _score_released(settings, digests)
            continue
        if name in DEVICE:
            outcomes[name] = _score_device(settings, name, digests)
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


def _score_device(settings: Settings, name: str, digests: dict[str, str]) -> str:
    if missing_seeds(settings):
        return "not all seeds are trained"
    weights = [settings.run_folder(seed) / WEIGHTS for seed in settings.seeds]
    score = {INTEGER: score_integer, STREAM: score_stream}[name]
    code = code_of(score.__module__)
    made_from = fingerprint(digests, scores_fingerprint(settings, *weights), code, core_digest())
    return score_unless_current(
        system_folder(settings, name),
        digests,
        device_facts(name),
        made_from,
        lambda: score(seed_models(settings, settings.seeds), settings),
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
