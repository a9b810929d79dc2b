"""Compiled programs, opened; the library that reads them comes with the extra ``device``."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from atomicvad.errors import AtomicVADError

if TYPE_CHECKING:
    from elftools.elf.elffile import ELFFile


@contextmanager
def open_elf(path: Path) -> "Iterator[ELFFile]":
    """Yield an ELF file.

    Raises:
        AtomicVADError: the library is not installed.
    """
    try:
        from elftools.elf.elffile import ELFFile
    except ImportError:
        raise AtomicVADError("pyelftools is not installed: pip install atomicvad[device]") from None
    with open(path, "rb") as file:
        yield ELFFile(file)
