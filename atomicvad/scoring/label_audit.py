"""Audit of a store's labels: speech in which nobody speaks, background in which somebody does.

Several peers judge; what most of them say against the label is listed, for somebody to look at. The
first peer is the fastest and sees all; the others see what it doubts. AtomicVAD's own score may
stand beside, and decides nothing.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from atomicvad.audio.signal import FRAME, SAMPLE_RATE, active_frames, mean_power
from atomicvad.data.near_duplicates import near_duplicates
from atomicvad.data.store import AudioStore
from atomicvad.errors import AtomicVADError
from atomicvad.journal import Journal
from atomicvad.scoring.peers import PEERS, Peer

AUDITORS = ("marblenet", "ten", "silero")  # in order of speed
SPEECH = 0.5  # an output from here on says speech
FAINT_SECONDS = 0.1  # less speech than this is none,
FAINT_SHARE = 0.25  # and so is less than this share of the active frames
SPOKEN_SECONDS = 0.3  # this much speech in background is speech
MARGIN = SAMPLE_RATE // 2  # silence before and after a recording, in samples
PITCH = (65.0, 600.0)  # Hz
MOST = 20 * SAMPLE_RATE  # samples whose pitch is looked for: it is slow

Score = Callable[[np.ndarray], float]


def auditors() -> list[Peer]:
    """The peers that judge and are installed.

    Raises:
        AtomicVADError: fewer than two.
    """
    problems = {name: PEERS[name].problem() for name in AUDITORS}
    found = [PEERS[name] for name, problem in problems.items() if problem is None]
    if len(found) < 2:
        reasons = "; ".join(problem for problem in problems.values() if problem)
        raise AtomicVADError(f"an audit needs two other detectors, got {len(found)}: {reasons}")
    return found


def audit_store(
    store: AudioStore, peers: Sequence[Peer], journal: Path, ours: Score | None = None
) -> pd.DataFrame:
    """Findings of the audit, a row each.

    Args:
        store: of a prepared profile.
        peers: at least two, the fastest one first.
        journal: keeps the peers' answers, so that a stopped audit continues.
        ours: AtomicVAD's score of a waveform, for a column.

    Returns:
        ``recording, split, label, finding``; the evidence: ``agreeing`` peers, ``seconds``,
        ``level_db``, ``voiced_share`` of active frames, seconds of speech by peer, ``atomicvad``;
        of near-duplicates ``other, other_split, lag, overlap, differing``.
    """
    findings = _doubtful_labels(store, peers, journal, ours)
    table = store.recordings
    for pair in near_duplicates(store).itertuples():
        one, two = table.loc[pair.first], table.loc[pair.second]
        same = one["split"] == two["split"]
        findings.append(
            _facts(one)
            | {"finding": "the same sound twice" if same else "the same sound in two splits"}
            | {"other": two["recording"], "other_split": two["split"], "lag": pair.lag}
            | {"overlap": pair.seconds, "differing": pair.differing}
        )
    columns = ["recording", "split", "label", "finding", "agreeing", "seconds", "level_db"]
    columns += ["voiced_share", *(peer.name for peer in peers), "atomicvad"]
    columns += ["other", "other_split", "lag", "overlap", "differing"]
    found = pd.DataFrame(findings, columns=columns)
    order = ["finding", "agreeing", "recording"]
    return found.sort_values(order, ascending=[True, False, True], ignore_index=True)


def _doubtful_labels(
    store: AudioStore, peers: Sequence[Peer], path: Path, ours: Score | None
) -> list[dict[str, Any]]:
    versions = {peer.name: peer.version for peer in peers}
    log = Journal(path, {"peers": versions, "samples": len(store.samples)})
    known = {(name, peer): (seconds, doubts) for name, peer, seconds, doubts in log.entries}
    findings = []
    for row in tqdm(store.recordings.itertuples(), total=len(store.recordings), desc="labels"):
        seconds, doubting = {}, 0
        for peer in peers:
            if (row.recording, peer.name) not in known:
                answer = _doubts(peer, store.read(row.Index), row.label == "speech")
                known[row.recording, peer.name] = answer
                log.add((row.recording, peer.name, *answer))
            seconds[peer.name], doubts = known[row.recording, peer.name]
            doubting += doubts
            if not doubting:
                break  # the first peer agrees with the label
        if 2 * doubting > len(peers):
            waveform = store.read(row.Index)
            said = "nobody speaks" if row.label == "speech" else "somebody speaks"
            findings.append(
                _facts(store.recordings.loc[row.Index])
                | {"finding": said, "agreeing": f"{doubting} of {len(peers)}"}
                | {"level_db": round(10 * np.log10(mean_power(waveform)), 1)}
                | {"voiced_share": voiced_share(waveform) if row.label == "speech" else None}
                | {"atomicvad": None if ours is None else round(ours(waveform), 2)}
                | seconds
            )
    log.close()
    return findings


def _facts(row: pd.Series) -> dict[str, Any]:
    return {key: row[key] for key in ("recording", "split", "label")} | {
        "seconds": round(row["samples"] / SAMPLE_RATE, 2)
    }


def _doubts(peer: Peer, waveform: np.ndarray, is_speech: bool) -> tuple[float, bool]:
    """Seconds in which a peer finds speech, and whether they contradict the label."""
    _, outputs = peer.score(np.pad(waveform, MARGIN))
    spoken = int((outputs >= SPEECH).sum()) * peer.hop / SAMPLE_RATE
    spoken = round(min(spoken, len(waveform) / SAMPLE_RATE), 2)
    if not is_speech:
        return spoken, spoken >= SPOKEN_SECONDS
    active = int(active_frames(waveform).sum()) * FRAME / SAMPLE_RATE
    return spoken, spoken < max(FAINT_SECONDS, FAINT_SHARE * active)


def voiced_share(waveform: np.ndarray) -> float:
    """Share of the active frames that have a pitch (librosa's pYIN), of the first 20 s."""
    import librosa

    waveform = waveform[:MOST]
    active = active_frames(waveform)
    if not active.any():
        return 0.0
    low, high = PITCH
    _, voiced, _ = librosa.pyin(
        waveform, fmin=low, fmax=high, sr=SAMPLE_RATE, frame_length=1024, hop_length=FRAME
    )
    return round(float(np.mean(voiced[: len(active)][active])), 2)
