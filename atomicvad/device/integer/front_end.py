"""Samples to MFCC in integers: window, FFT, mel bands, logarithm, DCT.

Logarithms are to base 2, in steps of 1 / 512 (``LOG_BITS``), less ``CENTRE`` so that both ends of
their range fit 14 bits and a sign. A coefficient is a sixteenth of the DCT of base-2 logarithms:
``UNITS`` steps for what the paper's MFCC (in decibels) calls 1.
"""

import numpy as np

from atomicvad.device.integer.tables import (
    BANDS,
    CIRCLE,
    DCT_BITS,
    DCT_CIRCLE,
    FFT_LENGTH,
    FRAME,
    HAMMING,
    HOP,
    LOG2,
    POINTS,
    RISING,
    SEGMENT_START,
    UNIT,
)

LOG_BITS = 9
CENTRE = -9  # of the logarithms' range, in powers of two of the mel power
COEFFICIENT_BITS = 4  # after the point of a coefficient
UNITS = 2**COEFFICIENT_BITS * np.sqrt(2 * BANDS) / 2 / (10 * np.log10(2))

# What a power of 1 at the end of `band_logarithms` stands for, as a power of two: samples of 16
# bits squared, magnitudes in Q7 squared, weights in Q15, a sum halved, and the window's unit.
_SCALE = -30 - 14 - 15 + 1 + 2 * np.log2(2**15 / UNIT)
OFFSET = int(np.round(-_SCALE)) + CENTRE
REMAINDER = _SCALE + OFFSET  # what a logarithm lacks: a constant, which only coefficient 0 hears
FLOOR = int(np.round(2**LOG_BITS * (np.log2(1e-10) - REMAINDER)))  # the smallest logarithm
RANGE = int(np.round(2**LOG_BITS * 80 / (10 * np.log10(2))))  # 80 dB
# Coefficient 0 lacks this much; the network's first layer adds what follows from it.
BIAS = 2**COEFFICIENT_BITS * BANDS * REMAINDER


