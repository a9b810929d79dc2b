"""A label file of any format, its rows checked against each other."""

from collections.abc import Callable, Iterable
from pathlib import Path

from atomicvad.corpora.labels.rttm import read_rttm
from atomicvad.corpora.labels.segment import Segment, read_text
from atomicvad.corpora.labels.spans import CLOSE
from atomicvad.corpora.labels.tables import is_json_labels, read_csv, read_json_lines
from atomicvad.corpora.labels.text_grid import read_text_grid
from atomicvad.corpora.labels.tracks import is_track, read_audacity, read_lab
from atomicvad.errors import AtomicVADError

READERS: dict[str, Callable[[Path, str], Iterable[Segment]]] = {
    ".csv": read_csv,
    ".tsv": read_csv,
    ".rttm": read_rttm,
    ".txt": read_audacity,
    ".lab": read_lab,
    ".textgrid": read_text_grid,
    ".json": read_json_lines,
    ".jsonl": read_json_lines,
}
SUFFIXES = (".csv", ".tsv", ".rttm", ".txt", ".lab", ".TextGrid", ".json", ".jsonl")
SPEECH_ONLY = (".rttm", ".txt")  # formats in which a file without a label means no speech
# Suffixes that files of another purpose bear, too, and whether a text is one of labels.
AMBIGUOUS = {
    ".txt": is_track,
    ".lab": is_track,
    ".json": is_json_labels,
    ".jsonl": is_json_labels,
}


def is_label_file(path: Path) -> bool:
    """Whether a file is one of labels by its suffix and, as for ``.txt``, its content.

    A transcript is not; a label track with a mistake in it is.

    Raises:
        AtomicVADError: a file that cannot be read.
    """
    suffix = path.suffix.lower()
    is_meant = AMBIGUOUS.get(suffix)
    return suffix in READERS and (is_meant is None or is_meant(read_text(path)))


def read_segments(path: Path) -> list[Segment]:
    """The labelled segments of a label file, in order of time; overlapping ones agree.

    Raises:
        AtomicVADError: another format, an impossible time, overlapping labels that differ, an
            unknown label, or no label with a length; names ``file:line``.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in READERS:
        raise AtomicVADError(f"{path}: expected a label file ({', '.join(SUFFIXES)})")
    segments = sorted(READERS[suffix](path, read_text(path)), key=lambda segment: segment[:2])
    labels = [segment for segment in segments if segment[2] is not None]
    if not labels and suffix in SPEECH_ONLY:
        # Of no length: ``fill`` labels everything as no speech.
        return [Segment(0.0, 0.0, True, f"{path}:1"), *segments]
    if not labels:
        raise AtomicVADError(f"{path}: no labels in it")
    if all(end == start for start, end, _ in labels):
        raise AtomicVADError(
            f"{labels[0].where}: expected labels with a duration, found only points"
        )
    _require_agreement(labels)
    return segments


def _require_agreement(labels: list[Segment]) -> None:
    """No moment is labelled as speech and as no speech, by whichever two rows."""
    furthest: dict[bool | None, Segment] = {}  # of each label, the one that ends last
    for segment in labels:
        start, end, speech = segment
        if end == start:
            continue
        other = furthest.get(not speech)
        if other and start < other[1] - CLOSE:
            line = other.where.rpartition(":")[2]
            raise AtomicVADError(
                f"{segment.where}: speech and no speech overlap at {start:.3f} s (line {line})"
            )
        if speech not in furthest or end > furthest[speech][1]:
            furthest[speech] = segment
