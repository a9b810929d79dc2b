"""Near-duplicates by content: the same sound with another gain, resampled, filtered or re-encoded.

A recording's fingerprint has 24 bits every 16 ms: whether a narrow band rose against its neighbour
over the last 128 ms (after Haitsma and Kalker, *A highly robust audio fingerprinting system*, ISMIR
2002). Gain and filters drop out, as they change no band with time. Equal words at one lag name a
pair of recordings, and the share of differing bits along that lag decides. A change of speed or of
pitch is not found.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.fft import rfft
from tqdm.auto import tqdm

from atomicvad.audio.signal import SAMPLE_RATE
from atomicvad.data.store import AudioStore
from atomicvad.parallel import computed_ahead

WINDOW, HOP = 2048, 256  # samples of a frame, and between frames
BITS, RISE = 24, 8  # of a word; frames over which a band rises
LOWEST, HIGHEST = 250.0, 2000.0  # Hz: what narrow-band copies share
RANGE_DB = 60.0  # below a recording's loudest band: differences there are noise
ACTIVE_DB = 50.0  # a frame counts if a band of it lies at most this far below the loudest
COMMON = 100  # a word that occurs more often says little
WEAKEST = 4  # bits of a word that are looked up both ways
ASKED = 2  # every second frame is looked up
AROUND = range(-72, 73, 12)  # frames about two equal words that must be alike, too
SHORTEST = 32  # frames of overlap that are compared: 0.5 s
NEARBY = 0.25  # greatest share of differing bits there
# Greatest share of differing bits of a copy, by seconds of overlap; of two sounds it is about 0.45.
DIFFERING = ((0.5, 0.15), (1.0, 0.25), (10.0, 0.3))
BLOCK = 5_000  # frames that are looked up at a time

_EDGES = np.rint(np.geomspace(LOWEST, HIGHEST, BITS + 2) * WINDOW / SAMPLE_RATE).astype(int)
_TAPER = np.hanning(WINDOW).astype(np.float32)


@dataclass(frozen=True)
class Fingerprint:
    """Of one recording, a value a frame.

    ``words``: its bits, uint32. ``active``: whether the frame is loud enough to be compared.
    ``weakest``: a mask for each of the bits that a small change would turn, ``[frames, WEAKEST]``.
    """

    words: np.ndarray
    active: np.ndarray
    weakest: np.ndarray


def fingerprint_of(waveform: np.ndarray) -> Fingerprint:
    """The fingerprint of a waveform: 16 kHz mono, float, ``[samples]``."""
    levels = _band_levels(np.asarray(waveform, np.float32))
    loudest = levels.max()
    levels = np.maximum(levels, loudest - RANGE_DB)
    slopes = np.diff(levels, axis=1)
    rises = slopes[RISE:] - slopes[:-RISE]
    powers = np.left_shift(np.uint32(1), np.arange(BITS, dtype=np.uint32))
    weakest = np.argpartition(np.abs(rises), WEAKEST, axis=1)[:, :WEAKEST]
    active = levels[RISE:].max(axis=1) > loudest - ACTIVE_DB
    words = ((rises > 0) * powers).sum(axis=1, dtype=np.uint32)
    return Fingerprint(words, active & (words != 0), powers[weakest])


def _band_levels(waveform: np.ndarray) -> np.ndarray:
    """Levels of the bands in dB, ``[frames, BITS + 1]``."""
    padded = np.pad(waveform, WINDOW // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    parts = []
    for first in range(0, len(frames), 1024):
        spectrum = rfft(frames[first : first + 1024] * _TAPER, axis=1)[:, : _EDGES[-1]]
        power = np.square(spectrum.real) + np.square(spectrum.imag)
        parts.append(np.add.reduceat(power, _EDGES[:-1], axis=1) / np.diff(_EDGES))
    return 10 * np.log10(np.maximum(np.concatenate(parts), 1e-9))


def near_duplicates(store: AudioStore) -> pd.DataFrame:
    """Pairs of recordings of a store that hold the same sound.

    Returns:
        ``first``, ``second``: rows of the store's table, ``first < second``; ``lag``: seconds by
        which the sound comes later in ``second``; ``seconds``: of active overlap; ``differing``:
        share of differing bits. The longest overlap of each pair.
    """
    count = len(store.recordings)
    with ThreadPoolExecutor(2) as pool:
        made = computed_ahead(pool, lambda n: fingerprint_of(store.read(n)), range(count), 16)
        bar = tqdm(made, total=count, desc="fingerprints", unit="file")
        prints = [fingerprint for _, fingerprint in bar]
    pairs: dict[tuple[int, int], tuple[float, float, float]] = {}
    for one, other, shift in _candidates(prints):
        first, second, near = (one, other, shift) if one < other else (other, one, -shift)
        frames, differing, lag = _compare(prints[first], prints[second], near)
        seconds, best = frames * HOP / SAMPLE_RATE, pairs.get((first, second), (0.0, 0.0, 1.0))
        limit = max((most for least, most in DIFFERING if seconds >= least), default=0.0)
        # The lag at which most bits are equal.
        if differing <= limit and seconds * (1 - differing) > best[1] * (1 - best[2]):
            pairs[first, second] = (lag * HOP / SAMPLE_RATE, seconds, differing)
    rows = [(*key, *np.round(values, 3)) for key, values in sorted(pairs.items())]
    return pd.DataFrame(rows, columns=["first", "second", "lag", "seconds", "differing"])


def _candidates(prints: list[Fingerprint]) -> Iterator[tuple[int, int, int]]:
    """Pairs of recordings, and the lag in frames at which some words of them are equal."""
    words = np.concatenate([fingerprint.words for fingerprint in prints])
    active = np.concatenate([fingerprint.active for fingerprint in prints])
    weakest = np.concatenate([fingerprint.weakest for fingerprint in prints])
    lengths = [len(fingerprint.words) for fingerprint in prints]
    recording = np.repeat(np.arange(len(prints)), lengths)
    frame = np.concatenate([np.arange(length) for length in lengths])
    left = np.repeat(lengths, lengths) - 1 - frame  # frames after this one
    places = np.flatnonzero(active)
    places = places[np.argsort(words[places], kind="stable")]
    known = words[places]
    asked, lags = np.flatnonzero(active)[::ASKED], 2 * len(words)  # no lag is longer
    for begin in tqdm(range(0, len(asked), BLOCK), desc="comparing", unit="block"):
        block = asked[begin : begin + BLOCK]
        rows, columns = _equal_words(words[block], weakest[block], known)
        a, b = block[rows], places[columns]
        before, after = np.minimum(frame[a], frame[b]), np.minimum(left[a], left[b])
        kept = (recording[a] != recording[b]) & (before + after >= SHORTEST)
        a, b, before, after = a[kept], b[kept], before[kept], after[kept]
        differing = np.zeros(len(a), np.int32)
        for shift in AROUND:
            moved = np.clip(shift, -before, after)
            differing += np.bitwise_count(words[a + moved] ^ words[b + moved])
        alike = differing <= NEARBY * BITS * len(AROUND)
        a, b = a[alike], b[alike]
        lag = frame[b] - frame[a]
        for key in np.unique((recording[a] * len(prints) + recording[b]) * lags + lag + lags // 2):
            pair, lag_of = divmod(int(key), lags)
            yield *divmod(pair, len(prints)), lag_of - lags // 2


def _equal_words(
    words: np.ndarray, weakest: np.ndarray, known: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Places in ``words`` and in the sorted ``known`` that are equal but for the weakest bits."""
    rows, columns = [], []
    for choice in range(2**WEAKEST):
        turned = [weakest[:, bit] for bit in range(WEAKEST) if choice >> bit & 1]
        query = words ^ np.sum(turned, axis=0, dtype=np.uint32) if turned else words
        order = np.argsort(query)
        begin = np.searchsorted(known, query[order], "left")
        counts = np.searchsorted(known, query[order], "right") - begin
        counts[counts > COMMON] = 0
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        rows.append(np.repeat(order, counts))
        columns.append(np.repeat(begin, counts) + within)
    return np.concatenate(rows), np.concatenate(columns)


def _compare(first: Fingerprint, second: Fingerprint, near: int) -> tuple[int, float, int]:
    """Active frames of the overlap, the share of differing bits, and the lag: the best near one."""
    best = (0, 1.0, near)
    for lag in range(near - 1, near + 2):
        a, b = max(0, -lag), max(0, lag)
        length = min(len(first.words) - a, len(second.words) - b)
        if length < SHORTEST:
            continue
        one, two = slice(a, a + length), slice(b, b + length)
        both = first.active[one] & second.active[two]
        count = int(both.sum())
        if count < SHORTEST:
            continue
        differing = np.bitwise_count(first.words[one][both] ^ second.words[two][both])
        share = float(differing.mean()) / BITS
        if share < best[1]:
            best = (count, share, lag)
    return best
