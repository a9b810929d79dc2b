"""Tables of segments: CSV in its kinds, and NeMo's JSON Lines."""

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from atomicvad.corpora.labels.segment import Segment, lines, row, times
from atomicvad.errors import AtomicVADError

# Names of columns, in lower case and without a unit. ``offset`` is an end beside an onset, and a
# start beside a duration.
COLUMNS = {
    "start": ("start", "begin", "onset", "from", "tmin", "xmin", "start_time", "begin_time"),
    "end": ("end", "stop", "to", "tmax", "xmax", "end_time", "stop_time"),
    "duration": ("duration", "dur", "length"),
    "offset": ("offset",),
    "label": ("label", "labels", "class", "event_label", "annotation", "value", "type"),
    "file": ("file", "filename", "file_name", "recording", "audio", "audio_filepath", "path"),
}
ROLE_OF = {name: role for role, names in COLUMNS.items() for name in names}
ROLE_OF |= {name.replace("_", ""): role for name, role in ROLE_OF.items()}
UNIT = re.compile(r"_(s|secs?|seconds?|ms|msecs?|milliseconds?)$")


def read_csv(path: Path, text: str) -> Iterator[Segment]:
    """The rows of a table: ``start,end,label`` in this order, or as a header names them.

    Between fields may stand commas, semicolons or tabs; between semicolons and tabs, times may
    have a decimal comma. A header may also name a duration, a unit (``start_ms``), the recording,
    and columns that say nothing here.

    Raises:
        AtomicVADError: a malformed line, an unknown label, or another recording; names
            ``file:line``.
    """
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = next((sign for sign in "\t;" if sign in first), ",")
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True
    )
    columns: dict[str, int] = {"start": 0, "end": 1, "label": 2}
    scales: list[float] = [1.0, 1.0, 1.0]
    is_first = True
    try:
        for cells in reader:
            fields, where = [cell.strip() for cell in cells], f"{path}:{reader.line_num}"
            if not any(fields):
                continue
            if is_first:
                is_first = False
                if header := _header(fields, where):
                    columns, scales = header
                    continue
            if len(fields) != len(scales):
                named = ",".join(columns) if len(scales) == 3 else f"{len(scales)} fields"
                raise AtomicVADError(f"{where}: expected {named}; got {len(fields)} fields")
            if "file" in columns:
                _require(fields[columns["file"]], path, where)
            second = "end" if "end" in columns else "duration"
            a, b = (fields[columns[name]] for name in ("start", second))
            start, end = times(a, b, where, decimal_comma=delimiter != ",")
            start, end = start * scales[columns["start"]], end * scales[columns[second]]
            end += start if second == "duration" else 0.0
            yield row(start, end, fields[columns["label"]], where)
    except csv.Error as error:
        raise AtomicVADError(f"{path}:{reader.line_num}: not a table ({error})") from None


def _header(fields: list[str], where: str) -> tuple[dict[str, int], list[float]] | None:
    """The place of each column that says something, and of all the unit in s; or no header."""
    names = [re.sub(r"[^a-z0-9]+", "_", field.lower()).strip("_") for field in fields]
    units = [UNIT.search(name) for name in names]
    roles = [ROLE_OF.get(UNIT.sub("", name), "") for name in names]
    if not {"start", "offset"} & set(roles):
        return None
    if "start" not in roles:
        roles = ["start" if role == "offset" else role for role in roles]
    elif not {"end", "duration"} & set(roles):
        roles = ["end" if role == "offset" else role for role in roles]
    counts = {role: roles.count(role) for role in COLUMNS}
    spans = counts["end"] + counts["duration"]
    if (
        any(counts[role] != 1 for role in ("start", "label"))
        or not spans
        or max(counts.values()) > 1
    ):
        raise AtomicVADError(
            f"{where}: expected the columns start, end, label (or duration for end), each once"
        )
    scales = [0.001 if unit and unit[1].startswith("m") else 1.0 for unit in units]
    return {role: place for place, role in enumerate(roles) if role}, scales


def is_json_labels(text: str) -> bool:
    """Whether a text is meant as JSON Lines of segments: its first line names a recording."""
    first = next((line for line in text.splitlines() if line.strip()), "").strip()
    return first.startswith("{") and '"audio_filepath"' in first and '"label"' in first


def read_json_lines(path: Path, text: str) -> Iterator[Segment]:
    """The segments of one recording in NeMo's manifest: ``offset``, ``duration``, ``label``.

    Raises:
        AtomicVADError: a malformed line, an unknown label, or another recording; names
            ``file:line``.
    """
    for where, line in lines(path, text):
        try:
            fields = json.loads(line)
        except (ValueError, RecursionError):
            fields = None
        if not isinstance(fields, dict):
            raise AtomicVADError(f"{where}: expected an object in JSON")
        for name in ("audio_filepath", "offset", "duration", "label"):
            if type(fields.get(name)) not in (str, int, float):
                raise AtomicVADError(f"{where}: expected {name}, a text or a number")
        _require(str(fields["audio_filepath"]), path, where)
        start, length = times(str(fields["offset"]), str(fields["duration"]), where)
        yield row(start, start + length, str(fields["label"]), where)


def _require(recording: str, path: Path, where: str) -> None:
    name = PurePosixPath(recording.replace("\\", "/")).name
    if path.stem not in (name, name.rpartition(".")[0]):
        raise AtomicVADError(
            f"{where}: expected the recording {path.stem[:60]!r}, got {recording[:40]!r}"
        )
