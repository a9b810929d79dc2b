"""What a corpus module provides: recordings, files of a folder, and a description."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Recording:
    """One recording and its metadata.

    Attributes:
        recording: unique name, with ``/`` as separator.
        label: ``speech`` or ``background``.
        kind: ``speech``, ``noise`` or ``music``.
        language, speaker, source: empty if unknown.
        split: ``training``, ``validation`` or ``testing``.
        load: returns the bytes of an audio file, or a float waveform at 16 kHz.
        segments: ``(start, end, speech)`` in s, where a label file marks the speech.
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
        """All attributes but ``load`` and ``segments``: the columns of a store's table."""
        return {n: value for n, value in vars(self).items() if n not in ("load", "segments")}


@dataclass(frozen=True)
class Entry:
    """A file of a corpus and its metadata; ``path`` is relative to the corpus' folder, with ``/``.

    ``kind`` is ``speech``, ``noise`` or ``music``; ``segments`` as in ``Recording``.
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
    """Description of a corpus, for listings and messages."""

    title: str
    size: str
    license: str
    home: str
    layout: str  # of its folder
