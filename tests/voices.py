"""Something like a voice, which the detector takes for one."""

import numpy as np
import soxr

RATE = 16000


def voice(seconds=2.0):
    """Harmonics under moving formants, four syllables per second."""
    t = np.arange(round(seconds * RATE)) / RATE
    pitch = 120 + 20 * np.sin(2 * np.pi * 2.5 * t)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    first = 500 + 200 * np.sin(2 * np.pi * 4 * t)
    formants = ((first, 200, 1), (1500, 300, 0.6), (2500, 300, 0.3))
    sound = np.zeros(len(t))
    for number in range(1, 30):
        gains = (
            gain * np.exp(-(((number * pitch - at) / width) ** 2)) for at, width, gain in formants
        )
        sound += np.sin(number * phase) * sum(gains)
    return 0.1 * sound * (0.2 + np.clip(np.sin(2 * np.pi * 4 * t), 0, 1))


def recording(*kinds, rate=RATE, seed=0):
    """Faint noise of 2 s for each kind, with a voice in it where that is ``voice``."""
    noise = np.random.default_rng(seed).normal(0, 0.0005, (len(kinds), 2 * RATE))
    for kind, part in zip(kinds, noise, strict=True):
        part[:] += voice(2) * (kind == "voice")
    return soxr.resample(np.ravel(noise).astype(np.float32), RATE, rate)
