"""Corpora: a module each.

Those that a profile's ``corpus`` names (``CORPORA``) give ``recordings() -> Iterator[Recording]``.
Those of ``sources`` and ``test`` (``NAMED``) lie in a folder of the user's and give ``ABOUT`` and
``entries(folder, source, seed) -> Iterator[Entry]``.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import get_args

import numpy as np

from atomicvad.config import Corpus
from atomicvad.errors import AtomicVADError

CORPORA = {"smoke": "generated", "open": "open"}  # corpus -> module
NAMED = get_args(Corpus)


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
        segments: ``(start, end, speech)`` in s, where a label file says what is speech.
    """

    recording: str
    label: str
    kind: str
    language: str
    speaker: str
    source: str
    split: str
    load: Callable[[], bytes | np.ndarray] = field(repr=False)
    segments: tuple = field(default=(), repr=False)

    def fields(self) -> dict[str, str]:
        """All but ``load`` and ``segments``: the columns of a store's table."""
        return {n: value for n, value in vars(self).items() if n not in ("load", "segments")}


@dataclass(frozen=True)
class Entry:
    """A file of a corpus' folder and what it is; ``path`` is relative to the folder, with ``/``.

    ``kind`` is ``speech``, ``noise`` or ``music``; ``segments`` as of ``Recording``.
    """

    path: str
    kind: str
    split: str
    language: str = ""
    speaker: str = ""
    source: str = ""
    segments: tuple = field(default=(), repr=False)


@dataclass(frozen=True)
class About:
    """A corpus in a few words, for those who look for one."""

    title: str
    size: str
    license: str
    home: str
    layout: str  # of its folder


def get_corpus(name: str) -> ModuleType:
    """The module of a corpus.

    Raises:
        AtomicVADError: no such corpus.
    """
    modules = CORPORA | dict(zip(NAMED, NAMED, strict=True))
    if name not in modules:
        raise AtomicVADError(f"corpus: expected one of {', '.join(modules)}; got {name!r}")
    return importlib.import_module(f"{__name__}.{modules[name]}")
