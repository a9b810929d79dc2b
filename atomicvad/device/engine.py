"""The integer detector of one or several models: in C where it was compiled, else in NumPy.

Both compute the same bits. ``device.integer`` is the specification, ``core/python.c`` the C.
"""

from collections.abc import Callable, Sequence

import numpy as np

from atomicvad.device.core.values import packed
from atomicvad.device.integer.detector import (
    NOT_READY,
    STREAM_FRAMES,
    WARM_UP,
    mfcc_logits,
    stream_logits,
    window_mfcc,
)
from atomicvad.device.integer.front_end import band_logarithms, coefficients, frames_of, spectra
from atomicvad.device.integer.tables import FRAME, HOP, WINDOW
from atomicvad.device.integer.weights import LOGIT_BITS, IntegerWeights

try:
    from atomicvad.device import _compiled
except ImportError:  # built without a C compiler
    _compiled = None  # type: ignore[assignment]

STEP = 2.0**-LOGIT_BITS  # of a logit
# Samples from the middle of what a decision of a stream is about to the end of its hop.
PAST_MIDDLE = STREAM_FRAMES // 2 * HOP + FRAME // 2
# Hops of silence before a stream, for its first decision to be about the first 10 ms.
LEAD = WARM_UP + 1 - (PAST_MIDDLE // HOP + 1)
AT_ONCE = 64  # windows that NumPy scores together


def is_compiled() -> bool:
    """Whether the C core is there."""
    return _compiled is not None


class Engine:
    """Scores windows or streams with one or several models, which share the front end.

    Args:
        models: their weights.
        compiled: in C; by default where it is there.
    """

    unit = STEP  # of a logit

    def __init__(self, models: Sequence[IntegerWeights], compiled: bool | None = None):
        self.models = list(models)
        self.compiled = is_compiled() if compiled is None else compiled
        if self.compiled:
            self.packed = _aligned(b"".join(map(packed, self.models)))

    def windows(self, samples: np.ndarray, step: int = WINDOW) -> np.ndarray:
        """Logits of the windows of 10,080 samples that begin every ``step`` samples.

        Args:
            samples: int16 ``[10080 + (n - 1) * step]``, 16 kHz; what is over is left aside.
            step: in samples.

        Returns:
            int16 ``[n, models]`` in steps of 1 / 256.
        """
        count = max(0, (len(samples) - WINDOW) // step + 1)
        logits = np.zeros((count, len(self.models)), np.int16)
        if not count:
            return logits
        samples = np.ascontiguousarray(samples[: (count - 1) * step + WINDOW], np.int16)
        if self.compiled:
            _compiled.windows(_aligned(samples), step, self.packed, logits)
            return logits
        windows = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::step]
        for first in range(0, count, AT_ONCE):
            mfcc = window_mfcc(windows[first : first + AT_ONCE])
            logits[first : first + AT_ONCE] = self.of_models(mfcc_logits, mfcc)
        return logits

    def stream(self) -> "Stream":
        """A new stream."""
        return CompiledStream(self) if self.compiled else Stream(self)

    def of_models(
        self, function: Callable[[np.ndarray, IntegerWeights], np.ndarray], mfcc: np.ndarray
    ) -> np.ndarray:
        """Logits ``[n, models]`` of MFCC by ``mfcc_logits`` or ``stream_logits``."""
        return np.stack([function(mfcc, weights) for weights in self.models], -1)


class Stream:
    """Decides after every 10 ms, from past samples alone, in memory that does not grow.

    The first ``WARM_UP`` logits are ``NOT_READY``. Each describes the 0.65 s whose middle lies
    ``PAST_MIDDLE`` samples (0.36 s) before the end of its hop.
    """

    def __init__(self, engine: Engine):
        self.engine, self.hops = engine, 0
        self.samples = np.zeros(FRAME - HOP, np.int16)
        self.mfcc = np.zeros((STREAM_FRAMES - 1, 64), np.int64)

    def push(self, samples: np.ndarray) -> np.ndarray:
        """Logits int16 ``[hops, models]``, in steps of 1 / 256, of int16 ``[hops * 160]``."""
        heard = np.concatenate([self.samples, samples])
        self.samples = heard[len(heard) - (FRAME - HOP) :]
        hops = len(samples) // HOP
        if not hops:
            return np.zeros((0, len(self.engine.models)), np.int16)
        new = coefficients(band_logarithms(*spectra(frames_of(heard))))
        mfcc = np.concatenate([self.mfcc, new])
        self.mfcc = mfcc[hops:]
        logits = self.engine.of_models(stream_logits, mfcc)
        logits[: max(0, WARM_UP - self.hops)] = NOT_READY
        self.hops = min(self.hops + hops, WARM_UP)
        return logits.astype(np.int16)


class CompiledStream(Stream):
    """``Stream`` in C."""

    def __init__(self, engine: Engine):
        self.engine = engine
        size = len(engine.models) * _compiled.STREAM_BYTES
        self.streams = np.zeros(-(-size // 8), np.int64).view(np.uint8)[:size]
        _compiled.start(self.streams)

    def push(self, samples: np.ndarray) -> np.ndarray:
        """As ``Stream``."""
        samples = _aligned(np.ascontiguousarray(samples, np.int16))
        logits = np.zeros((len(samples) // HOP, len(self.engine.models)), np.int16)
        _compiled.push(samples, self.engine.packed, self.streams, logits)
        return logits


def _aligned(content: bytes | np.ndarray) -> np.ndarray:
    """As an array that begins at a multiple of 8 bytes, as C wants it."""
    array = np.frombuffer(content, np.uint8) if isinstance(content, bytes) else content
    return array if array.ctypes.data % 8 == 0 else array.copy()
