"""Audio files as bytes: opening them, looking through them, and parts of them as files."""

import contextlib
import io
import logging
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from atomicvad.errors import AtomicVADError

BLOCK = 1 << 20  # bytes looked through at once
IN_MEMORY = 1 << 26  # bytes of a pipe; more of them go to a temporary file
LOG = logging.getLogger("atomicvad.audio")  # what is odd about a file that can be used


Source = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO


class AudioError(AtomicVADError):
    """Audio that cannot be used; the message names it and gives the reason."""


class Excerpt(io.RawIOBase):
    """Bytes ``start`` to ``end`` of a file as a file of its own.

    Args:
        file: open for reading, and seekable.
        start, end: positions in ``file``.
        replaced: bytes that are read instead of those at a position of the excerpt.
    """

    def __init__(
        self, file: Any, start: int, end: int, replaced: Mapping[int, bytes] | None = None
    ):
        self.file, self.start, self.length = file, start, end - start
        self.replaced = dict(replaced or {})
        self.position = 0

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position, which may lie after the end."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self.position, io.SEEK_END: self.length}[whence]
        self.position = max(0, base + offset)
        return self.position

    def readinto(self, buffer: Any) -> int:
        """Fill ``buffer`` as far as there are bytes."""
        view = memoryview(buffer).cast("B")
        wanted = max(0, min(len(view), self.length - self.position))
        self.file.seek(self.start + self.position)
        count = self.file.readinto(view[:wanted]) if wanted else 0
        for at, new in self.replaced.items():
            first, last = max(at, self.position), min(at + len(new), self.position + count)
            if first < last:
                view[first - self.position : last - self.position] = new[first - at : last - at]
        self.position += count
        return count

    def anew(self) -> "Excerpt":
        """The same bytes with a position of their own."""
        return Excerpt(self, 0, self.length)

    def bytes_at(self, start: int, count: int) -> bytes:
        """Up to ``count`` bytes from a position on."""
        self.seek(start)
        return self.read(count) or b""

    def search(self, pattern: bytes, span: int) -> Iterator[tuple[int, re.Match[bytes]]]:
        """Every match of ``pattern``, at most ``span`` bytes long, with its position."""
        compiled, at, kept = re.compile(pattern, re.DOTALL), 0, b""
        while block := self.bytes_at(at + len(kept), BLOCK):
            block = kept + block
            for match in compiled.finditer(block):
                # One that begins in the last bytes is found again, and whole, in the next block.
                if match.start() <= len(block) - span or at + len(block) == self.length:
                    yield at + match.start(), match
            kept = block[max(0, len(block) - span + 1) :] if len(block) > span else block
            at += len(block) - len(kept)


def name_of(source: Source, name: str | None) -> str:
    """What errors call a source: its name, its path, or how many bytes it has."""
    if name:
        return name
    if isinstance(source, bytes | bytearray | memoryview):
        return f"audio of {len(source)} bytes"
    if isinstance(source, str | os.PathLike):
        return os.fsdecode(source) or "audio"
    found = getattr(source, "name", None)
    return found if isinstance(found, str) and found else "audio"


@contextlib.contextmanager
def opened(source: Source, name: str) -> Iterator[Excerpt]:
    """A file, or bytes in memory, open for reading from its beginning.

    What cannot seek, such as a pipe, is read to its end first, into memory or a temporary file.

    Args:
        source: a path, bytes, or a file opened in binary mode, which stays open.
        name: used in errors.

    Raises:
        AudioError: it is missing, empty or not a file.
    """
    with contextlib.ExitStack() as stack:
        if isinstance(source, bytes | bytearray | memoryview):
            file: Any = io.BytesIO(source)
        elif isinstance(source, str | os.PathLike):
            path = Path(os.fsdecode(source))
            file = _seekable(stack.enter_context(_open(path, name)), name, stack)
        else:
            file = _seekable(source, name, stack)
        length = file.seek(0, io.SEEK_END)
        if not length:
            raise AudioError(f"{name}: the file is empty")
        yield Excerpt(file, 0, length)


def _seekable(file: Any, name: str, stack: contextlib.ExitStack) -> Any:
    if isinstance(file, io.TextIOBase) or not hasattr(file, "read"):
        raise AudioError(
            f"{name}: expected a path, bytes or a file opened in binary mode, "
            f"got {type(file).__name__}"
        )
    try:
        if hasattr(file, "seekable") and file.seekable() and hasattr(file, "readinto"):
            return file
        copy = stack.enter_context(tempfile.SpooledTemporaryFile(IN_MEMORY))  # noqa: SIM115
        shutil.copyfileobj(file, copy, BLOCK)
    except (OSError, ValueError, TypeError) as error:  # closed, or not bytes
        raise AudioError(f"{name}: cannot be read: {error}") from None
    return copy


def _open(path: Path, name: str) -> BinaryIO:
    try:
        # Pipes that the shell has opened, not others, which may wait for ever.
        is_given = path.is_fifo() and path.parts[:2] in (("/", "dev"), ("/", "proc"))
        if path.exists() and not (path.is_file() or is_given):
            raise AudioError(f"{name}: not a file that can be read")
        return open(path, "rb")
    except (OSError, RuntimeError, ValueError) as error:  # a link to itself, a NUL in the name
        if isinstance(error, AudioError):
            raise
        raise AudioError(f"{name}: {getattr(error, 'strerror', None) or error}") from None


def read_bytes(path: Path, name: str | None = None) -> bytes:
    """A file's content.

    Raises:
        AudioError: it cannot be read.
    """
    name = name or str(path)
    with _open(Path(path), name) as file:
        try:
            return file.read()
        except OSError as error:
            raise AudioError(f"{name}: {error.strerror or error}") from None
