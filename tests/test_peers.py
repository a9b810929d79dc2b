"""Peers run without the network, and what they say stands at the time that it speaks of."""

import os

import numpy as np
import pytest
from scipy.signal import lfilter

from atomicvad.errors import AtomicVADError
from atomicvad.evaluation.frames import output_frames
from atomicvad.scoring.peers import PEERS, Peer


def vowels(seconds: float) -> np.ndarray:
    """A voice-like sound: a gliding pulse train through three resonances, in syllables."""
    samples = round(seconds * 16000)
    pitch = 120 + 30 * np.sin(2 * np.pi * 0.7 * np.arange(samples) / 16000)
    phase = np.cumsum(pitch / 16000)
    sound = np.diff(np.floor(phase), prepend=0) + 0.002 * np.random.default_rng(0).normal(
        size=samples
    )
    for centre, width in ((650, 80), (1200, 100), (2600, 160)):
        radius = np.exp(-np.pi * width / 16000)
        sound = lfilter(
            [1], [1, -2 * radius * np.cos(2 * np.pi * centre / 16000), radius**2], sound
        )
    sound *= 0.6 + 0.4 * np.sin(2 * np.pi * 4 * np.arange(samples) / 16000)
    return (0.3 * sound / np.abs(sound).max()).astype(np.float32)


# Frames by which a peer smooths over the past; microVAD hears no speech in these vowels.
SLOW = {"earshot": 9}


def installed(name: str) -> Peer:
    peer = PEERS[name]
    if problem := peer.problem():
        pytest.skip(problem)
    return peer


@pytest.mark.parametrize("name", [name for name in PEERS if name != "microvad"])
def test_a_shifted_signal_shifts_what_a_peer_says(name):
    """A known sound after silence: its frames move with it, and stand where it is."""
    peer, sound, found = installed(name), vowels(3.0), []
    quiet = np.random.default_rng(1).normal(0, 1e-4, 16000 * 8).astype(np.float32)
    for start in (32000, 32000 + 23 * 1000):
        waveform = quiet.copy()
        waveform[start : start + len(sound)] += sound
        times, outputs = peer.score(waveform)
        assert len(times) == len(outputs)
        assert abs(times[-1] - 8) < 0.06 and ((outputs >= 0) & (outputs <= 1)).all()
        frames = output_frames(outputs, [len(outputs)], [len(waveform)], peer.hop, 0, False)
        inside = np.zeros(len(frames), bool)
        inside[start // 160 : (start + len(sound)) // 160] = True
        # The shift that fits best between what is said and what is there.
        shifts = np.arange(-60, 61)
        fits = [np.corrcoef(np.roll(frames, -shift), inside)[0, 1] for shift in shifts]
        found.append(shifts[int(np.argmax(fits))])
    # PulseVAD answers every 100 ms.
    assert abs(found[0] - found[1]) <= max(4, peer.hop // 320), "the lag moves with the sound"
    assert abs(found[0]) <= SLOW.get(name, 6), f"frames lie {found[0] * 10} ms off"


def test_a_missing_package_is_one_line():
    def missing(waveform):
        import no_such_detector

        return no_such_detector

    peer = Peer("x", "X", "no-such-detector", "", "", 160, 0, missing)
    with pytest.raises(AtomicVADError, match="no-such-detector cannot be started"):
        peer.score(np.zeros(160, np.float32))
    assert "X: no-such-detector" in peer.problem() and peer.version == ""


def test_state_is_not_carried_from_clip_to_clip():
    peer, waveform = installed("silero"), vowels(1.5)
    np.testing.assert_array_equal(peer.score(waveform)[1], peer.score(waveform)[1])


def test_what_a_library_writes_is_not_heard(capfd):
    """As the traceback of an object whose library is missing, which Python itself prints."""
    peer = Peer("loud", "Loud", "numpy", "", "", 160, 0, loud, native=True)
    assert peer.score(np.zeros(320, np.float32))[1].tolist() == [0, 0]
    screen = capfd.readouterr()
    assert screen.out == screen.err == ""


class Half:
    def __del__(self):
        raise AttributeError("never whole")


def loud(waveform):
    Half()
    print("a library speaks", flush=True)
    os.write(2, b"and its C code")
    return np.zeros(len(waveform) // 160)
