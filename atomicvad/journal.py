"""A log of finished pieces of work, from which a stopped command continues."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

from atomicvad.files import replacing


class Journal:
    """JSON lines that grow piece by piece, below a first line with what they depend on.

    A line is on disk before the next piece begins. What cannot be trusted is cut off: lines of
    other work, and everything from the first damaged line on.

    Args:
        path: of the log; its folder is made when the first entry is added.
        key: what the work depends on, as JSON; a log of another key is begun anew.

    Attributes:
        entries: of earlier attempts and of this one, in order.
    """

    def __init__(self, path: Path, key: Any):
        self.path, self.key = Path(path), key
        self.entries: list[Any] = list(self._read())
        self._file: TextIO | None = None

    def _read(self) -> Iterable[Any]:
        if not self.path.is_file():
            return
        with open(self.path, encoding="utf-8", errors="replace") as lines:
            if _parsed(next(lines, "")) != self.key:
                return
            for line in lines:
                entry = _parsed(line)
                if entry is None:
                    return
                yield entry

    def keep(self, count: int) -> None:
        """Forget all entries but the first ``count``."""
        self.close()
        del self.entries[count:]

    def add(self, *entries: Any) -> None:
        """Write entries to the end of the log, at once."""
        if self._file is None:
            self._write()
            self._file = open(self.path, "a", encoding="utf-8")  # noqa: SIM115
        self.entries += entries
        self._file.writelines(map(_line, entries))
        self._file.flush()

    def replace(self, entries: Iterable[Any]) -> None:
        """Put other entries in the place of all, at once."""
        self.close()
        self.entries = list(entries)
        self._write()

    def _write(self) -> None:
        with replacing(self.path) as path, open(path, "w", encoding="utf-8") as file:
            file.writelines(map(_line, [self.key, *self.entries]))

    def close(self) -> None:
        """Close the file; more can be added later."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def remove(self) -> None:
        """Remove the log: the work is finished and has been put in its place."""
        self.close()
        self.path.unlink(missing_ok=True)


def _line(value: Any) -> str:
    return json.dumps(value) + "\n"


def _parsed(line: str) -> Any:
    """The value of a whole line; none of one that a stopped process left half."""
    if not line.endswith("\n"):
        return None
    try:
        return json.loads(line)
    except ValueError:
        return None
