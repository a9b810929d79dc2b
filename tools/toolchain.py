"""Fetch the cross-compilers and the emulator of boards, which the tests of the device need.

    python tools/toolchain.py

What the system has is left as it is. A browser is not fetched: those of Debian need some sixty
libraries. Where something cannot be had, that is said in one line, and the tests that need it are
skipped.
"""

import shutil

from atomicvad.device.emulate.toolchain import KITS, find
from atomicvad.errors import AtomicVADError

BROWSERS = ("chromium", "chromium-headless-shell", "chromium-browser", "google-chrome")


def browser() -> str | None:
    """The path of the system's Chromium."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def main() -> None:
    """Fetch every kit into the cache, unless it is there."""
    for name in KITS:
        try:
            find(name)
        except AtomicVADError as error:
            print(f"tests are left out: {error}")
    if not browser():
        print("tests are left out: no Chromium here; install the package chromium")


if __name__ == "__main__":
    main()
