"""Where the project lies, what a run leaves, and files that appear whole or not at all."""

import os
import unicodedata
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# Of a run, in the order in which it writes them: the table says that the others are whole.
RUN_FILES = ("model.keras", "history.csv", "scores.npz", "run.json", "metrics.csv")


def project_root() -> Path:
    """The checkout: the folder that holds ``profiles/``, ``notebooks/`` and ``results/``."""
    return Path(__file__).resolve().parents[1]


def is_text(name: str) -> bool:
    """Whether a name can stand in a manifest: no control characters, no stray bytes."""
    return not any(unicodedata.category(character) in ("Cc", "Cs") for character in name)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; move it into place, or remove it on any failure."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{uuid.uuid4().hex[:8]}-{path.name}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def remove_unfinished(path: Path) -> None:
    """Remove what processes that were killed within ``replacing(path)`` left behind."""
    for temporary in path.parent.glob(f".????????-{path.name}"):
        temporary.unlink(missing_ok=True)
