"""What a corpus gives: recordings, files of a folder, and a few words about itself."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np


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