def scaled(values: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """Half the product with a factor in Q15, rounded down."""
    return (values * factor) >> 16


def bit_length(values: np.ndarray) -> np.ndarray:
    """Binary digits of non-negative integers below 2**53."""
    return np.frexp(values.astype(np.float64))[1].astype(np.int64)


def frames_of(samples: np.ndarray) -> np.ndarray:
    """Frames of 400 samples every 160, of samples ``[..., samples]``: ``[..., frames, 400]``."""
    return np.lib.stride_tricks.sliding_window_view(samples, FRAME, -1)[..., ::HOP, :]


def spectra(frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Spectra of frames ``[..., 400]`` of 16-bit samples: real and imaginary parts, Q7.

    Returns:
        Two arrays ``[..., 255]``: bins 1 to 255 of an FFT of 512 points. Bins 0 and 256 are in no
        mel band.
    """
    window = np.concatenate([HAMMING, HAMMING[FRAME // 2 - 1 : 0 : -1]])
    padded = np.zeros((*frames.shape[:-1], FFT_LENGTH), np.int64)
    padded[..., :FRAME] = (frames.astype(np.int64) * window + 8) >> 4  # Q11
    return _split(*_fft(padded[..., 0::2], padded[..., 1::2]))


def _fft(re: np.ndarray, im: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """FFT of 256 complex points, an eighth of it: radix 4, decimation in time."""
    shape = re.shape
    digits = np.arange(POINTS).reshape(4, 4, 4, 4).transpose(3, 2, 1, 0).ravel()
    re, im = re[..., digits], im[..., digits]
    for span in (1, 4, 16, 64):
        re, im = (part.reshape(-1, POINTS // (4 * span), 4, span) for part in (re, im))
        if span > 1:
            n, step = np.ogrid[:4, :span]
            re, im = _turned(re, im, 2 * n * step * (POINTS // (4 * span)))
        (a, b, c, d), (e, f, g, h) = np.moveaxis(re, 2, 0), np.moveaxis(im, 2, 0)
        re = np.stack([a + b + c + d, a + f - c - h, a - b + c - d, a - f - c + h], 2)
        im = np.stack([e + f + g + h, e - b - g + d, e - f + g - h, e + b - g - d], 2)
    return re.reshape(shape), im.reshape(shape)


def _turned(re: np.ndarray, im: np.ndarray, steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Half the product with ``exp(-2 pi i steps / 512)``; exactly half where that is 1."""
    cosine, minus_sine = CIRCLE[steps], CIRCLE[steps + 128]
    turned_re = scaled(re, cosine) - scaled(im, minus_sine)
    turned_im = scaled(im, cosine) + scaled(re, minus_sine)
    return np.where(steps == 0, re >> 1, turned_re), np.where(steps == 0, im >> 1, turned_im)


def _split(re: np.ndarray, im: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Half the spectrum of 512 real samples, out of that of 256 complex points."""
    k = np.arange(1, POINTS // 2)
    half_re, half_im = re >> 1, im >> 1
    a, b = half_re[..., k], half_re[..., POINTS - k]
    c, d = half_im[..., k], half_im[..., POINTS - k]
    even_re, even_im = (a + b) >> 1, (c - d) >> 1
    odd_re, odd_im = _turned(c + d, b - a, k)
    middle = np.s_[..., POINTS // 2 : POINTS // 2 + 1]
    return (
        np.concatenate([even_re + odd_re, half_re[middle], (even_re - odd_re)[..., ::-1]], -1),
        np.concatenate([even_im + odd_im, half_im[middle], (even_im - odd_im)[..., ::-1]], -1),
    )


def band_logarithms(re: np.ndarray, im: np.ndarray) -> np.ndarray:
    """Logarithms of the mel power of spectra ``[..., 255]``, ``[..., 64]``, not below ``FLOOR``.

    Bins between two mel edges share one exponent. Their power rises into one band and falls out of
    the band before.
    """
    starts = SEGMENT_START[:-1] - 1
    filled = np.diff(SEGMENT_START) > 0
    magnitude = (re ^ (re >> 63)) | (im ^ (im >> 63))
    bits = np.zeros((*re.shape[:-1], BANDS + 1), np.int64)
    bits[..., filled] = bit_length(np.bitwise_or.reduceat(magnitude, starts[filled], -1))
    right, left = np.maximum(bits - 13, 0), np.maximum(2 * (13 - bits), 0)
    each = np.repeat(np.arange(BANDS + 1), np.diff(SEGMENT_START))
    re, im = re >> right[..., each], im >> right[..., each]
    power = ((re * re + im * im) << left[..., each]) >> 13
    rising, falling = np.zeros_like(bits), np.zeros_like(bits)
    rising[..., filled] = np.add.reduceat(power * RISING, starts[filled], -1)
    falling[..., filled] = np.add.reduceat(power * (2**15 - RISING), starts[filled], -1)
    exponent = 13 + 2 * right - left
    return _logarithm(*_added(rising, falling, exponent))


def _added(
    rising: np.ndarray, falling: np.ndarray, exponent: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Half the sum of a segment's rising and the next one's falling part, and its exponent."""
    low, high = exponent[..., :-1], exponent[..., 1:]
    common = np.maximum(low, high)
    parts = rising[..., :-1] >> np.minimum(common - low, 31)
    return (parts >> 1) + ((falling[..., 1:] >> np.minimum(common - high, 31)) >> 1), common


def _logarithm(mantissa: np.ndarray, exponent: np.ndarray) -> np.ndarray:
    digits = bit_length(mantissa)
    normal = mantissa << (32 - digits)
    index, rest = (normal >> 25) & 63, (normal >> 9) & 0xFFFF
    fraction = LOG2[index] + (((LOG2[index + 1] - LOG2[index]) * rest) >> 16)
    logarithm = ((digits - 1 + exponent - OFFSET) << LOG_BITS) + ((fraction + 16) >> 5)
    return np.where(mantissa > 0, np.maximum(logarithm, FLOOR), FLOOR)


def coefficients(logarithms: np.ndarray) -> np.ndarray:
    """MFCC ``[..., 64]`` of 16 bits, of as many logarithms; coefficient 0 is less by ``BIAS``."""
    k, n = np.ogrid[:BANDS, :BANDS]
    matrix = DCT_CIRCLE[k * (2 * n + 1) % 256].astype(np.float64)
    # Sums of products below 2**53: exact in float64, in whatever order.
    sums = (logarithms.astype(np.float64) @ matrix.T).astype(np.int64)
    shift = DCT_BITS + LOG_BITS - COEFFICIENT_BITS
    return (sums + (1 << (shift - 1))) >> shift
