"""Samples in arrays, of any type and number of channels, as one channel of floats in ±1."""

from typing import Any

import numpy as np

from atomicvad.audio.files import AudioError
from atomicvad.audio.mono import TOO_LOUD, Mixer

MOST_CHANNELS = 64


def mono_floats(samples: Any, channel: int | None, name: str = "samples") -> np.ndarray:
    """Samples of one channel, float32 ``[samples]``.

    Args:
        samples: see ``as_channels``: floats in ±1, or integers of 8 bits (unsigned), 16 or 32 bits,
            whose full scale becomes 1.
        channel: the only one that is used, from 0 on; by default the mean of all.
        name: used in errors.

    Raises:
        AudioError: another shape or type, no such channel, NaN or infinite samples, or floats far
            above full scale.
    """
    mixer = Mixer(name, channel)
    waveform = mixer.mono(_floats(as_channels(samples, name), name))
    if not np.isfinite(waveform).all():
        raise AudioError(f"{name}: some samples are NaN or infinite")
    if mixer.peak > TOO_LOUD:
        raise AudioError(
            f"{name}: floats that reach {mixer.peak:.4g}; expected ±1 (divide them by their full "
            "scale, or pass integers)"
        )
    return waveform


def as_channels(samples: Any, name: str = "samples", expected: str = "an array") -> np.ndarray:
    """``[samples]`` or ``[samples, channels]`` of any type as an array ``[samples, channels]``.

    Args:
        samples: an array, or what NumPy makes one of.
        name: used in errors.
        expected: what might have been given, for errors.

    Raises:
        AudioError: another shape, or bytes, which do not say what numbers they hold.
    """
    of_bytes = isinstance(samples, memoryview) and samples.itemsize == 1
    if isinstance(samples, bytes | bytearray) or of_bytes:
        raise AudioError(
            f"{name}: expected {expected}, got {type(samples).__name__}; "
            "np.frombuffer(…, np.int16) makes an array of samples of 16 bits"
        )
    try:
        array = np.asarray(samples)
    except (TypeError, ValueError, RuntimeError):  # rows of several lengths, a tensor in use
        array = np.zeros(())
    if array.ndim == 0:
        raise AudioError(f"{name}: expected {expected}, got {type(samples).__name__}")
    if array.ndim == 1:
        array = array[:, np.newaxis]
    if array.ndim != 2 or not 1 <= array.shape[1] <= MOST_CHANNELS:
        turned = array.ndim == 2 and 1 <= len(array) <= MOST_CHANNELS
        raise AudioError(
            f"{name}: expected [samples] or [samples, channels], got {list(np.shape(samples))}"
            + ("; transpose it" if turned else "")
        )
    return array


def _floats(array: np.ndarray, name: str) -> np.ndarray:
    if array.dtype.kind == "f":
        with np.errstate(over="ignore"):  # infinite values are found later
            return array.astype(np.float32, copy=False)
    if array.dtype == np.uint8:
        return (array.astype(np.float32) - 128) / 128
    if array.dtype.kind == "i" and array.dtype.itemsize in (2, 4):
        # As libsndfile reads them: a power of two, without rounding.
        return (array / -float(np.iinfo(array.dtype).min)).astype(np.float32)
    raise AudioError(
        f"{name}: expected floats, or integers of 8 (unsigned), 16 or 32 bits, got {array.dtype}"
    )
