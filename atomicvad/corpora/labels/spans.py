"""Labelled segments of a recording fitted to its audio: each moment once, within its length."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator

from atomicvad.corpora.labels.segment import Segment
from atomicvad.errors import AtomicVADError

TOLERANCE = 0.5  # s past the end of the audio that rounding explains; they are cut
ROUNDING = 0.01  # s that nobody needs to hear of
LITTLE = 0.02  # share of a recording; labels that cover less are doubtful
Span = tuple[float, float, bool | None]  # start, end (s), speech
CLOSE = 1e-6  # s; times that differ by less are the same


def fill(segments: Iterable[Span], seconds: float, rate: int = 0) -> list[Segment]:
    """Segments within ``seconds``, each moment in one; if only speech is labelled, with the gaps.

    Overlapping segments of one label, such as speakers' turns, become one. Where only speech is
    labelled, what lies between is no speech. What may not be scored is in none.

    Args:
        segments: as of ``read_segments``; or plain tuples, of which errors name no line.
        seconds: length of the audio.
        rate: of the audio file in Hz, to name the likely cause of times past the end.

    Raises:
        AtomicVADError: a segment that lies past the end, or nothing that is labelled; names
            ``file:line``.
    """
    placed = [s if isinstance(s, Segment) else Segment(*s, where="labels") for s in segments]
    labels = [segment for segment in placed if segment[2] is not None]
    for segment in sorted(labels):
        if segment[1] > seconds + TOLERANCE or segment[0] > seconds + ROUNDING:
            cause = _likely_cause(max(end for _, end, _ in labels), seconds, rate)
            raise AtomicVADError(
                f"{segment.where}: {segment[0]:.10g} to {segment[1]:.10g} s: past the end of the "
                f"audio, which has {seconds:.2f} s{cause}"
            )
    cut = [Segment(s[0], min(s[1], seconds), s[2], s.where) for s in labels]
    speech = union(segment for segment in cut if segment[2])
    others = union(segment for segment in cut if not segment[2])
    if labels and all(speech for _, _, speech in labels):
        others = list(subtract([Segment(0.0, seconds, False)], speech))
    closed = [segment for segment in placed if segment[2] is None]
    spans = sorted(subtract(speech + others, closed))
    if not spans:
        place = placed[0].where if placed else "labels"
        raise AtomicVADError(f"{place}: nothing of the {seconds:.2f} s of audio is labelled")
    return spans


def remarks(segments: Iterable[Segment], seconds: float) -> list[str]:
    """What is doubtful in labels that ``fill`` takes: one line each, beginning with ``file:line``.

    Spans of no length, ends that are cut, and labels that cover next to nothing of the recording.
    """
    labels = [segment for segment in segments if segment[2] is not None]
    found = []
    for segment in labels:
        start, end, _ = segment
        if end == start and len(labels) == 1:
            found.append(f"{segment.where}: no label in it: all is taken as no speech")
        elif end == start:
            found.append(f"{segment.where}: a span of no length at {start:.10g} s: passed over")
        elif end > seconds + ROUNDING:
            found.append(
                f"{segment.where}: {end - seconds:.3f} s past the end of the audio, which has "
                f"{seconds:.2f} s: cut"
            )
    covered = sum(
        min(end, seconds) - start
        for group in (True, False)
        for start, end, _ in union(segment for segment in labels if segment[2] == group)
    )
    if 0 < covered < LITTLE * seconds:
        place = labels[0].where.rpartition(":")[0]
        found.append(
            f"{place}: its labels cover {covered:.3f} s of {seconds:.2f} s"
            + (": the rest is taken as no speech" * all(segment[2] for segment in labels))
        )
    return found


def union(segments: Iterable[Segment]) -> list[Segment]:
    """Segments of one label in order of time; those that overlap become one, touching ones stay.

    Segments of no length are left out.
    """
    merged: list[Segment] = []
    for segment in sorted(segments):
        start, end, speech = segment
        if end <= start:
            continue
        if merged and start < merged[-1][1] - CLOSE:
            last = merged[-1]
            merged[-1] = Segment(last[0], max(last[1], end), speech, last.where)
        else:
            merged.append(segment)
    return merged


def subtract(segments: Iterable[Segment], others: Iterable[Segment]) -> Iterator[Segment]:
    """Segments without the moments that lie in any of ``others``."""
    away = union(others)
    ends = [end for _, end, _ in away]
    for segment in segments:
        position, end, speech = segment
        index = bisect_right(ends, position)
        while index < len(away) and away[index][0] < end:
            if away[index][0] > position + CLOSE:
                yield Segment(position, away[index][0], speech, segment.where)
            position = max(position, away[index][1])
            index += 1
        if end > position + CLOSE:
            yield Segment(position, end, speech, segment.where)


def _likely_cause(last: float, seconds: float, rate: int) -> str:
    """The units in which the last time would lie in the audio, and not near its beginning."""
    units = {
        "milliseconds": 1000,
        f"samples at {rate} Hz": rate,
        "frames of 10 ms": 100,
        "microseconds": 1_000_000,
        "HTK's units of 100 ns": 10_000_000,
    }
    fitting = {
        factor: name
        for name, factor in units.items()
        if factor and 0.1 * seconds <= last / factor <= seconds + TOLERANCE
    }
    if not fitting:
        return ""
    named = (f"{fitting[factor]} (a factor of {factor:,})" for factor in sorted(fitting))
    return f"; expected seconds, are these {' or '.join(named)}?"
