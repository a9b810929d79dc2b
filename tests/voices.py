"""Something like a voice, which the detector takes for one."""

import numpy as np

RATE = 16000


def voice(seconds=2.0, rate=RATE):
    """Harmonics under moving formants, four syllables per second."""
    t = np.arange(round(seconds * rate)) / rate
    pitch = 120 + 20 * np.sin(2 * np.pi * 2.5 * t)
    phase = 2 * np.pi * np.cumsum(pitch) / rate
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
    noise = np.random.default_rng(seed).normal(0, 0.0005, (len(kinds), 2 * rate))
    parts = [
        part + voice(2, rate) * (kind == "voice") for kind, part in zip(kinds, noise, strict=True)
    ]
    return np.concatenate(parts).astype(np.float32)
