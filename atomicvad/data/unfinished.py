"""A store of recordings while it is decoded; an interrupted decoding can be resumed."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from atomicvad.errors import AtomicVADError
from atomicvad.files import RECORDINGS, SAMPLES
from atomicvad.journal import Journal

# Of a store that is being decoded.
SAMPLES_PART = f".{SAMPLES}.part"
OUTCOMES_PART = f".{Path(RECORDINGS).stem}.part"


class UnfinishedStore:
    """Decoded samples, and the outcome of every recording, in two files.

    ``.samples.i16.part`` holds the samples, ``.recordings.part`` a ``Journal``; an entry is written
    after its samples. At the start all digests are verified, and everything from the first wrong
    one on is cut off, so that even a crash of the machine does no harm.

    Args:
        folder: of the store.
        fingerprint: of the recordings' origin; if empty, an earlier attempt is not resumed.

    Attributes:
        rows: of the store's table, for the recordings that are kept.
        copies: number of exact copies.
        bad: why recordings cannot be used, a line each.
        position: number of samples so far.
    """

    def __init__(self, folder: Path, fingerprint: str):
        self.path = Path(folder) / SAMPLES_PART
        self.journal = Journal(Path(folder) / OUTCOMES_PART, fingerprint)
        self.journal.keep(sum(1 for _ in self._checked()) if fingerprint else 0)
        self.rows: list[dict] = []
        self.bad: list[str] = []
        self.copies = self.position = 0
        self._digests: set[str] = set()
        self._names: set[str] = set()
        self._counted = 0
        self._samples: BinaryIO | None = None

    def _checked(self) -> Iterator[dict]:
        """Entries of an earlier attempt, up to the first whose samples are missing or wrong."""
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
        """Whether an earlier attempt has the next recording; if so, its entry is used."""
        if self._counted < len(self.journal.entries):
            entry = self.journal.entries[self._counted]
            if entry["recording"] == recording:
                self._count(entry)
                return True
            self.journal.keep(self._counted)
        return False

    def _count(self, entry: dict) -> None:
        if entry["recording"] in self._names:
            raise AtomicVADError(f"two recordings are called {entry['recording']}")
        self._names.add(entry["recording"])
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
        """The file of samples, cut to those with an entry and open for writing."""
        if self._samples is None:
            self.journal.keep(self._counted)
            self.path.touch()
            self._samples = open(self.path, "r+b")  # noqa: SIM115
            self._samples.truncate(2 * self.position)
            self._samples.seek(2 * self.position)
        return self._samples

    def add(self, fields: dict[str, str], samples: np.ndarray) -> None:
        """Add a decoded recording (int16), unless it is a copy of an earlier one."""
        file, data = self._open(), samples.tobytes()
        digest = hashlib.sha256(data).hexdigest()
        entry: dict = {"recording": fields["recording"]}
        if digest not in self._digests:
            position = {"start": self.position, "samples": len(samples), "sha256": digest}
            entry["row"] = fields | position
            file.write(data)
            file.flush()
        self._write(entry)

    def refuse(self, recording: str, reason: str) -> None:
        """Record that a recording cannot be used."""
        self._open()
        self._write({"recording": recording, "bad": reason})

    def _write(self, entry: dict) -> None:
        self.journal.add(entry)
        self._count(entry)

    def finish(self, samples: Path) -> None:
        """Move the samples into place; all recordings are done."""
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
