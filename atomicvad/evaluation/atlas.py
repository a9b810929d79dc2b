"""The atlas of hard cases: every system on sounds and conditions that are known to be difficult.

A case is a clip of two-second pieces, all with or all without speech, from recordings of the
testing split or generated. A piece is right if its median score is on the right side of the
system's threshold, which is chosen on the validation scenes.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import soxr
from scipy.signal import butter, fftconvolve, sosfilt
from scipy.special import expit
from tqdm.auto import tqdm

from atomicvad.audio.signal import FRAME, SAMPLE_RATE, active_frames, mean_power, mix
from atomicvad.config import Settings
from atomicvad.data.scenes import Excerpts
from atomicvad.data.store import AudioStore
from atomicvad.errors import AtomicVADError
from atomicvad.evaluation.calibration import best_threshold
from atomicvad.evaluation.frames import output_frames
from atomicvad.evaluation.items import ClipSet, members, recorded_clips
from atomicvad.evaluation.systems import load_system, system_files
from atomicvad.files import ATLAS, ATLAS_SCORES, RECORDINGS, replacing
from atomicvad.scoring.logits import logit_score
from atomicvad.scoring.peer_scores import peer_fingerprint, peer_logits
from atomicvad.scoring.peers import PEERS
from atomicvad.scoring.windows import in_batches, segment_windows, step_of
from atomicvad.stamps import code_of, content_of

PIECE, PIECES, LEVEL = 2 * SAMPLE_RATE, 12, -26.0  # samples, pieces per case, dBFS
# Cases without speech, by patterns of recordings' names in the testing split.
SOUNDS = {
    "music on hold": r"^asterisk-moh",
    "game music": r"^lincity/\d\d - ",
    "crowds": r"/(?:SportsCroud|Market|School)",
    "farm animals": r"/(?:Farm|OrganicFarm)",
    "engines and traffic": r"/(?:Trafic|DirtTrack|RailTrain|ParklandPlane|carts_cart)",
    "wind": r"/WindMill",
    "water and fire": r"/(?:Water|env_sounds_water|Fire\d|fire_)",
    "machines": r"/(?:IndustryHigh|Mill|PowerCoal|Recycle|default_furnace)",
    "hammering": r"/Blacksmith",
    "knocks and footsteps": r"/(?:doors_|default_(?:dig|place|chest|wood_f|hard_f|dirt_f))",
}
MISSING = {
    "music with vocals": "no recording of the testing split is known to have any",
    "laughter": "no recording",
    "keyboard": "no recording",
}


Piece = Callable[[np.random.Generator], np.ndarray]  # draws ``PIECE`` samples


@dataclass(frozen=True)
class Case:
    """A case: a waveform (16 kHz) of ``PIECES`` pieces of ``PIECE`` samples."""

    name: str
    group: str
    speech: bool
    waveform: np.ndarray


def _at_level(waveform: np.ndarray, level_db: float = LEVEL) -> np.ndarray:
    """``waveform`` scaled to an RMS of ``level_db`` (dBFS) by a float32 factor."""
    return waveform * np.float32(np.sqrt(10 ** (level_db / 10) / mean_power(waveform)))


def _joined(
    store: AudioStore, rows: pd.DataFrame, generator: np.random.Generator, speech: bool
) -> np.ndarray:
    """A piece of concatenated recordings; of speech, without the pauses before and after it."""
    parts, length = [], 0
    for _ in range(100):
        waveform = store.read(rows.index[generator.integers(len(rows))])
        if speech:
            frames = np.flatnonzero(active_frames(waveform))
            span = (frames[0] * FRAME, (frames[-1] + 1) * FRAME) if len(frames) else (0, 0)
            waveform = waveform[slice(*span)]
        elif len(waveform) > PIECE:
            start = generator.integers(len(waveform) - PIECE)
            waveform = waveform[start : start + PIECE]
        parts.append(waveform)
        length += len(waveform)
        if length >= PIECE:
            return _at_level(np.concatenate(parts)[:PIECE].astype(np.float32))
    raise AtomicVADError(f"atlas: the recordings of {rows['source'].iloc[0]} are silent")


def _far(piece: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Reverberation of 0.8 s: direct sound and decaying noise (60 dB) of the same energy."""
    tail = generator.standard_normal(12800) * 10 ** (-3 * np.arange(12800) / 12800)
    tail /= np.sqrt(np.sum(np.square(tail)))
    tail[0] += 1
    return _at_level(fftconvolve(piece, tail)[:PIECE].astype(np.float32), -42)


