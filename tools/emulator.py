"""Fetch QEMU's user-mode emulator for the tests: they train a seed on another processor's model.

    python tools/emulator.py FOLDER    # the script FOLDER/run then runs a program in it

Where it cannot be had, that is said in one line, and the tests that need it are skipped.
"""

import platform
import sys
from pathlib import Path

from atomicvad.corpora.debian import fetch, members
from atomicvad.errors import AtomicVADError
from atomicvad.files import replacing

# Packages of Debian's, with SHA-256, and what is taken out of each: its path, and its name here.
FILES = {
    "qemu-user": (
        "02a7d6a2675a12dd7fdd474924295552470c0c933e0b543975887f493a84219f",
        "usr/bin/qemu-x86_64",
        "qemu-x86_64",
    ),
    "libcapstone4": (
        "41277f0388184f6e3b9fc02eda3184afbc999314b25b77ed75e8049428bdfe5e",
        "usr/lib/x86_64-linux-gnu/libcapstone.so.4",
        "libcapstone.so.4",
    ),
    "liburing2": (
        "c23077e3640e6cb4b819c134b3f41d5cf21b3edac099654b1b4142c3069a39a3",
        "usr/lib/x86_64-linux-gnu/liburing.so.2.3",
        "liburing.so.2",
    ),
}
# Intel's first processor with AVX2: no AVX-512, and approximations of its own. What QEMU does not
# have of it (no instruction that programs use) goes unsaid.
RUN = """#!/bin/sh
here=$(dirname "$0")
LD_LIBRARY_PATH=$here exec "$here/qemu-x86_64" -cpu Haswell-v4 "$@"
"""


def main(folder: Path) -> None:
    """Put the emulator into ``folder``, unless it is there."""
    script = folder / "run"
    if script.is_file() or platform.machine() != "x86_64":
        return
    try:
        packages = fetch({name: digest for name, (digest, _, _) in FILES.items()})
    except AtomicVADError as error:
        print(f"no emulator, tests of another processor are left out: {error}")
        return
    for name, (_, path, target) in FILES.items():
        content = dict(members(packages[name]))[path]
        with replacing(folder / target) as temporary:
            temporary.write_bytes(content)
            temporary.chmod(0o755)
    with replacing(script) as temporary:
        temporary.write_text(RUN)
        temporary.chmod(0o755)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
