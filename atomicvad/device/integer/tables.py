"""The constant tables of the integer front end, as rounded values of the formulas behind them."""

import numpy as np

from atomicvad.audio.signal import SAMPLE_RATE

WINDOW, HOP, FRAME, FFT_LENGTH = 10080, 160, 400, 512
POINTS = FFT_LENGTH // 2  # complex points: even samples are real parts, odd ones imaginary parts
BANDS = 64  # mel bands, and as many coefficients
FRAMES = WINDOW // HOP + 1

UNIT = 32767  # 1 in Q15, as near as 16 bits come

# Periodic Hamming window, Q15: samples 0 ... 200; the rest is its mirror image.
HAMMING = np.round(
    UNIT * (0.54 - 0.46 * np.cos(2 * np.pi * np.arange(FRAME // 2 + 1) / FRAME))
).astype(np.int64)

# Cosine of a full circle in 512 steps, Q15; the sine lies a quarter behind.
CIRCLE = np.round(UNIT * np.cos(2 * np.pi * np.arange(FFT_LENGTH) / FFT_LENGTH)).astype(np.int64)

# Cosine of a full circle in 256 steps, Q11: the DCT. 64 products with a logarithm fit 32 bits.
DCT_BITS = 11
DCT_CIRCLE = np.round(2**DCT_BITS * np.cos(2 * np.pi * np.arange(256) / 256)).astype(np.int64)


def _mel(hertz: float | np.ndarray) -> np.ndarray:
    return np.asarray(1127.0 * np.log1p(np.asarray(hertz) / 700.0))


def _mel_segments() -> tuple[np.ndarray, np.ndarray]:
    """Per FFT bin 1 ... 255: the segment between mel edges that it lies in, and its rising weight.

    Between two neighbouring edges one band falls from 1 to 0 while the next rises from 0 to 1.
    """
    edges = np.linspace(_mel(20.0), _mel(SAMPLE_RATE / 2), BANDS + 2)
    place = (_mel(np.arange(1, POINTS) * SAMPLE_RATE / FFT_LENGTH) - edges[0]) / (
        edges[1] - edges[0]
    )
    segment = np.floor(place).astype(np.int64)
    return segment, np.round(2**15 * (place - segment)).astype(np.int64)


SEGMENT, RISING = _mel_segments()  # segments 0 ... 64; weights Q15
# The first bin of each segment; its last element ends the last segment.
SEGMENT_START = 1 + np.searchsorted(SEGMENT, np.arange(BANDS + 2))

# log2(1 + i / 64), Q14, to interpolate.
LOG2 = np.round(2**14 * np.log2(1 + np.arange(65) / 64)).astype(np.int64)

# 1 / sqrt(x) for x = 1 ... 4 in steps of 1 / 32, Q16 (1 itself is one step short), to interpolate.
RSQRT = np.minimum(np.round(2**16 / np.sqrt(1 + np.arange(97) / 32)), 65535).astype(np.int64)
