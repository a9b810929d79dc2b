"""Windows of segments and of streams of any length, and their scores in batches.

Positions are in samples; models are passed as functions.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from atomicvad.config import Settings
from atomicvad.errors import AtomicVADError
from atomicvad.parallel import computed_ahead

PROTOCOLS = ("swi", "spi")


def step_of(protocol: str, settings: Settings) -> int:
    """Samples between the windows of a protocol."""
    if protocol not in PROTOCOLS:
        raise AtomicVADError(f"protocol: expected {' or '.join(PROTOCOLS)}, got {protocol!r}")
    overlap = settings.evaluation.overlap if protocol == "swi" else 0.0
    return max(1, round(settings.window_samples * (1 - overlap)))


def window_starts(start: int, end: int, window: int, step: int) -> np.ndarray:
    """First samples of the windows of the segment ``start … end``; the last window ends with it.

    A segment shorter than a window has one window, at its start.
    """
    if end - start <= window:
        return np.array([start])
    starts = np.arange(start, end - window + 1, step)
    last = end - window
    return starts if starts[-1] == last else np.append(starts, last)


def segment_windows(bounds: np.ndarray, window: int, step: int) -> tuple[np.ndarray, np.ndarray]:
    """Windows of many segments.

    Args:
        bounds: ``[segments, 2]``, first sample and the one past the last.

    Returns:
        ``(starts, segment)``, ``[windows]`` each; ``segment`` counts from 0.
    """
    starts = [window_starts(start, end, window, step) for start, end in bounds]
    return np.concatenate(starts), np.repeat(np.arange(len(starts)), [len(s) for s in starts])


def _gather(padded: np.ndarray, starts: np.ndarray, ends: np.ndarray, window: int) -> np.ndarray:
    """Windows at ``starts``, ``[windows, window]``; samples past a segment's end are zero."""
    windows = np.lib.stride_tricks.sliding_window_view(padded, window)[starts]
    for row in np.flatnonzero(ends - starts < window):
        windows[row, ends[row] - starts[row] :] = 0
    return windows


def in_batches(
    score: Callable[[np.ndarray], np.ndarray],
    waveform: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
    window: int,
    batch: int,
) -> np.ndarray:
    """Scores of all windows ``[windows, …]``, computed in batches by two threads.

    Args:
        score: float32 windows ``[n, window]`` -> scores ``[n, …]``.
        starts: first sample of each window.
        ends: end of the segment of each window; samples past it are scored as zero.
        batch: windows scored at once.
    """
    padded = np.concatenate([waveform, np.zeros(window, np.float32)])

    def score_from(first: int) -> np.ndarray:
        part = slice(first, first + batch)
        return score(_gather(padded, starts[part], ends[part], window))

    with ThreadPoolExecutor(2) as pool:
        return np.concatenate(list(pool.map(score_from, range(0, len(starts), batch))))


def lead_in(window: int, step: int) -> int:
    """Samples of silence before a stream, so that its first step is the end of a window."""
    return -(-window // step) * step


def padded_windows(samples: int, window: int, step: int) -> int:
    """Number of windows of a stream of ``samples`` that a window of silence follows.

    The last one begins at its end or before, so that the centres reach half a window beyond it.
    """
    return (lead_in(window, step) + samples) // step + 1


def stream_batches(
    chunks: Iterable[np.ndarray], window: int, step: int, batch: int
) -> Iterator[np.ndarray]:
    """Windows of a stream, ``step`` apart, ``[up to batch, window]``, in constant memory.

    ``lead_in`` samples of silence precede the stream. A tail shorter than a window is left out.
    """
    held, span = np.zeros(lead_in(window, step), np.float32), window + (batch - 1) * step
    for chunk in chunks:
        held = np.concatenate([held, chunk])
        while len(held) >= span:
            yield np.lib.stride_tricks.sliding_window_view(held[:span], window)[::step].copy()
            held = held[batch * step :]
    if len(held) >= window:
        yield np.lib.stride_tricks.sliding_window_view(held, window)[::step].copy()


def stream_scores(
    score: Callable[[np.ndarray], np.ndarray],
    chunks: Iterable[np.ndarray],
    window: int,
    step: int,
    batch: int,
) -> Iterator[np.ndarray]:
    """Scores of the windows of ``stream_batches``, batch by batch."""
    with ThreadPoolExecutor(2) as pool:
        for _, scores in computed_ahead(
            pool, score, stream_batches(chunks, window, step, batch), 3
        ):
            yield scores
