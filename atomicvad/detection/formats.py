"""Files of segments: JSON, CSV, RTTM, Praat's TextGrid, Audacity's label track, SRT, WebVTT.

Times are written in whole milliseconds, within the recording; a segment that is shorter than half
of one is left out.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import PurePath

from atomicvad.detection.segment import Segment
from atomicvad.files import as_field, as_text

LABEL = "speech"
RTTM_LINE = "SPEAKER {file} 1 {start} {length} <NA> <NA> {label} <NA> <NA>\n"


@dataclass(frozen=True)
class Detections:
    """What was found in one recording.

    Attributes:
        file: its name or path.
        duration: in s.
        segments: in order of time; they may touch, but do not overlap.
    """

    file: str
    duration: float
    segments: Sequence[Segment]


@dataclass(frozen=True)
class Format:
    """A format of files of segments.

    Attributes:
        suffix: of its files.
        several: whether a file can hold several recordings.
        write: from a list of recordings (of one, unless ``several``) to the text of a file, which
            is to be written as UTF-8 with the line ends as they are.
    """

    suffix: str
    several: bool
    write: Callable[[Sequence[Detections]], str]


def timestamps(segments: Sequence[Segment], rate: int | None = None) -> list[dict[str, float]]:
    """Segments as a list of dictionaries, as Silero's ``get_speech_timestamps`` returns them.

    Args:
        segments: in any order.
        rate: in Hz; then times are samples (whole numbers) of a recording of that rate.

    >>> timestamps([Segment(0.25, 1.5, 0.9, 0.99)])
    [{'start': 0.25, 'end': 1.5}]
    >>> timestamps([Segment(0.25, 1.5, 0.9, 0.99)], rate=8000)
    [{'start': 2000, 'end': 12000}]
    """

    def time(seconds: float) -> float:
        return round(seconds, 3) if rate is None else round(seconds * rate)

    return [{"start": time(one.start), "end": time(one.end)} for one in segments]


def _spans(found: Detections) -> Iterator[tuple[int, int, Segment]]:
    """Start and end in ms, within the recording, and the segment."""
    last = _length(found)
    for segment in found.segments:
        start, end = (min(max(0, round(1000 * at)), last) for at in (segment.start, segment.end))
        if start < end:
            yield start, end, segment


def _length(found: Detections) -> int:
    """Whole milliseconds of a recording; 1e-6 is the rounding of a quotient of samples."""
    return int(1000 * found.duration + 1e-6)


def _seconds(milliseconds: int) -> Decimal:
    """Seconds with three decimals."""
    return Decimal(milliseconds).scaleb(-3)


def _json(recordings: Sequence[Detections]) -> str:
    """A list of objects: ``file``, ``duration``, ``segments`` (``start, end, mean, peak``)."""
    found = [
        {
            "file": as_text(one.file),
            "duration": _length(one) / 1000,
            "segments": [
                {
                    "start": start / 1000,
                    "end": end / 1000,
                    "mean": round(float(segment.mean), 4),
                    "peak": round(float(segment.peak), 4),
                }
                for start, end, segment in _spans(one)
            ],
        }
        for one in recordings
    ]
    return json.dumps(found, ensure_ascii=False, indent=2) + "\n"


def _csv(recordings: Sequence[Detections]) -> str:
    """A row a segment: ``file, start, end, label, mean, peak``."""
    text = io.StringIO(newline="")
    # Texts in quotes: then whatever is in a name stays in its field.
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    writer.writerow(["file", "start", "end", "label", "mean", "peak"])
    for one in recordings:
        for start, end, segment in _spans(one):
            scores = (Decimal(f"{score:.4f}") for score in (segment.mean, segment.peak))
            times = _seconds(start), _seconds(end)
            writer.writerow([as_text(one.file), *times, LABEL, *scores])
    return text.getvalue()


def _rttm(recordings: Sequence[Detections]) -> str:
    """A line of type SPEAKER a segment; of the recording's name what tells it from the others."""
    lines = []
    for one, file in zip(recordings, _file_ids([one.file for one in recordings]), strict=True):
        for start, end, _ in _spans(one):
            times = {"start": _seconds(start), "length": _seconds(end - start)}
            lines.append(RTTM_LINE.format(file=file, label=LABEL, **times))
    return "".join(lines)


