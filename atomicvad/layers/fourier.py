"""Power spectra of 512 real samples, many frames at once, for a CPU.

Even samples are the real and odd ones the imaginary parts of 256 complex numbers; their transform
holds that of the frame (Press et al., Numerical Recipes, 3rd ed., §12.3.2). ``LANES`` frames lie
side by side in a block, ``[point, real and imaginary part, lane]``, so that one instruction carries
out a step for many of them, and all fit the cache. The last step leaves its results in rows of
``FRAMES``. All of that is one array: loops over several would look first whether these overlap.
"""

import numpy as np

from atomicvad.layers.kernels import compiled

FFT_LENGTH = 512
POINTS = FFT_LENGTH // 2
LANES = 8
POINT = 2 * LANES  # from a point to the next in a block
FRAMES = 64  # from a row to the next in the spectrum
SPECTRUM = FFT_LENGTH * LANES  # where that begins
ROOM = SPECTRUM + FFT_LENGTH * FRAMES  # length of the array


@compiled
def _load(samples, window, first, last, hop, block):
    """Frames ``hop`` samples apart; the window is zero outside samples ``first … last``."""
    block[: first * LANES] = 0
    block[last * LANES :] = 0
    # Unsigned: an index that needs no look at its sign.
    for n in range(np.uint64(first), np.uint64(last)):
        factor = window[n]
        for lane in range(np.uint64(LANES)):
            sample = samples[lane * np.uint64(hop) + n]
            block[n * np.uint64(LANES) + lane] = sample * factor


def _stage(span, row=LANES):
    """One step of a transform, radix 4, decimation in frequency: four points at a time.

    It goes to rows of ``row`` from place ``to`` of ``room`` on; the block itself is at 0.
    """
    groups, lanes, row = POINTS // (4 * span), np.uint64(LANES), np.uint64(row)
    apart, away = np.uint64(span * POINT), np.uint64(2 * span) * row
    angles = -2 * np.pi * np.outer(np.arange(span), (1, 2, 3)) / (4 * span)
    cosines, sines = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)

    @compiled
    def stage(room, to):
        for j in range(span):
            cos1, cos2, cos3 = cosines[j, 0], cosines[j, 1], cosines[j, 2]
            sin1, sin2, sin3 = sines[j, 0], sines[j, 1], sines[j, 2]
            for group in range(groups):
                point = np.uint64(group * 4 * span + j)
                begin, out = point * np.uint64(POINT), np.uint64(to) + np.uint64(2) * point * row
                for lane in range(lanes):
                    a, o = begin + lane, out + lane
                    b, c, d = a + apart, a + np.uint64(2) * apart, a + np.uint64(3) * apart
                    sum_re, sum_im = room[a] + room[c], room[lanes + a] + room[lanes + c]
                    dif_re, dif_im = room[a] - room[c], room[lanes + a] - room[lanes + c]
                    more_re, more_im = room[b] + room[d], room[lanes + b] + room[lanes + d]
                    turn_re, turn_im = room[lanes + b] - room[lanes + d], room[d] - room[b]
                    room[o], room[row + o] = sum_re + more_re, sum_im + more_im
                    o += away
                    x, y = dif_re + turn_re, dif_im + turn_im
                    room[o], room[row + o] = x * cos1 - y * sin1, x * sin1 + y * cos1
                    o += away
                    x, y = sum_re - more_re, sum_im - more_im
                    room[o], room[row + o] = x * cos2 - y * sin2, x * sin2 + y * cos2
                    o += away
                    x, y = dif_re - turn_re, dif_im - turn_im
                    room[o], room[row + o] = x * cos3 - y * sin3, x * sin3 + y * cos3

    return stage


_stage_64, _stage_16, _stage_4, _stage_1 = (*map(_stage, (64, 16, 4)), _stage(1, FRAMES))
# Where the steps leave point k: its digits to base 4 the other way round.
_DIGITS = np.arange(POINTS, dtype=np.uint64).reshape(4, 4, 4, 4)
PLACES = _DIGITS.transpose(3, 2, 1, 0).ravel() * np.uint64(2 * FRAMES)
_ANGLES = -2 * np.pi * np.arange(POINTS // 2 + 1) / FFT_LENGTH
COSINES, SINES = np.cos(_ANGLES).astype(np.float32), np.sin(_ANGLES).astype(np.float32)


@compiled
def _separate(spectrum, power, first):
    """Power at bins ``k`` and ``256 - k``, which lie in halves of row ``k``, from ``first`` on."""
    points, row = np.uint64(POINTS), np.uint64(FRAMES)
    values, frames = power.reshape(-1), np.uint64(power.shape[2])
    for k in range(np.uint64(POINTS // 2 + 1)):
        a, b = PLACES[k], PLACES[(points - k) % points]
        lower = k * np.uint64(2) * frames + np.uint64(first)
        upper = lower + frames
        for lane in range(row):
            a_re, a_im = spectrum[a + lane], spectrum[a + row + lane]
            b_re, b_im = spectrum[b + lane], spectrum[b + row + lane]
            even_re, even_im, x, y = a_re + b_re, a_im - b_im, a_im + b_im, b_re - a_re
            odd_re, odd_im = x * COSINES[k] - y * SINES[k], x * SINES[k] + y * COSINES[k]
            x, y = even_re + odd_re, even_im + odd_im
            values[lower + lane] = np.float32(0.25) * (x * x + y * y)
            x, y = even_re - odd_re, even_im - odd_im
            values[upper + lane] = np.float32(0.25) * (x * x + y * y)


@compiled
def power_spectra(samples, window, hop, room, power):
    """Power of the frames of ``samples``, into ``power``.

    Args:
        samples: float32; frame ``n`` begins at ``n * hop``.
        window: ``[512]``.
        room: to work in, ``[ROOM]``.
        power: ``[129, 2, frames]``, frames a multiple of ``FRAMES``: bin ``k`` of 0 … 128 is
            ``power[k, 0]``, and bin ``256 - k`` is ``power[k, 1]``.
    """
    first, last = 0, len(window)
    while window[first] == 0:
        first += 1
    while window[last - 1] == 0:
        last -= 1
    for some in range(0, power.shape[2], FRAMES):
        for frame in range(0, FRAMES, LANES):
            _load(samples[(some + frame) * hop :], window, first, last, hop, room[:SPECTRUM])
            _stage_64(room, 0)
            _stage_16(room, 0)
            _stage_4(room, 0)
            _stage_1(room, SPECTRUM + frame)
        _separate(room[SPECTRUM:], power, some)
