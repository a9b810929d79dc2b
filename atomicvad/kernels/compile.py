"""How kernels are compiled, for one instruction set, and kept for the next process."""

from collections.abc import Callable

import numba
from numba.core.caching import InTreeCacheLocator, UserProvidedCacheLocator, UserWideCacheLocator

from atomicvad.arithmetic import pin
from atomicvad.stamps import code_of

pin()  # the instruction set for which all kernels are compiled


class _StampedByClosure:
    """A kernel is current when its module and all that this imports are as they were.

    numba itself looks at a kernel's own file alone, and would go on with an old version of a
    callee from another file.
    """

    def __init__(self, function: Callable, file: str):
        super().__init__(function, file)  # type: ignore[call-arg] # a mixin of numba's locators
        self._module = function.__module__

    def get_source_stamp(self) -> str:
        return code_of(self._module)

    def get_disambiguator(self) -> str:
        """A part of the file's name; numba's own is a line number, which a comment would change."""
        return "kernel"


class InAGivenFolder(_StampedByClosure, UserProvidedCacheLocator):
    """Kernels in ``$NUMBA_CACHE_DIR``, where that is set."""


class BesideTheSources(_StampedByClosure, InTreeCacheLocator):
    """Kernels in ``__pycache__``."""


class InTheUsersCache(_StampedByClosure, UserWideCacheLocator):
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
