"""What a run of the firmware example gives: its decisions, its stack, and instructions by address."""

from dataclasses import dataclass

import numpy as np

from atomicvad.device.emulate.build import Program
from atomicvad.errors import AtomicVADError


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        outputs: int16 ``(calls,)``: what the detector returned.
        stack: bytes of stack that it took at most.
        instructions: int64 ``(calls,)``: instructions of the detector in each call.
        by_function: instructions of the detector's functions, in all calls together.
    """

    outputs: np.ndarray
    stack: int
    instructions: np.ndarray
    by_function: dict[str, int]


def finish(
    program: Program, text: str, instructions: np.ndarray, by_address: dict[int, int]
) -> Run:
    """Put together what the firmware printed and what the emulator counted.

    Raises:
        AtomicVADError: the firmware stopped before its end.
    """
    *decisions, last = text.splitlines() or [""]
    if not last.startswith("stack "):
        title = f"{program.core.title}, {program.form}"
        raise AtomicVADError(f"the firmware for {title} stopped after {len(decisions)} decisions")
    starts = [function.address for function in program.functions]
    by_function = dict.fromkeys((function.name for function in program.functions), 0)
    for address, count in by_address.items():
        at = int(np.searchsorted(starts, address, side="right")) - 1
        by_function[program.functions[at].name] += count
    outputs = np.array([int(line) for line in decisions], np.int16)
    return Run(outputs, int(last.split()[1]), instructions, by_function)
