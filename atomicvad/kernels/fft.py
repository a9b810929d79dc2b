"""Power spectra of 512 real samples, many frames at once, for a CPU.

Even samples are the real and odd ones the imaginary parts of 256 complex numbers; their transform
holds that of the frame (Press et al., Numerical Recipes, 3rd ed., §12.3.2). ``LANES`` frames lie
side by side in a block, ``[point, real and imaginary part, lane]``, so that one instruction carries
out a step for many of them, and all fit the cache. The last step leaves its results in rows of
``FRAMES``. Block and results share one array, the workspace: loops over several arrays would first
check whether these overlap.
"""

import numpy as np

from atomicvad.kernels.compile import compiled

FFT_LENGTH = 512
POINTS = FFT_LENGTH // 2  # complex numbers
LANES = 8
POINT = 2 * LANES  # from a point to the next in a block
FRAMES = 64  # from a row to the next in the spectrum
SPECTRUM = FFT_LENGTH * LANES  # where the spectrum begins in the workspace
WORKSPACE = SPECTRUM + FFT_LENGTH * FRAMES  # length of the workspace


@compiled
def _load(samples, window, first, last, hop, block):
    """Write ``LANES`` windowed frames into a block.

    Args:
        samples: float32 ``[(LANES - 1) * hop + FFT_LENGTH]`` or more; a frame every ``hop``.
        window: float32 ``[FFT_LENGTH]``, zero outside samples ``first … last - 1``.
        block: float32 ``[FFT_LENGTH * LANES]``, written.
    """
    block[: first * LANES] = 0
    block[last * LANES :] = 0
    # Unsigned: an index that needs no look at its sign.
    for n in range(np.uint64(first), np.uint64(last)):
        factor = window[n]
        for lane in range(np.uint64(LANES)):
            sample = samples[lane * np.uint64(hop) + n]
            block[n * np.uint64(LANES) + lane] = sample * factor


def _stage(span, row=LANES):
    """A kernel for one step of the transform: radix 4, decimation in frequency.

    It combines four points ``span`` apart, and writes rows of ``row`` numbers.
    """
    groups, lanes, row = POINTS // (4 * span), np.uint64(LANES), np.uint64(row)
    step, out_step = np.uint64(span * POINT), np.uint64(2 * span) * row
    angles = -2 * np.pi * np.outer(np.arange(span), (1, 2, 3)) / (4 * span)
    cosines, sines = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)

    @compiled
    def stage(workspace, start):
        """From the block into ``workspace``, float32 ``[WORKSPACE]``, from ``start`` on."""
        for j in range(span):
            cos1, cos2, cos3 = cosines[j, 0], cosines[j, 1], cosines[j, 2]
            sin1, sin2, sin3 = sines[j, 0], sines[j, 1], sines[j, 2]
            for group in range(groups):
                point = np.uint64(group * 4 * span + j)
                begin = point * np.uint64(POINT)
                out_begin = np.uint64(start) + np.uint64(2) * point * row
                for lane in range(lanes):
                    a, out = begin + lane, out_begin + lane
                    b, c, d = a + step, a + np.uint64(2) * step, a + np.uint64(3) * step
                    a_re, a_im = workspace[a], workspace[lanes + a]
                    b_re, b_im = workspace[b], workspace[lanes + b]
                    c_re, c_im = workspace[c], workspace[lanes + c]
                    d_re, d_im = workspace[d], workspace[lanes + d]
                    ac_re, ac_im, bd_re, bd_im = a_re + c_re, a_im + c_im, b_re + d_re, b_im + d_im
                    # a - c and -i (b - d)
                    x_re, x_im, y_re, y_im = a_re - c_re, a_im - c_im, b_im - d_im, d_re - b_re
                    workspace[out], workspace[row + out] = ac_re + bd_re, ac_im + bd_im
                    out += out_step
                    re, im = x_re + y_re, x_im + y_im
                    workspace[out] = re * cos1 - im * sin1
                    workspace[row + out] = re * sin1 + im * cos1
                    out += out_step
                    re, im = ac_re - bd_re, ac_im - bd_im
                    workspace[out] = re * cos2 - im * sin2
                    workspace[row + out] = re * sin2 + im * cos2
                    out += out_step
                    re, im = x_re - y_re, x_im - y_im
                    workspace[out] = re * cos3 - im * sin3
                    workspace[row + out] = re * sin3 + im * cos3

    return stage


_stage_64, _stage_16, _stage_4, _stage_1 = (*map(_stage, (64, 16, 4)), _stage(1, FRAMES))
# Where the steps leave point k: its digits to base 4 the other way round.
_DIGITS = np.arange(POINTS, dtype=np.uint64).reshape(4, 4, 4, 4)
PLACES = _DIGITS.transpose(3, 2, 1, 0).ravel() * np.uint64(2 * FRAMES)
_ANGLES = -2 * np.pi * np.arange(POINTS // 2 + 1) / FFT_LENGTH
COSINES, SINES = np.cos(_ANGLES).astype(np.float32), np.sin(_ANGLES).astype(np.float32)


@compiled
def _separate(spectrum, power, first):
    """The real frames' power from the complex numbers' transform.

    Args:
        spectrum: float32 ``[FFT_LENGTH * FRAMES]``, real and imaginary parts of ``FRAMES`` frames.
        power: float32 ``[129, 2, frames]``, written at frames ``first … first + FRAMES - 1``.
    """
    points, row = np.uint64(POINTS), np.uint64(FRAMES)
    flat_power, frames = power.reshape(-1), np.uint64(power.shape[2])
    for k in range(np.uint64(POINTS // 2 + 1)):
        a, b = PLACES[k], PLACES[(points - k) % points]
        lower = k * np.uint64(2) * frames + np.uint64(first)
        upper = lower + frames
        for frame in range(row):
            a_re, a_im = spectrum[a + frame], spectrum[a + row + frame]
            b_re, b_im = spectrum[b + frame], spectrum[b + row + frame]
            even_re, even_im, x, y = a_re + b_re, a_im - b_im, a_im + b_im, b_re - a_re
            odd_re, odd_im = x * COSINES[k] - y * SINES[k], x * SINES[k] + y * COSINES[k]
            x, y = even_re + odd_re, even_im + odd_im
            flat_power[lower + frame] = np.float32(0.25) * (x * x + y * y)
            x, y = even_re - odd_re, even_im - odd_im
            flat_power[upper + frame] = np.float32(0.25) * (x * x + y * y)


@compiled
def power_spectra(samples, window, hop, workspace, power):
    """Write the power spectra of windowed frames.

    Args:
        samples: float32 ``[samples]``; frame ``n`` begins at ``n * hop``.
        window: float32 ``[FFT_LENGTH]``.
        workspace: float32 ``[WORKSPACE]``.
        power: float32 ``[129, 2, frames]``, ``frames`` a multiple of ``FRAMES``; bin ``k`` of
            0 … 128 goes to ``power[k, 0]``, and bin ``256 - k`` to ``power[k, 1]``.
    """
    first, last = 0, len(window)
    while window[first] == 0:
        first += 1
    while window[last - 1] == 0:
        last -= 1
    for start in range(0, power.shape[2], FRAMES):
        for frame in range(0, FRAMES, LANES):
            lane_samples = samples[(start + frame) * hop :]
            _load(lane_samples, window, first, last, hop, workspace[:SPECTRUM])
            _stage_64(workspace, 0)
            _stage_16(workspace, 0)
            _stage_4(workspace, 0)
            _stage_1(workspace, SPECTRUM + frame)
        _separate(workspace[SPECTRUM:], power, start)
