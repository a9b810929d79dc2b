"""What the detector costs on each core: memory, instructions, and estimates made from them.

Nothing here is timed on hardware. Memory and instructions are exact for the compiler that is used;
cycles are estimated from instructions, latency from cycles, energy from latency.
"""

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from atomicvad.device.emulate.build import FORMS, Program, build
from atomicvad.device.emulate.cores import CORES, Core
from atomicvad.device.emulate.qemu_run import run_qemu
from atomicvad.device.emulate.run import Run
from atomicvad.device.emulate.unicorn_run import CPU, run_unicorn

# Cycles an instruction takes, from code in fast memory without a miss to code in flash.
CYCLES = {"low": 1.0, "high": 1.3}


@dataclass(frozen=True)
class Measured:
    """Tables of the detector on all cores.

    Attributes:
        costs: a row a core and form: ``core``, ``form``, ``flash``, ``state``, ``stack`` and
            ``ram`` (bytes; the last is the sum of the two before, without the caller's samples),
            ``calls``, ``instructions`` (of a call, the mean) and ``most_instructions``,
            ``megahertz``; ``cycles``, ``milliseconds`` and ``microjoules`` of a mean call, each
            with ``_low`` and ``_high``; ``part`` whose current the energy is estimated from (both
            empty for cores without one).
        functions: a row a core, form and function of the source, inlined or not:
            ``instructions`` of a mean call, their ``share``.
        outputs: what the detector returned, int16 ``(calls,)`` by core and form.
    """

    costs: pd.DataFrame
    functions: pd.DataFrame
    outputs: dict[tuple[str, str], np.ndarray]


def run(program: Program, samples: np.ndarray) -> Run:
    """Run a program over windows or hops, on Unicorn, or on QEMU for a core that it lacks.

    Args:
        program: the firmware example.
        samples: int16 ``(calls, 10080)`` or ``(calls, 160)``.

    Raises:
        AtomicVADError: an emulator is missing, or the firmware stopped.
    """
    data = np.ascontiguousarray(samples, "<i2").tobytes()
    if program.core.name in CPU or program.core.riscv:
        return run_unicorn(program, data, len(samples))
    return run_qemu(program, data)


def measure(
    sources: Path,
    windows: np.ndarray,
    hops: np.ndarray,
    cores: Iterable[Core] = tuple(CORES.values()),
) -> Measured:
    """Build the detector for each core in both forms, run it, and say what it costs.

    Args:
        sources: a folder with ``atomicvad.c``, its headers, and the weights.
        windows: int16 ``(n, 10080)``.
        hops: int16 ``(n, 160)``, one after another of a stream.
        cores: the processors.

    Raises:
        AtomicVADError: a compiler or an emulator is missing, or the sources do not compile.
    """
    costs, functions, outputs = [], [], {}
    with tempfile.TemporaryDirectory() as folder:
        for core in cores:
            for form in FORMS:
                program = build(sources, core, form, Path(folder) / f"{core.name}-{form}")
                done = run(program, windows if form == "window" else hops)
                outputs[core.name, form] = done.outputs
                costs.append(_costs(program, done))
                functions.append(_functions(program, done))
    return Measured(pd.DataFrame(costs), pd.concat(functions, ignore_index=True), outputs)


def _costs(program: Program, done: Run) -> dict[str, object]:
    core = program.core
    instructions = float(done.instructions.mean())
    row: dict[str, object] = {
        "core": core.title,
        "form": program.form,
        "flash": program.flash,
        "state": program.state,
        "stack": done.stack,
        "ram": program.state + done.stack,
        "calls": len(done.outputs),
        "instructions": round(instructions),
        "most_instructions": int(done.instructions.max()),
        "megahertz": core.megahertz,
    }
    for bound, factor in CYCLES.items():
        cycles = instructions * factor
        row[f"cycles_{bound}"] = round(cycles)
        row[f"milliseconds_{bound}"] = cycles / core.megahertz / 1e3
        row[f"microjoules_{bound}"] = cycles * core.part.picojoules / 1e6 if core.part else None
    return row | {"part": core.part.name if core.part else ""}


def _functions(program: Program, done: Run) -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "core": program.core.title,
            "form": program.form,
            "function": list(done.by_function),
            "instructions": [count / len(done.outputs) for count in done.by_function.values()],
        }
    )
    table["share"] = table["instructions"] / table["instructions"].sum()
    return table[table["instructions"] > 0].sort_values("instructions", ascending=False)
