"""One arithmetic on every x86-64 processor with AVX2, so that a seed has the same bytes on each.

Compilers and libraries choose their loops by processor, and another order of a sum is another
rounding. Here the choice is made once, by environment variables that each library reads when it is
loaded: numba compiles for one instruction set, and NumPy, OpenBLAS and oneDNN leave the wider ones
aside. On other processors all stays as the libraries have it, and numbers differ by rounding.
"""

import os
import platform
import sys
from collections.abc import MutableMapping
from functools import cache
from pathlib import Path

INSTRUCTIONS = "x86-64-v3"  # the level of the x86-64 psABI with AVX2 and FMA: processors since 2013
PINS = {
    "NUMBA_CPU_NAME": INSTRUCTIONS,
    "NUMBA_CPU_FEATURES": "",  # those of the name
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "OPENBLAS_CORETYPE": "Haswell",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "TF_ENABLE_ONEDNN_OPTS": "0",  # by default on for processors with AVX-512 alone
}
# To set variables is too late for these.
READERS = ("numba", "numpy", "tensorflow")
_CPUINFO = Path("/proc/cpuinfo")


@cache
def _processor_facts() -> dict[str, str]:
    """Of the first core, as Linux tells them; empty elsewhere."""
    if not _CPUINFO.is_file():
        return {}
    first = _CPUINFO.read_text(encoding="utf-8", errors="replace").split("\n\n", maxsplit=1)[0]
    pairs = (line.partition(":") for line in first.splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def processor() -> str:
    """The processor's name."""
    return _processor_facts().get("model name") or platform.processor() or platform.machine()


def can_be_pinned() -> bool:
    """Whether this processor has the instruction set that all numbers are computed with."""
    flags = _processor_facts().get("flags", "").split()
    return platform.machine() == "x86_64" and {"avx2", "bmi2", "fma"} <= set(flags)


def pin(environment: MutableMapping[str, str] = os.environ) -> None:
    """Set the variables, where the processor allows it and they are not set; for new processes."""
    if can_be_pinned():
        for name, value in PINS.items():
            environment.setdefault(name, value)


def _libraries_read_the_pins() -> bool:
    """Pin this process; whether no library had been loaded without."""
    late = any(name in sys.modules for name in READERS)
    set_before = all(os.environ.get(name) == value for name, value in PINS.items())
    pin()
    return set_before or not late


# The first module of this package to be imported: whoever loads NumPy before has its own rounding.
_IN_TIME = _libraries_read_the_pins()


def arithmetic() -> str:
    """The instruction set whose numbers this process computes; ``native``: this processor's own."""
    pinned = can_be_pinned() and all(os.environ.get(name) == value for name, value in PINS.items())
    return INSTRUCTIONS if pinned and _IN_TIME else "native"
