"""A store of recordings that is being decoded, and can go on where it was stopped."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from atomicvad.journal import Journal


class UnfinishedStore:
    """Samples as they are decoded, and what became of every recording, in two files.

    ``.samples.i16.part`` holds the samples, ``.recordings.part`` a ``Journal``: an entry is written
    after its samples. At the start every digest is checked, and what does not agree is cut off, so
    that even a crash of the machine leaves nothing wrong behind.

    Args:
        folder: of the store.
        fingerprint: of what the recordings come from; none: nothing of an earlier attempt is used.

    Attributes:
        rows: of the recordings kept, as the store's table has them.
        copies: how many were exact copies.
        bad: why others cannot be used, a line each.
        position: samples so far.
    """

    def __init__(self, folder: Path, fingerprint: str):
        self.path = Path(folder) / ".samples.i16.part"
        self.journal = Journal(Path(folder) / ".recordings.part", fingerprint)
        self.journal.keep(sum(1 for _ in self._checked()) if fingerprint else 0)
        self.rows: list[dict] = []
        self.bad: list[str] = []
        self.copies = self.position = 0
        self._digests: set[str] = set()
        self._counted = 0
        self._samples: BinaryIO | None = None

    def _checked(self) -> Iterator[dict]:
        """Entries of an earlier attempt, up to the first whose samples are not there."""
        if not self.path.is_file():
            return
        with open(self.path, "rb") as samples:
            for entry in self.journal.entries:
                if row := entry.get("row"):
                    data = samples.read(2 * row["samples"])
                    if hashlib.sha256(data).hexdigest() != row["sha256"]:
                        return
                yield entry

    def knows(self, recording: str) -> bool:
        """Whether the next recording was handled in an earlier attempt; if so, it is counted in."""
        if self._counted < len(self.journal.entries):
            entry = self.journal.entries[self._counted]
            if entry["recording"] == recording:
                self._count(entry)
                return True
            self.journal.keep(self._counted)
        return False

    def _count(self, entry: dict) -> None:
        self._counted += 1
        if row := entry.get("row"):
            self.rows.append(row)
            self._digests.add(row["sha256"])
            self.position += row["samples"]
        elif "bad" in entry:
            self.bad.append(entry["bad"])
        else:
            self.copies += 1

    def _open(self) -> BinaryIO:
        """The samples, without those that have no entry, open for more."""
        if self._samples is None:
            self.journal.keep(self._counted)
            self.path.touch()
            self._samples = open(self.path, "r+b")  # noqa: SIM115
            self._samples.truncate(2 * self.position)
            self._samples.seek(2 * self.position)
        return self._samples

    def add(self, fields: dict[str, str], samples: np.ndarray) -> None:
        """A decoded recording, int16: kept, unless its like has been seen."""
        file, data = self._open(), samples.tobytes()
        digest = hashlib.sha256(data).hexdigest()
        entry: dict = {"recording": fields["recording"]}
        if digest not in self._digests:
            place = {"start": self.position, "samples": len(samples), "sha256": digest}
            entry["row"] = fields | place
            file.write(data)
            file.flush()
        self._write(entry)

    def refuse(self, recording: str, reason: str) -> None:
        """A recording that cannot be used."""
        self._open()
        self._write({"recording": recording, "bad": reason})

    def _write(self, entry: dict) -> None:
        self.journal.add(entry)
        self._count(entry)

    def finish(self, samples: Path) -> None:
        """All recordings are handled: move the samples into place."""
        self._open()
        self.close()
        self.path.replace(samples)
        self.journal.remove()

    def close(self) -> None:
        """Close both files."""
        self.journal.close()
        if self._samples is not None:
            self._samples.close()
            self._samples = None
