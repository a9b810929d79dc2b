"""Power spectra of 512 real samples, many frames at once, for a CPU.

Even samples are the real and odd ones the imaginary parts of 256 complex numbers; their transform
holds that of the frame (Press et al., Numerical Recipes, 3rd ed., §12.3.2). ``LANES`` frames lie
side by side, so that one instruction carries out a step for many of them, and all fit the cache.
"""

import numpy as np

from atomicvad.layers.kernels import compiled

FFT_LENGTH = 512
POINTS = FFT_LENGTH // 2
LANES = 16
IMAGINARY = POINTS * LANES  # where the imaginary parts begin in a block


@compiled
def _load(samples, window, first, last, hop, block):
    """Frames ``hop`` samples apart; the window is zero outside points ``first … last``."""
    for n in range(first):
        for lane in range(LANES):
            block[n * LANES + lane] = block[IMAGINARY + n * LANES + lane] = 0
    for n in range(last, POINTS):
        for lane in range(LANES):
            block[n * LANES + lane] = block[IMAGINARY + n * LANES + lane] = 0
    for n in range(first, last):
        even, odd = window[2 * n], window[2 * n + 1]
        piece, point = samples[2 * n :], block[n * LANES :]
        for lane in range(LANES):
            point[lane] = piece[lane * hop] * even
            point[IMAGINARY + lane] = piece[lane * hop + 1] * odd


def _stage(span):
    """One step of a transform in place, radix 4, decimation in frequency: four points at a time."""
    groups, apart = POINTS // (4 * span), span * LANES
    angles = -2 * np.pi * np.outer(np.arange(span), (1, 2, 3)) / (4 * span)
    cosines, sines = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)

    @compiled
    def stage(block):
        for j in range(span):
            cos1, cos2, cos3 = cosines[j, 0], cosines[j, 1], cosines[j, 2]
            sin1, sin2, sin3 = sines[j, 0], sines[j, 1], sines[j, 2]
            for group in range(groups):
                re = block[(group * 4 * span + j) * LANES :]
                for a in range(LANES):
                    b, c, d, im = a + apart, a + 2 * apart, a + 3 * apart, IMAGINARY
                    sum_re, sum_im = re[a] + re[c], re[im + a] + re[im + c]
                    dif_re, dif_im = re[a] - re[c], re[im + a] - re[im + c]
                    more_re, more_im = re[b] + re[d], re[im + b] + re[im + d]
                    turn_re, turn_im = re[im + b] - re[im + d], re[d] - re[b]
                    re[a], re[im + a] = sum_re + more_re, sum_im + more_im
                    x, y = dif_re + turn_re, dif_im + turn_im
                    re[b], re[im + b] = x * cos1 - y * sin1, x * sin1 + y * cos1
                    x, y = sum_re - more_re, sum_im - more_im
                    re[c], re[im + c] = x * cos2 - y * sin2, x * sin2 + y * cos2
                    x, y = dif_re - turn_re, dif_im - turn_im
                    re[d], re[im + d] = x * cos3 - y * sin3, x * sin3 + y * cos3

    return stage


_stage_64, _stage_16, _stage_4, _stage_1 = map(_stage, (64, 16, 4, 1))
# Where the steps leave point k: its digits to base 4 the other way round.
PLACES = np.arange(POINTS).reshape(4, 4, 4, 4).transpose(3, 2, 1, 0).ravel() * LANES
_ANGLES = -2 * np.pi * np.arange(POINTS // 2 + 1) / FFT_LENGTH
COSINES, SINES = np.cos(_ANGLES).astype(np.float32), np.sin(_ANGLES).astype(np.float32)


@compiled
def _separate(block, power, frame):
    """Power at bins ``k`` and ``256 - k``, which lie in halves of row ``k``, from ``frame`` on."""
    for k in range(POINTS // 2 + 1):
        a, b = block[PLACES[k] :], block[PLACES[(POINTS - k) % POINTS] :]
        lower, upper = power[k, 0, frame:], power[k, 1, frame:]
        for lane in range(LANES):
            even_re, even_im = a[lane] + b[lane], a[IMAGINARY + lane] - b[IMAGINARY + lane]
            x, y = a[IMAGINARY + lane] + b[IMAGINARY + lane], b[lane] - a[lane]
            odd_re, odd_im = x * COSINES[k] - y * SINES[k], x * SINES[k] + y * COSINES[k]
            x, y = even_re + odd_re, even_im + odd_im
            lower[lane] = np.float32(0.25) * (x * x + y * y)
            x, y = even_re - odd_re, even_im - odd_im
            upper[lane] = np.float32(0.25) * (x * x + y * y)


@compiled
def power_spectra(samples, window, hop, block, power):
    """Power of the frames of ``samples``, into ``power``.

    Args:
        samples: float32; frame ``n`` begins at ``n * hop``.
        window: ``[512]``.
        block: room to work in, ``[2 * IMAGINARY]``.
        power: ``[129, 2, frames]``, frames a multiple of ``LANES``: bin ``k`` of 0 … 128 is
            ``power[k, 0]``, and bin ``256 - k`` is ``power[k, 1]``.
    """
    used = np.flatnonzero(window)
    first, last = used[0] // 2, used[-1] // 2 + 1
    for frame in range(0, power.shape[2], LANES):
        _load(samples[frame * hop :], window, first, last, hop, block)
        _stage_64(block)
        _stage_16(block)
        _stage_4(block)
        _stage_1(block)
        _separate(block, power, frame)
