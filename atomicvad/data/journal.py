"""What of a store is done: a line for every recording, so that a stopped decoding goes on."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path


class Journal:
    """Samples as they are decoded, and what became of every recording, in two files beside them.

    ``.samples.i16.part`` holds the samples, ``.recordings.part`` a line of JSON a recording. A line
    is written after its samples; at the start every digest is checked, and what does not agree is
    cut off, so that even a crash of the machine leaves nothing wrong behind.

    Attributes:
        rows: of the recordings kept, as the store's table has them.
        copies: how many were exact copies.
        bad: what was said of those that cannot be used.
        position: samples so far.
    """

    def __init__(self, folder: Path, fingerprint: str):
        self.samples = Path(folder) / ".samples.i16.part"
        self.lines = Path(folder) / ".recordings.part"
        self.rows: list[dict] = []
        self.bad: list[str] = []
        self.seen: set[str] = set()
        self.copies = self.position = 0
        self.earlier = list(self._read(fingerprint)) if fingerprint else []
        if not self.earlier:
            self.lines.write_text(json.dumps(fingerprint) + "\n", encoding="utf-8")
        self.handled, self._files = 0, ()

    def _read(self, fingerprint: str) -> Iterator[dict]:
        """Entries of an earlier attempt at the same store, as far as they can be trusted."""
        if not (self.lines.is_file() and self.samples.is_file()):
            return
        with (
            open(self.lines, encoding="utf-8", errors="replace") as lines,
            open(self.samples, "rb") as samples,
        ):
            if _json(next(lines, "")) != fingerprint:
                return
            for line in lines:
                entry = _json(line)
                if not isinstance(entry, dict) or not line.endswith("\n"):
                    return
                if row := entry.get("row"):
                    data = samples.read(2 * row["samples"])
                    if hashlib.sha256(data).hexdigest() != row["sha256"]:
                        return
                yield entry

    def knows(self, recording: str) -> bool:
        """Whether the next recording has been handled before; if so, it is counted in."""
        if self.handled < len(self.earlier):
            entry = self.earlier[self.handled]
            if entry["recording"] == recording:
                self.handled += 1
                self._count(entry)
                return True
            self.earlier = self.earlier[: self.handled]
        return False

    def _count(self, entry: dict) -> None:
        if row := entry.get("row"):
            self.rows.append(row)
            self.seen.add(row["sha256"])
            self.position += row["samples"]
        elif "bad" in entry:
            self.bad.append(entry["bad"])
        else:
            self.copies += 1

    def begin(self) -> None:
        """Cut off what is not known, and open both files for more."""
        if self._files:
            return
        head = self.lines.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
        self.lines.write_text("".join(head[: 1 + self.handled]), encoding="utf-8")
        self.samples.touch()
        self._files = self.lines.open("a", encoding="utf-8"), self.samples.open("r+b")
        self._files[1].truncate(2 * self.position)
        self._files[1].seek(2 * self.position)

    def add(self, fields: dict, samples) -> None:
        """A decoded recording: kept, unless its like has been seen."""
        self.begin()
        data = samples.tobytes()
        digest = hashlib.sha256(data).hexdigest()
        entry = {"recording": fields["recording"]}
        if digest not in self.seen:
            place = {"start": self.position, "samples": len(samples), "sha256": digest}
            entry["row"] = fields | place
            self._files[1].write(data)
            self._files[1].flush()
        self._write(entry)

    def refuse(self, recording: str, reason: str) -> None:
        """A recording that cannot be used."""
        self._write({"recording": recording, "bad": reason})

    def _write(self, entry: dict) -> None:
        self.begin()
        self._count(entry)
        self._files[0].write(json.dumps(entry) + "\n")
        self._files[0].flush()

    def close(self) -> None:
        for file in self._files:
            file.close()
        self._files = ()


def _json(line: str):
    try:
        return json.loads(line)
    except ValueError:
        return None
