"""Fetch the cross-compilers and the emulator of boards, which the tests of the device need.

    python tools/toolchain.py

What the system has is left as it is. Where something cannot be had, that is said in one line, and
the tests that need it are skipped.
"""

from atomicvad.device.emulate.toolchain import KITS, find
from atomicvad.errors import AtomicVADError


def main() -> None:
    """Fetch every kit into the cache, unless it is there."""
    for name in KITS:
        try:
            find(name)
        except AtomicVADError as error:
            print(f"tests are left out: {error}")


if __name__ == "__main__":
    main()
