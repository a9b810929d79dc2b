"""Label files of several formats, read as labelled segments of a recording and checked against it.

A module a format reads the file (``tables``, ``rttm``, ``tracks``, ``text_grid``), ``reading``
checks its rows against each other, and ``spans`` fits them to the length of the audio.
"""

from atomicvad.corpora.labels.reading import SUFFIXES, is_label_file, read_segments
from atomicvad.corpora.labels.rttm import read_turns
from atomicvad.corpora.labels.segment import Segment, read_text
from atomicvad.corpora.labels.spans import fill, remarks
from atomicvad.corpora.labels.words import is_speech

__all__ = [
    "SUFFIXES",
    "Segment",
    "fill",
    "is_label_file",
    "is_speech",
    "read_segments",
    "read_text",
    "read_turns",
    "remarks",
]
