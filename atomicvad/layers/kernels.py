"""How kernels are compiled for this machine, and kept for the next process."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numba

_FOLDER = Path(__file__).parent
# numba looks at a kernel's own file alone, and would go on with an old version of those it calls.
_SOURCES = [*_FOLDER.glob("*.py"), _FOLDER.parent / "data" / "augment.py"]
_VERSION = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(_SOURCES))).hexdigest()


def compiled(function: Callable) -> Callable:
    """``function`` as machine code, without Python's lock; sums may be reordered."""
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = before or str(_FOLDER / "__pycache__" / f"kernels-{_VERSION[:12]}")
    try:
        return numba.njit(
            nogil=True, cache=True, error_model="numpy", fastmath={"contract", "nsz", "reassoc"}
        )(function)
    finally:
        numba.config.CACHE_DIR = before
