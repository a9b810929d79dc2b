"""What a signal is here: 16 kHz mono in ±1, frames of 10 ms, levels in dBFS, mixtures."""

import numpy as np

SAMPLE_RATE = 16000
FRAME = 160  # samples: 10 ms
GATE_DB = 30.0  # a frame is active within this range of its recording's 95th percentile
SILENCE_DB = -60.0  # dBFS; below this level nothing is audible


def to_int16(waveform: np.ndarray) -> np.ndarray:
    """Float samples in ±1 as int16; what lies beyond is clipped.

    >>> to_int16(np.array([0.5, -1.0, 2.0])).tolist()
    [16384, -32767, 32767]
    """
    return np.rint(np.clip(waveform, -1, 1) * 32767).astype("<i2")


def mean_power(waveform: np.ndarray) -> float:
    """Mean of the squared samples, never quite zero."""
    return float(np.mean(np.square(waveform))) + 1e-12


def at_level(waveform: np.ndarray, level_db: float) -> np.ndarray:
    """``waveform`` scaled to an RMS of ``level_db`` (dBFS)."""
    return waveform * np.sqrt(10 ** (level_db / 10) / mean_power(waveform))


def mix(speech: np.ndarray, background: np.ndarray, snr_db: float) -> np.ndarray:
    """``speech`` plus ``background`` scaled to lie ``snr_db`` below it (mean power of both)."""
    gain = np.sqrt(mean_power(speech) / mean_power(background) * 10 ** (-snr_db / 10))
    return speech + gain * background


def decibels_to_gain(decibels: np.ndarray) -> np.ndarray:
    """Factors of the amplitude, float32.

    >>> decibels_to_gain(np.float32(20)).round(3)
    np.float32(10.0)
    """
    return np.exp(decibels * np.float32(np.log(10) / 20))


def frame_levels(waveform: np.ndarray, frame: int = FRAME) -> np.ndarray:
    """Level in dBFS of back-to-back frames of ``frame`` samples; ``[len(waveform) // frame]``."""
    count = len(waveform) // frame
    power = np.square(waveform[: count * frame].reshape(count, frame)).mean(axis=1)
    return 10 * np.log10(np.maximum(power, 1e-10))


def active_frames(waveform: np.ndarray) -> np.ndarray:
    """Which 10 ms frames are active: within 30 dB of the recording's own loud parts.

    Args:
        waveform: 16 kHz mono, ``[samples]``.

    Returns:
        bool ``[samples // 160]``.
    """
    levels = frame_levels(waveform)
    if not len(levels):
        return np.zeros(0, bool)
    return levels > max(np.percentile(levels, 95) - GATE_DB, SILENCE_DB)
