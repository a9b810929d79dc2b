"""Recordings by corpus: a module each, all with ``recordings() -> list[Recording]``."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType

import numpy as np

from atomicvad.errors import AtomicVADError

CORPORA = {"smoke": "generated", "open": "open"}  # corpus -> module


@dataclass(frozen=True)
class Recording:
    """One recording and where it belongs.

    Attributes:
        recording: unique name, with ``/``.
        label: ``speech`` or ``background``.
        kind: ``speech``, ``noise`` or ``music``.
        language, speaker, source: empty where there is none.
        split: ``training``, ``validation`` or ``testing``.
        load: gives the bytes of an audio file, or a float waveform at 16 kHz.
    """

    recording: str
    label: str
    kind: str
    language: str
    speaker: str
    source: str
    split: str
    load: Callable[[], bytes | np.ndarray] = field(repr=False)

    def fields(self) -> dict[str, str]:
        """All but ``load``: the columns of a store's table."""
        return {name: value for name, value in vars(self).items() if name != "load"}


def get_corpus(name: str) -> ModuleType:
    """The module of a corpus.

    Raises:
        AtomicVADError: no such corpus.
    """
    if name not in CORPORA:
        raise AtomicVADError(f"corpus: expected one of {', '.join(CORPORA)}; got {name!r}")
    return importlib.import_module(f"{__name__}.{CORPORA[name]}")