def _telephone(piece: np.ndarray) -> np.ndarray:
    """A telephone channel: 300 to 3400 Hz at 8 kHz, with mu-law coding of eight bits."""
    narrow = sosfilt(
        butter(4, [300, 3400], "bandpass", fs=8000, output="sos"),
        soxr.resample(piece, SAMPLE_RATE, 8000),
    )
    law = np.sign(narrow) * np.log1p(255 * np.minimum(np.abs(narrow), 1)) / np.log(256)
    law = np.rint(law * 127) / 127
    narrow = np.sign(law) * (np.power(256, np.abs(law)) - 1) / 255
    wide = soxr.resample(narrow.astype(np.float32), 8000, SAMPLE_RATE)
    return np.pad(wide, (0, max(0, PIECE - len(wide))))[:PIECE]


def build_cases(store: AudioStore, settings: Settings) -> list[Case]:
    """All cases, from testing recordings only; deterministic in ``data_seed``."""
    table = store.recordings[store.recordings["split"] == "testing"]
    spoken = table[table["kind"] == "speech"]
    trained = set(store.recordings[store.recordings["split"] == "training"]["language"])
    cases: list[Case] = []

    def add(name: str, group: str, speech: bool, piece: Piece) -> None:
        generator = np.random.default_rng([settings.data_seed, len(cases)])
        pieces = [np.clip(piece(generator), -1, 1) for _ in range(PIECES)]
        cases.append(Case(name, group, speech, np.concatenate(pieces).astype(np.float32)))

    add("digital silence", "no speech", False, lambda g: np.zeros(PIECE))
    add("white noise", "no speech", False, lambda g: _at_level(g.standard_normal(PIECE)))
    for name, pattern in SOUNDS.items():
        rows = table[(table["kind"] != "speech") & table["recording"].str.contains(pattern)]
        if len(rows):
            add(name, "no speech", False, partial(_joined, store, rows, speech=False))

    def say(generator: np.random.Generator) -> np.ndarray:
        return _at_level(Excerpts(store, "testing", "speech", generator).draw(PIECE))

    def mixed(generator: np.random.Generator, kind: str, snr_db: float) -> np.ndarray:
        speech = say(generator)
        background = Excerpts(store, "testing", kind, generator).draw(PIECE)
        return _at_level(mix(speech, background, snr_db))

    add("as recorded", "speech", True, say)
    add("quiet, -50 dBFS", "speech", True, lambda g: _at_level(say(g), -50))
    add("far, -42 dBFS", "speech", True, lambda g: _far(say(g), g))
    add(
        "clipped, 20 dB over",
        "speech",
        True,
        lambda g: _at_level(np.clip(_at_level(say(g), -6), -0.1, 0.1)),
    )
    add("telephone", "speech", True, lambda g: _telephone(say(g)))
    for kind in ("noise", "music"):
        for snr in range(-10, 21, 5):
            add(
                f"{kind} at {snr} dB",
                f"speech in {kind}",
                True,
                partial(mixed, kind=kind, snr_db=snr),
            )
    for language in sorted(set(spoken["language"]) - trained):
        rows = spoken[spoken["language"] == language]
        add(language, "unseen language", True, partial(_joined, store, rows, speech=True))
    return cases


def _piece_medians(values: np.ndarray, piece: np.ndarray) -> np.ndarray:
    return pd.Series(values).groupby(piece).median().to_numpy()


def _window_medians(
    score: Callable[[np.ndarray], np.ndarray], waveform: np.ndarray, settings: Settings
) -> np.ndarray:
    """Median logits of the pieces' SWI windows, ``[pieces, members]``."""
    edges = np.arange(PIECES + 1) * PIECE
    bounds = np.stack([edges[:-1], edges[1:]], axis=1)
    starts, piece = segment_windows(bounds, settings.window_samples, step_of("swi", settings))
    batch = settings.evaluation.batch_windows
    ends = bounds[piece, 1]
    logits = in_batches(score, waveform, starts, ends, settings.window_samples, batch)
    return np.stack([_piece_medians(column, piece) for column in logits.T], axis=1)


