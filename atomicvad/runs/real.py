"""All systems on real recordings: scored where that is needed, then compared.

Everything lies in ``real/`` below the results: a folder of scores a system, ``real.csv``,
``real_paired.csv``, and ``recordings.json``, which says what was measured on.
"""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from atomicvad.config import Settings
from atomicvad.device.scoring import (
    core_digest,
    device_facts,
    engine_of,
    stream_outputs,
    window_score,
)
from atomicvad.errors import AtomicVADError
from atomicvad.evaluation.calibration import best_threshold
from atomicvad.evaluation.items import FRAME_PROTOCOLS, members, protocols_of, recorded_clips
from atomicvad.evaluation.real import evaluate_real
from atomicvad.evaluation.systems import INTEGER, OURS, TITLES, load_system, system_files
from atomicvad.files import (
    REAL,
    REAL_PAIRED,
    REAL_RECORDINGS,
    REAL_TABLE,
    SCORES,
    SEGMENTS,
    WEIGHTS,
    replacing,
)
from atomicvad.model import load_model
from atomicvad.runs.segments import real_rows, real_segments
from atomicvad.runs.systems import DEVICE, score_unless_current
from atomicvad.scoring.logits import logit_score
from atomicvad.scoring.models import seed_models
from atomicvad.scoring.peer_scores import peer_facts, peer_fingerprint
from atomicvad.scoring.peers import PEERS
from atomicvad.scoring.real_recordings import RealCorpus, real_corpora, score_peer, score_windows
from atomicvad.scoring.released_checkpoints import FOLDER, released_checkpoints, released_facts
from atomicvad.scoring.scores import Sets, read_scores
from atomicvad.stamps import code_of, content_of, fingerprint

MAKERS = ("atomicvad.scoring.real_recordings", "atomicvad.scoring.models")  # of scores


def measure_real(settings: Settings) -> dict[str, str]:
    """Score every system that runs here on the real recordings, and write the tables.

    Our seeds are the run's where all of them have weights and scores, else the reference's.

    Returns:
        By system, what was done: scored, up to date, or why not. What the reference has of a
        system that does not run here counts if it is of the same recordings.

    Raises:
        AtomicVADError: a corpus is missing, or there are no seeds.
    """
    seeds_of = _place_of_seeds(settings)
    corpora = real_corpora(settings)
    digests = {corpus.name: corpus.digest for corpus in corpora}
    outcomes = {OURS: _score_seeds(settings, seeds_of, corpora, digests)}
    for name in DEVICE:
        outcomes[name] = _score_device(settings, name, seeds_of, corpora, digests)
    outcomes["released"] = _score_released(settings, corpora, digests)
    for peer in PEERS.values():
        outcomes[peer.name] = peer.problem() or score_unless_current(
            system_folder(settings, peer.name),
            digests,
            peer_facts(peer),
            peer_fingerprint(peer, digests, code_of(MAKERS[0])),
            partial(score_peer, peer, corpora),
        )
    scores = _all_scores(settings, digests)
    cuts = {name: thresholds(name, seeds_of) for name in scores if name in system_files(seeds_of)}
    for name in scores.keys() - cuts.keys():
        outcomes[name] += "; left out: no scores of the validation scenes (make peers)"
    of_systems = {name: scores[name] for name in cuts}
    table, paired, seconds = evaluate_real(settings, corpora, of_systems, cuts)
    folder = settings.results_folder / REAL
    spans = real_segments(seeds_of, corpora, of_systems)
    table = pd.concat([table, real_rows(spans, corpora, settings)], ignore_index=True)
    with replacing(folder / SEGMENTS) as path:
        spans.to_csv(path, index=False, float_format="%.6g")
    for name, rows in ((REAL_TABLE, table), (REAL_PAIRED, paired)):
        with replacing(folder / name) as path:
            rows.to_csv(path, index=False, float_format="%.6f")
    facts = {c.name: c.facts() | {"seconds_of": seconds[c.name]} for c in corpora}
    with replacing(folder / REAL_RECORDINGS) as path:
        path.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    return outcomes


