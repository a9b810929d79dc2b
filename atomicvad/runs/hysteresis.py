"""Segments of whole score curves, compiled: what ``detection`` finds piece by piece.

Thousands of settings are compared on the validation scenes; tests hold both to the same results.
"""

import numba
import numpy as np

from atomicvad.detection.segmenter import Rules, Segmenter


def curve(logits: np.ndarray, silent: np.ndarray, width: int, unit: float) -> np.ndarray:
    """The logits that rules compare with: means over models and neighbours, ``[steps]``.

    Args:
        logits: integers ``[steps, models]``, counted in ``unit``.
        silent: digital silence, bool ``[steps]``.
        width: of the smoothing, in steps.
    """
    sums = smoothed(logits.sum(1, dtype=np.int64), width)
    return np.where(silent, -np.inf, sums * (unit / logits.shape[1]))


def smoothed(values: np.ndarray, width: int) -> np.ndarray:
    """Means over ``width`` (odd) neighbours, ``[n]``; over fewer at both ends."""
    half, count = width // 2, len(values)
    sums = np.concatenate([np.zeros(1, values.dtype), np.cumsum(values)])
    places = np.arange(count)
    first, last = np.maximum(places - half, 0), np.minimum(places + half + 1, count)
    return (sums[last] - sums[first]) / (last - first)


def segments(logits: np.ndarray, rules: Rules, step: float) -> np.ndarray:
    """Start and end in s of every segment of a recording, ``[segments, 2]``.

    Args:
        logits: of speech, ``[steps]``; -inf: digital silence.
        rules: without ``max_speech``.
        step: in s.
    """
    counts = Segmenter(rules, step)
    found = _runs(logits, counts.on, counts.off, counts.least, counts.gap) * step
    found += np.array([-rules.pad, rules.pad])
    return np.clip(found, 0, len(logits) * step)


@numba.njit(cache=True, nogil=True)
def _runs(logits, on, off, least, gap):  # type: ignore[no-untyped-def]
    """First step of every segment and the one past its last, int64 ``[segments, 2]``."""
    found = np.empty((len(logits) // 2 + 1, 2), np.int64)
    count, start, last = 0, -1, 0
    for now in range(len(logits) + 1):
        ends = now == len(logits)
        if not ends:
            if start < 0 and logits[now] >= on:
                start = last = now
            if start >= 0 and logits[now] >= off:
                last = now + 1
        if start >= 0 and (ends or now + 1 - last >= gap):
            if last - start >= least:
                found[count, 0], found[count, 1] = start, last
                count += 1
            start = -1
    return found[:count]