def _peer_medians(name: str, waveform: np.ndarray) -> np.ndarray:
    peer, samples = PEERS[name], np.array([len(waveform)])
    outputs = peer_logits(peer, waveform)
    frames = output_frames(outputs, [len(outputs)], samples, peer.hop, peer.delay, False)
    return _piece_medians(frames, np.arange(len(frames)) // (PIECE // FRAME))[:, np.newaxis]


def thresholds(name: str, settings: Settings, clips: ClipSet) -> np.ndarray:
    """Thresholds of a system's members for SWI (median), chosen on the validation scenes."""
    scores = load_system(name, settings)["validation"]
    items = [clips.items(scores, name, number, "swi-median") for number in range(members(scores))]
    return np.array([best_threshold(item.speech, item.scores) for item in items])


def make_atlas(settings: Settings, store: AudioStore, models: dict[str, list]) -> pd.DataFrame:
    """Score all cases; write ``atlas.csv``: ``system,group,case,speech,members,right,pieces``.

    Beside it, ``atlas_scores.csv`` holds the scores of the pieces as probabilities, means over
    members: ``system,case,piece,score,threshold``.

    Args:
        models: detectors by system (``atomicvad``, ``released``). Rows of systems that cannot run
            here, and rows of peers that are current by the fingerprints in ``atlas.json``, stay as
            they are in the file, or in the reference's where there is none yet.
    """
    path = settings.results_folder / ATLAS
    known = path if path.is_file() else settings.reference.results_folder / ATLAS
    known_scores = known.with_name(ATLAS_SCORES)
    scores = {name: logit_score(*members) for name, members in models.items()}
    names = [
        name
        for name in system_files(settings)
        if name in scores or (name in PEERS and not PEERS[name].problem())
    ]
    clips, rows, curves = recorded_clips(settings, "validation"), [], []
    cuts = {name: thresholds(name, settings, clips) for name in names}
    made_from, old = _peers_made_from(settings, cuts), _known(known)
    names = [name for name in names if name not in made_from or made_from[name] != old.get(name)]
    for case in tqdm(build_cases(store, settings), desc="atlas", unit="case"):
        for name in names:
            if name in scores:
                medians = _window_medians(scores[name], case.waveform, settings)
            else:
                medians = _peer_medians(name, case.waveform)
            right = (medians >= cuts[name]) == case.speech
            ids = {"system": name, "group": case.group, "case": case.name, "speech": case.speech}
            ids["members"] = len(cuts[name])
            rows.append(ids | {"right": right.mean(), "pieces": PIECES})
            curves.append(_scores(name, case.name, medians, cuts[name]))
    table = _with_known(pd.DataFrame(rows), known).astype({"members": "Int64"})
    _write(table, path, digits=6)
    _write(_with_known(pd.concat(curves), known_scores), path.with_name(ATLAS_SCORES), digits=3)
    with replacing(path.with_suffix(".json")) as temporary:
        temporary.write_text(json.dumps(old | made_from, indent=1) + "\n")
    return table


def _scores(name: str, case: str, medians: np.ndarray, cut: np.ndarray) -> pd.DataFrame:
    """Rows of ``atlas_scores.csv``: probabilities of pieces, means over members.

    Args:
        medians: logits, ``[pieces, members]``; cut: thresholds, ``[members]``.
    """
    pieces = {"piece": np.arange(len(medians)), "score": expit(medians).mean(axis=1)}
    return pd.DataFrame({"system": name, "case": case} | pieces | {"threshold": expit(cut).mean()})


def _with_known(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    """A table, and the rows of a file's other systems; by system."""
    if path.is_file():
        rest = pd.read_csv(path)
        table = pd.concat([table, rest[~rest["system"].isin(set(table["system"]))]])
    return table.sort_values("system", kind="stable", ignore_index=True)


def _write(table: pd.DataFrame, path: Path, digits: int) -> None:
    with replacing(path) as temporary:
        table.to_csv(temporary, index=False, float_format=f"%.{digits}f")


def _peers_made_from(settings: Settings, cuts: dict[str, np.ndarray]) -> dict[str, str]:
    """Fingerprints of what the peers' rows depend on: recordings, packages, thresholds, code."""
    folder = settings.data_folder
    data, code = content_of([folder / RECORDINGS], folder), code_of(__name__)
    return {
        name: peer_fingerprint(PEERS[name], data, settings.data_seed, code, cut.tolist())
        for name, cut in cuts.items()
        if name in PEERS
    }


def _known(table: Path) -> dict[str, str]:
    """The recorded fingerprints of the peers that have rows in a table, and scores beside it."""
    record, scores = table.with_suffix(".json"), table.with_name(ATLAS_SCORES)
    if not (table.is_file() and record.is_file() and scores.is_file()):
        return {}
    systems = set(pd.read_csv(table)["system"]) & set(pd.read_csv(scores)["system"])
    fingerprints = json.loads(record.read_text())
    return {name: value for name, value in fingerprints.items() if name in systems}
