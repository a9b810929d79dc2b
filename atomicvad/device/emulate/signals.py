"""Samples that the detector is measured and compared on: loud, quiet, still, sudden, voiced."""

import numpy as np

from atomicvad.device.integer.tables import HOP, WINDOW

RATE = 16000
LOUDEST = 32767


def window_signals() -> np.ndarray:
    """Twenty windows: int16 ``(20, 10080)``, the same on every computer."""
    random = np.random.default_rng(1)
    time = np.arange(WINDOW) / RATE
    noise = random.standard_normal(WINDOW)
    square = np.where(np.arange(WINDOW) // 20 % 2, 1.0, -1.0)
    clicks = np.zeros(WINDOW)
    clicks[::997] = 1.0
    sweep = np.sin(2 * np.pi * (50 + 6000 * time) * time)
    # Pulses of a voice's pitch through a decay, loud and quiet four times a second.
    pulses = np.zeros(WINDOW)
    pulses[:: RATE // 120] = 1.0
    voice = np.convolve(pulses, np.sin(np.arange(200) * 0.27) * 0.98 ** np.arange(200))[:WINDOW]
    voice *= np.sin(2 * np.pi * 2 * time) ** 2
    alternating = np.where(np.arange(WINDOW) % 2, 1.0, -1.0)
    signals = [
        *(level * noise for level in (1e-4, 1e-3, 0.01, 0.05, 0.2, 1.0)),
        *(level * voice for level in (0.001, 0.01, 0.1, 1.0)),
        *(level * voice + 0.02 * noise for level in (0.05, 0.3)),
        *(np.zeros(WINDOW), np.full(WINDOW, 1.0), np.full(WINDOW, -1.1)),
        *(square, clicks, sweep, alternating, np.where(time > 0.3, voice, 0)),
    ]
    return np.clip(np.rint(np.array(signals) * LOUDEST), -LOUDEST - 1, LOUDEST).astype(np.int16)


def stream_signals() -> np.ndarray:
    """Three seconds of a stream: int16 ``(300, 160)``, some of the windows one after another."""
    windows = window_signals()
    stream = windows[[2, 9, 12, 15, 10]].reshape(-1)
    return stream[: 300 * HOP].reshape(-1, HOP)