def system_folder(settings: Settings, name: str) -> Path:
    """The folder of a system's scores of the real recordings."""
    return settings.results_folder / REAL / name


def thresholds(name: str, settings: Settings) -> dict[str, np.ndarray]:
    """Thresholds of a system's members by frame protocol, chosen on the validation scenes."""
    scores, clips = (
        load_system(name, settings)["validation"],
        recorded_clips(settings, "validation"),
    )
    found = {}
    for protocol in set(protocols_of(scores, name)) & set(FRAME_PROTOCOLS):
        items = [clips.items(scores, name, number, protocol) for number in range(members(scores))]
        found[protocol] = np.array([best_threshold(item.speech, item.scores) for item in items])
    return found


def _place_of_seeds(settings: Settings) -> Settings:
    for place in (settings, settings.reference):
        folders = [place.run_folder(seed) for seed in settings.seeds]
        if all((f / WEIGHTS).is_file() and (f / SCORES).is_file() for f in folders):
            return place
    raise AtomicVADError(
        f"{settings.results_folder}: some seeds lack weights or scores, here and in the reference; "
        f"run make reproduce PROFILE={settings.profile}"
    )


def _score_seeds(
    settings: Settings, place: Settings, corpora: list[RealCorpus], digests: dict[str, str]
) -> str:
    paths = [place.run_folder(seed) / WEIGHTS for seed in settings.seeds]
    facts = {"system": OURS, "title": TITLES[OURS], "package": "atomicvad"}
    models = partial(seed_models, place, settings.seeds)
    return _score_models(settings, facts, paths, models, corpora, digests)


def _score_device(
    settings: Settings,
    name: str,
    place: Settings,
    corpora: list[RealCorpus],
    digests: dict[str, str],
) -> str:
    if name not in system_files(place):
        return "no scores of the scenes (make peers)"
    paths = [place.run_folder(seed) / WEIGHTS for seed in settings.seeds]
    weights = [content_of([path], path.parent) for path in paths]
    code = code_of(MAKERS[0], "atomicvad.device.scoring")
    made_from = fingerprint(weights, digests, code, core_digest())

    def score() -> Sets:
        engine = engine_of(seed_models(place, settings.seeds))
        if name == INTEGER:
            return score_windows(window_score(engine), corpora, settings, name)
        return {c.name: stream_outputs(engine, c.waveforms(name)) for c in corpora}

    folder = system_folder(settings, name)
    return score_unless_current(folder, digests, device_facts(name), made_from, score)


def _score_released(settings: Settings, corpora: list[RealCorpus], digests: dict[str, str]) -> str:
    if not (paths := released_checkpoints()):
        return f"{FOLDER} does not name the checkpoints' folder"
    facts = released_facts(paths)

    def models() -> list[keras.Model]:
        return [load_model(path) for path in paths]

    return _score_models(settings, facts, paths, models, corpora, digests)


def _score_models(
    settings: Settings,
    facts: dict[str, str],
    paths: list[Path],
    models: Callable[[], list[keras.Model]],
    corpora: list[RealCorpus],
    digests: dict[str, str],
) -> str:
    """Score detectors, whose weights are ``paths``, unless that is done; return what was done."""
    weights = [content_of([path], path.parent) for path in paths]
    overlap = settings.evaluation.overlap
    made_from = fingerprint(weights, digests, overlap, settings.window_samples, code_of(*MAKERS))

    def score() -> Sets:
        return score_windows(logit_score(*models()), corpora, settings, facts["system"])

    folder = system_folder(settings, facts["system"])
    return score_unless_current(folder, digests, facts, made_from, score)


def _all_scores(settings: Settings, digests: dict[str, str]) -> dict[str, Sets]:
    """Scores of these recordings by system: the run's, else the reference's."""
    scores = {}
    for name in TITLES:
        for place in (settings, settings.reference):
            path = system_folder(place, name) / SCORES
            if not path.is_file():
                continue
            try:
                scores[name] = read_scores(path, digests, "scores of other recordings (make real)")
                break
            except AtomicVADError as error:
                tqdm.write(f"left out: {error}")
    return scores
