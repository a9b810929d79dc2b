"""What the folders of all targets have in common: a test window, and the words about the files."""

from importlib import import_module
from typing import Any, NamedTuple

import numpy as np

from atomicvad.errors import AtomicVADError

WINDOW_SAMPLES = 10080
SYLLABLE = 2520  # samples: four in a window


class Contents(NamedTuple):
    """What a target's function has written, as the folder's README tells it.

    Attributes:
        title: of the README.
        about: Markdown: the files, their inputs and outputs with units.
        examples: text of each example by its file's name; the README shows the first one.
        expected: what the target gives for the test window, where that is not the detector's
            result in floating point: names and numbers.
    """

    title: str
    about: str
    examples: dict[str, str]
    expected: dict[str, Any] | None = None


def optional(name: str) -> Any:
    """A module of the extra ``device``.

    Raises:
        AtomicVADError: it is not installed.
    """
    try:
        return import_module(name)
    except ImportError:
        raise AtomicVADError(f"{name}: not installed; pip install 'atomicvad[device]'") from None


def sample_window() -> np.ndarray:
    """The window of all test vectors, int16 ``[10080]``, made in integers.

    Two sawtooths (160 and 800 Hz) swell and fade four times over noise of a congruential
    generator: no two libraries can round it differently.
    """
    n = np.arange(WINDOW_SAMPLES, dtype=np.int64)
    place = n % SYLLABLE
    swell = np.minimum(place, SYLLABLE - place)
    tone = (n % 100 - 50) * 120 + (n % 20 - 10) * 400
    noise = np.empty_like(n)
    state = 1
    for number in range(WINDOW_SAMPLES):
        state = (1664525 * state + 1013904223) % 2**32
        noise[number] = (state >> 24) - 128
    return (tone * swell // (SYLLABLE // 2) + noise).astype(np.int16)
