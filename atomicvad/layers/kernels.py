"""How kernels are compiled for this machine, and kept for the next process."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numba
from numba.core.caching import (
    InTreeCacheLocator,
    UserProvidedCacheLocator,
    UserWideCacheLocator,
)

_FOLDER = Path(__file__).parent
_SOURCES = [*_FOLDER.glob("*.py"), _FOLDER.parent / "data" / "augment.py"]
_VERSION = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(_SOURCES))).hexdigest()


class _OfAllSources:
    """numba looks at a kernel's own file alone, and would go on with an old version of a callee."""

    def get_source_stamp(self) -> str:
        return _VERSION


class InAGivenFolder(_OfAllSources, UserProvidedCacheLocator):
    """Kernels in ``$NUMBA_CACHE_DIR``, where that is set."""


class BesideTheSources(_OfAllSources, InTreeCacheLocator):
    """Kernels in ``__pycache__``."""


class InTheUsersCache(_OfAllSources, UserWideCacheLocator):
    """Kernels of a package that may not be written to."""


def compiled(function: Callable) -> Callable:
    """``function`` as machine code, without Python's lock; sums may be reordered.

    How a sum is reordered depends on what else is compiled with it, so kernels become a part of
    those that call them: else a process that has just compiled a callee by itself would use that
    code, and one that finds the caller in the cache the caller's own.
    """
    before = numba.config.CACHE_LOCATOR_CLASSES
    locators = InAGivenFolder, BesideTheSources, InTheUsersCache
    numba.config.CACHE_LOCATOR_CLASSES = ",".join(
        f"{__name__}.{locator.__name__}" for locator in locators
    )
    try:
        return numba.njit(
            nogil=True,
            cache=True,
            forceinline=True,
            error_model="numpy",
            fastmath={"contract", "nsz", "reassoc"},
        )(function)
    finally:
        numba.config.CACHE_LOCATOR_CLASSES = before
