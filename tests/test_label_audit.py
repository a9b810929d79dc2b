"""The audit of a corpus finds wrong labels and disguised copies, and leaves sound ones alone."""

import numpy as np
import pytest
from scipy.signal import butter, resample_poly, sosfilt

from atomicvad.corpora.recordings import Recording
from atomicvad.data.near_duplicates import near_duplicates
from atomicvad.data.store import AudioStore
from atomicvad.errors import AtomicVADError
from atomicvad.scoring import label_audit
from atomicvad.scoring.label_audit import audit_store, auditors
from atomicvad.scoring.peers import PEERS, Peer


def melody(seed, seconds=3.0):
    """Tones of a fifth of a second, each with three harmonics and some noise."""
    rng, tone = np.random.default_rng(seed), np.arange(3200) / 16000
    parts = [
        sum(np.sin(2 * np.pi * pitch * n * tone) / n for n in (1, 2, 3))
        for pitch in rng.uniform(200, 900, round(seconds * 5))
    ]
    sound = np.concatenate(parts) + rng.normal(0, 0.02, 3200 * len(parts))
    return (0.1 * sound).astype(np.float32)


def buzz(seconds=2.0):
    """A pulse train of 120 Hz: as voiced as a sound can be."""
    return (0.3 * (np.arange(round(seconds * 16000)) % 133 == 0)).astype(np.float32)


def recording(name, label, split, waveform):
    return Recording(name, label, label, "", "", name, split, lambda: waveform)


def small_store(folder, *rows):
    return AudioStore.build(folder, [recording(*row) for row in rows], len(rows))


def ear(name):
    """A stand-in for a peer: it hears speech where a frame is peaked, as pulses are."""

    def run(waveform):
        frames = np.pad(waveform, (0, -len(waveform) % 320)).reshape(-1, 320)
        return (
            np.abs(frames).max(axis=1) > 3 * np.sqrt(np.square(frames).mean(axis=1)) + 1e-3
        ) * 1.0

    return Peer(name, name, "numpy", "", "", 320, 0, run)


@pytest.fixture
def store(tmp_path):
    noise = np.random.default_rng(3).uniform(-0.1, 0.1, 32000).astype(np.float32)
    return small_store(
        tmp_path,
        ("a/words.wav", "speech", "training", buzz()),
        ("a/hiss.wav", "speech", "training", noise),
        ("b/hum.wav", "background", "testing", melody(1)),
        ("b/radio.wav", "background", "testing", 0.5 * buzz(1.5)),
    )


def test_labels_that_most_peers_doubt_are_listed_with_the_evidence(store, tmp_path, monkeypatch):
    peers = [ear("one"), ear("two")]
    found = audit_store(store, peers, tmp_path / "log", ours=lambda waveform: 0.25)
    labels = found[found["agreeing"].notna()].set_index("recording")
    assert labels["finding"].to_dict() == {
        "a/hiss.wav": "nobody speaks",
        "b/radio.wav": "somebody speaks",
    }
    assert labels.loc["a/hiss.wav", "voiced_share"] < 0.3
    assert labels.loc["b/radio.wav", "one"] > 1 and labels.loc["b/radio.wav", "atomicvad"] == 0.25
    # Once more: every answer is in the journal.
    monkeypatch.setattr(label_audit, "_doubts", None)
    again = audit_store(store, peers, tmp_path / "log", ours=lambda waveform: 0.25)
    assert again.equals(found)


def test_an_audit_needs_two_peers(monkeypatch):
    def missing(waveform):
        raise ImportError("not installed")

    for name in label_audit.AUDITORS[1:]:
        monkeypatch.setitem(PEERS, name, Peer(name, name, "none", "", "", 160, 0, missing))
    with pytest.raises(AtomicVADError, match="two other detectors"):
        auditors()


def test_copies_in_disguise_are_found_and_other_pieces_are_not(tmp_path):
    piece = melody(1)
    low = sosfilt(butter(4, 2500, output="sos", fs=16000), piece).astype(np.float32)
    narrow = resample_poly(resample_poly(piece, 1, 2), 2, 1).astype(np.float32)
    store = small_store(
        tmp_path,
        ("piece.wav", "background", "training", piece),
        ("quiet.wav", "background", "testing", 0.1 * piece),
        ("low.wav", "background", "validation", low),
        ("later.wav", "background", "testing", np.pad(narrow, (8000, 0))),
        ("other.wav", "background", "testing", melody(2)),
        ("noise.wav", "background", "testing", np.random.default_rng(0).normal(0, 0.1, 48000)),
    )
    found = near_duplicates(store)
    pairs = {(row.first, row.second): row.lag for row in found.itertuples()}
    assert pairs.keys() == {(a, b) for a in range(4) for b in range(a + 1, 4)}
    assert pairs[0, 1] == 0 and pairs[0, 3] == pytest.approx(0.5, abs=0.02)
    assert (found["differing"] < 0.15).all() and (found["seconds"] > 2).all()
