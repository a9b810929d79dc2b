"""What a run of the firmware example gives: its decisions, its stack, its instructions."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from atomicvad.device.emulate.build import Program
from atomicvad.device.emulate.profile import functions_by_address
from atomicvad.errors import AtomicVADError


@dataclass(frozen=True)
class Block:
    """Instructions without a branch into or out of them, and how often they ran."""

    address: int
    instructions: int
    times: int


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        outputs: int16 ``(calls,)``: what the detector returned.
        stack: bytes of stack that it took at most.
        instructions: int64 ``(calls,)``: instructions of the detector in each call.
        by_function: instructions of each function of the source, in all calls together.
    """

    outputs: np.ndarray
    stack: int
    instructions: np.ndarray
    by_function: dict[str, int]


def finish(program: Program, text: str, instructions: np.ndarray, blocks: Iterable[Block]) -> Run:
    """Put together what the firmware printed and what the emulator counted.

    Args:
        program: what ran.
        text: what it printed.
        instructions: int64 ``(calls,)``.
        blocks: those of the detector, in all calls together.

    Raises:
        AtomicVADError: the firmware stopped before its end, or a Cortex-M0+ was given instructions
            that it lacks (Unicorn's carries them out).
    """
    *decisions, last = text.splitlines() or [""]
    if not last.startswith("stack "):
        title = f"{program.core.title}, {program.form}"
        raise AtomicVADError(f"the firmware for {title} stopped after {len(decisions)} decisions")
    names = functions_by_address(program.path, program.begin, program.end)
    by_function: Counter[str] = Counter()
    for block in blocks:
        at = block.address
        for _ in range(block.instructions if block.times else 0):
            if program.core.name == "cortex-m0plus" and not is_armv6m(program.halves(at)):
                raise AtomicVADError(
                    f"{program.core.title}: no instruction of this core, at address {at:#x}"
                )
            by_function[names[(at - program.begin) // 2]] += block.times
            at += program.length(at)
    outputs = np.array([int(line) for line in decisions], np.int16)
    return Run(outputs, int(last.split()[1]), instructions, dict(by_function))


def is_armv6m(halves: tuple[int, int]) -> bool:
    """Whether an instruction of computing code is Armv6-M's, of all that Armv7-M has.

    Of 32 bits that is a call alone (``bl``); of 16 bits all but ``cbz``, ``cbnz`` and ``it``.
    Source: the Armv6-M and Armv7-M architecture reference manuals, chapter A5.
    """
    first, second = halves
    if first >> 11 in (0b11101, 0b11110, 0b11111):
        return first >> 11 == 0b11110 and second & 0xD000 == 0xD000
    return first & 0xF500 != 0xB100 and not (first & 0xFF00 == 0xBF00 and first & 0xF)
