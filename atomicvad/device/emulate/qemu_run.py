"""The firmware example on QEMU's boards: all Arm cores, among them the M55 that Unicorn lacks."""

import re
import tempfile
from pathlib import Path

import numpy as np

from atomicvad.device.emulate.build import Program
from atomicvad.device.emulate.run import Block, Run, finish
from atomicvad.device.emulate.toolchain import find, host_compiler

# What a core's board is called.
BOARDS = {
    "cortex-m0plus": "microbit",
    "cortex-m4": "mps2-an386",
    "cortex-m7": "mps2-an500",
    "cortex-m55": "mps3-an547",
}
COUNTER = Path(__file__).with_name("counter.c")
NO_DEVICES = ("-display", "none", "-monitor", "none", "-serial", "none")


def run_qemu(program: Program, samples: bytes) -> Run:
    """Run the firmware example to its end on the board with its core.

    The micro:bit has 16 kB of RAM: the window form, with its samples, finds no place there.

    Args:
        program: for a core of ``BOARDS``.
        samples: what the firmware reads, int16.

    Raises:
        AtomicVADError: no QEMU, no C compiler for the counter, or the firmware stopped.
    """
    qemu = find("qemu")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "samples.raw").write_bytes(samples)
        plugin = _counter(folder, qemu.run("qemu", "--version"))
        places = f"begin={program.begin},end={program.end},entry={program.entry}"
        text = qemu.run(
            "qemu",
            *("-M", BOARDS[program.core.name], "-kernel", program.path.resolve(), *NO_DEVICES),
            *("-chardev", "stdio,id=text"),
            *("-semihosting-config", "enable=on,target=native,chardev=text"),
            *("-plugin", f"{plugin},{places},out=counts.txt"),
            folder=folder,
        )
        counts = (folder / "counts.txt").read_text()
    calls = [int(count) for count in re.findall(r"^call (\d+)$", counts, re.MULTILINE)]
    blocks = [
        Block(*map(int, numbers))
        for numbers in re.findall(r"^block (\d+) (\d+) (\d+)$", counts, re.MULTILINE)
    ]
    return finish(program, text, np.array(calls, np.int64), blocks)


def _counter(folder: Path, version: str) -> Path:
    """The plugin that counts, compiled for this computer."""
    found = re.search(r"version (\d+)", version)
    interface = 1 if found and int(found[1]) < 9 else 2
    plugin = folder / "counter.so"
    options = ("-O2", "-shared", "-fPIC", f"-DPLUGIN_VERSION={interface}")
    host_compiler().run("cc", *options, COUNTER, "-o", plugin)
    return plugin