def _file_ids(names: Sequence[str]) -> list[str]:
    """Names without folder and suffix where these differ, else more of them; without blanks."""
    ids: list[str] = []
    for part in (
        lambda name: PurePath(name).stem,
        lambda name: str(PurePath(name).with_suffix("")) if PurePath(name).name else name,
        str,
    ):
        ids = [as_field(part(name)) for name in names]
        if len(set(ids)) == len(ids):
            return ids
    return [f"{number}_{one}" for number, one in enumerate(ids, start=1)]  # "a b" and "a_b"


def _text_grid(found: Detections) -> str:
    """Praat's long form: one tier, whose intervals are ``speech`` or empty."""
    intervals, at, last = [], 0, max(1, _length(found))  # Praat refuses what has no length
    for start, end, _ in _spans(found):
        intervals += [(at, start, "")] * (at < start) + [(start, end, LABEL)]
        at = end
    intervals += [(at, last, "")] * (at < last)
    bounds = f"xmin = 0\nxmax = {_seconds(last)}\n"
    tier = f'class = "IntervalTier"\nname = "{LABEL}"\n{bounds}intervals: size = {len(intervals)}\n'
    for number, (start, end, label) in enumerate(intervals, start=1):
        times = f"xmin = {_seconds(start)}\n    xmax = {_seconds(end)}\n"
        tier += f'intervals [{number}]:\n    {times}    text = "{label}"\n'
    head = f'File type = "ooTextFile"\nObject class = "TextGrid"\n\n{bounds}tiers? <exists>\n'
    body = "".join(f"        {line}\n" for line in tier.splitlines())
    return f"{head}size = 1\nitem []:\n    item [1]:\n{body}"


def _audacity(found: Detections) -> str:
    """A label track: start, end and label between tabs."""
    spans = _spans(found)
    return "".join(f"{_seconds(start)}\t{_seconds(end)}\t{LABEL}\n" for start, end, _ in spans)


def _srt(found: Detections) -> str:
    """Subtitles, numbered from 1 on."""
    return "\n".join(
        f"{number}\n{_clock(start, ',')} --> {_clock(end, ',')}\n{LABEL}\n"
        for number, (start, end, _) in enumerate(_spans(found), start=1)
    )


def _vtt(found: Detections) -> str:
    """Subtitles of the web."""
    spans = _spans(found)
    cues = [f"{_clock(start, '.')} --> {_clock(end, '.')}\n{LABEL}\n" for start, end, _ in spans]
    return "\n".join(["WEBVTT\n", *cues])


def _clock(milliseconds: int, point: str) -> str:
    """Hours, minutes, seconds and milliseconds.

    >>> _clock(3_723_004, ",")
    '01:02:03,004'
    """
    seconds, thousandths = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{point}{thousandths:03}"


def _of_one(write: Callable[[Detections], str]) -> Callable[[Sequence[Detections]], str]:
    def write_one(recordings: Sequence[Detections]) -> str:
        (found,) = recordings
        return write(found)

    return write_one


FORMATS = {
    "json": Format(".json", True, _json),
    "csv": Format(".csv", True, _csv),
    "rttm": Format(".rttm", True, _rttm),
    "textgrid": Format(".TextGrid", False, _of_one(_text_grid)),
    "audacity": Format(".txt", False, _of_one(_audacity)),
    "srt": Format(".srt", False, _of_one(_srt)),
    "vtt": Format(".vtt", False, _of_one(_vtt)),
}
