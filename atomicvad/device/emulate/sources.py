"""The folder with the detector's C sources, and how strictly they are compiled everywhere."""

from pathlib import Path

from atomicvad.errors import AtomicVADError

SOURCE = "atomicvad.c"
WARNINGS = ("-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Werror")


def source_in(folder: Path) -> Path:
    """The path of ``atomicvad.c``; its headers and the weights lie beside it.

    Raises:
        AtomicVADError: the folder does not have it.
    """
    path = folder.resolve() / SOURCE
    if not path.is_file():
        raise AtomicVADError(f"{folder}: expected {SOURCE} with its headers, found none")
    return path
