"""Signal conventions: 16 kHz mono in ±1, frames of 10 ms, levels in dBFS, mixing at an SNR."""

import numpy as np

SAMPLE_RATE = 16000
FRAME = 160  # samples: 10 ms
GATE_DB = 30.0  # an active frame is at most this far below the 95th percentile of all frames
SILENCE_DB = -60.0  # dBFS; below this level nothing is audible


def to_int16(waveform: np.ndarray) -> np.ndarray:
    """Float samples as int16; values outside ±1 are clipped.

    >>> to_int16(np.array([0.5, -1.0, 2.0])).tolist()
    [16384, -32767, 32767]
    """
    return np.rint(np.clip(waveform, -1, 1) * 32767).astype("<i2")


def mean_power(waveform: np.ndarray) -> float:
    """Mean of the squared samples plus 1e-12, so that it is never zero."""
    return float(np.mean(np.square(waveform))) + 1e-12


def at_level(waveform: np.ndarray, level_db: float) -> np.ndarray:
    """``waveform`` scaled to an RMS of ``level_db`` (dBFS)."""
    return waveform * np.sqrt(10 ** (level_db / 10) / mean_power(waveform))


def mix(speech: np.ndarray, background: np.ndarray, snr_db: float) -> np.ndarray:
    """``speech`` plus ``background`` scaled to an SNR of ``snr_db`` (ratio of mean powers)."""
    gain = np.sqrt(mean_power(speech) / mean_power(background) * 10 ** (-snr_db / 10))
    return speech + gain * background


def frame_levels(waveform: np.ndarray, frame: int = FRAME) -> np.ndarray:
    """Levels in dBFS of adjacent frames of ``frame`` samples, ``[len(waveform) // frame]``."""
    count = len(waveform) // frame
    power = np.square(waveform[: count * frame].reshape(count, frame)).mean(axis=1)
    return 10 * np.log10(np.maximum(power, 1e-10))


def active_frames(waveform: np.ndarray) -> np.ndarray:
    """Which 10 ms frames are active: within 30 dB of the recording's loud frames, not silent.

    Args:
        waveform: 16 kHz mono, ``[samples]``.

    Returns:
        bool ``[samples // FRAME]``.
    """
    levels = frame_levels(waveform)
    if not len(levels):
        return np.zeros(0, bool)
    return levels > max(np.percentile(levels, 95) - GATE_DB, SILENCE_DB)
