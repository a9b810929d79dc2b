"""The firmware example in Unicorn: QEMU's processors as a library, with a counter in machine code.

The counter is called before each block of instructions: a run without branches into or out of it.
"""

import ctypes
from functools import cache
from typing import Any

import numba
import numpy as np

from atomicvad.device.emulate.build import Program
from atomicvad.device.emulate.elf import open_elf
from atomicvad.device.emulate.run import Block, Run, finish
from atomicvad.errors import AtomicVADError

# Where the firmware's linker script puts flash and RAM, and how much there is here.
FLASH, RAM, SIZE = 0x00000000, 0x20000000, 0x40000
NOWHERE = 0xFFFFFFFE  # an address that ends a run; none does
LIMIT = 300_000_000  # microseconds between two questions to the host; a call takes thousands
# Operations of semihosting, as the firmware calls them.
OPEN, WRITE0, READ, EXIT = 0x01, 0x04, 0x06, 0x20
BREAKPOINT = {"arm": b"\xab\xbe", "riscv": b"\x73\x00\x10\x00"}  # the instruction that asks
CPU = {"cortex-m0plus": "CORTEX_M0", "cortex-m4": "CORTEX_M4", "cortex-m7": "CORTEX_M7"}
HEAD = 5


@cache
def _block_counter() -> Any:
    """The counter, compiled.

    Its last argument points to int64: the detector's first address, the one behind its last, the
    address of its function, the current call, the number of calls; then, by halfword of the
    detector's code, the bytes of the block that begins there; then, by call and halfword, how often
    it ran.
    """

    @numba.cfunc("void(voidptr, uint64, uint32, voidptr)")
    def count(_engine, address, size, counter):  # type: ignore[no-untyped-def]  # pragma: no cover
        head = numba.carray(counter, HEAD, np.int64)
        begin, end, calls = head[0], head[1], head[4]
        where = np.int64(address)
        if where < begin or where >= end:
            return
        if where == head[2]:
            head[3] += 1
        call = head[3]
        if call < 0 or call >= calls:
            return
        places = (end - begin) // 2
        numbers = numba.carray(counter, HEAD + (1 + calls) * places, np.int64)
        at = HEAD + (where - begin) // 2
        numbers[at] = size
        numbers[at + (1 + call) * places] += 1

    return count


def run_unicorn(program: Program, samples: bytes, calls: int) -> Run:
    """Run the firmware example to its end.

    Args:
        program: for a core of ``CPU``, or RISC-V.
        samples: what the firmware reads, int16.
        calls: windows or hops in it.

    Raises:
        AtomicVADError: an instruction that the core does not have, a wrong address, or Unicorn is
            not installed.
    """
    machine = _Machine(program, samples)
    places = len(program.code) // 2
    counter = np.zeros(HEAD + (1 + calls) * places, np.int64)
    counter[:HEAD] = program.begin, program.end, program.entry, -1, calls
    machine.count_blocks(counter)
    machine.run()
    table = counter[HEAD:].reshape(1 + calls, places)
    sizes, counts = table[0], table[1:]
    instructions = np.zeros(places, np.int64)
    blocks = []
    for at in np.flatnonzero(sizes).tolist():
        address = program.begin + 2 * at
        instructions[at] = _instructions(program, address, int(sizes[at]))
        blocks.append(Block(address, int(instructions[at]), int(counts[:, at].sum())))
    return finish(program, machine.text, counts @ instructions, blocks)


def _instructions(program: Program, address: int, size: int) -> int:
    count, end = 0, address + size
    while address < end:
        address += program.length(address)
        count += 1
    return count


class _Machine:
    """A processor with the program in its memory, and the host's side of semihosting."""

    def __init__(self, program: Program, samples: bytes) -> None:
        try:
            import unicorn
            from unicorn import arm_const, riscv_const
        except ImportError:
            raise AtomicVADError(
                "unicorn is not installed: pip install atomicvad[device]"
            ) from None
        self.program, self.samples, self.text = program, samples, ""
        self.unicorn = unicorn
        if program.core.riscv:
            self.engine = unicorn.Uc(unicorn.UC_ARCH_RISCV, unicorn.UC_MODE_RISCV32)
            self.registers = (riscv_const.UC_RISCV_REG_A0, riscv_const.UC_RISCV_REG_A1)
            self.pc = riscv_const.UC_RISCV_REG_PC
        else:
            mode = unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS
            cpu = getattr(arm_const, f"UC_CPU_ARM_{CPU[program.core.name]}")
            self.engine = unicorn.Uc(unicorn.UC_ARCH_ARM, mode, cpu)
            self.registers = (arm_const.UC_ARM_REG_R0, arm_const.UC_ARM_REG_R1)
            self.pc = arm_const.UC_ARM_REG_PC
        for begin in (FLASH, RAM):
            self.engine.mem_map(begin, SIZE)
        with open_elf(program.path) as elf:
            self.start = elf["e_entry"]
            for segment in elf.iter_segments("PT_LOAD"):
                self.engine.mem_write(segment["p_paddr"], segment.data())
        if not program.core.riscv:
            self.engine.reg_write(arm_const.UC_ARM_REG_SP, self._word(FLASH))
        self.engine.hook_add(unicorn.UC_HOOK_INTR, lambda engine, *_: engine.emu_stop())

    def count_blocks(self, counter: np.ndarray) -> None:
        """Let the compiled counter see each block; Unicorn's own interface calls Python's alone."""
        from unicorn.unicorn_py3 import unicorn as binding

        self.counter, self.hook = counter, binding.uc_hook_h()
        status = binding.uclib.uc_hook_add(
            self.engine._uch,
            ctypes.byref(self.hook),
            self.unicorn.UC_HOOK_BLOCK,
            ctypes.c_void_p(_block_counter().address),
            ctypes.c_void_p(counter.ctypes.data),
            1,
            0,
        )
        if status != self.unicorn.UC_ERR_OK:
            raise self.unicorn.UcError(status)

    def read(self, address: int, size: int) -> bytes:
        """Bytes of the memory."""
        return bytes(self.engine.mem_read(address, size))

    def _word(self, address: int) -> int:
        return int.from_bytes(self.read(address, 4), "little")

    def run(self) -> None:
        """From reset to the firmware's end; each breakpoint asks the host for something."""
        at, thumb = self.start, 0 if self.program.core.riscv else 1
        ask = BREAKPOINT["riscv" if self.program.core.riscv else "arm"]
        while True:
            reason = "stopped"
            try:
                self.engine.emu_start(at | thumb, NOWHERE, timeout=LIMIT)
            except self.unicorn.UcError as error:
                reason = str(error)
            at = self.engine.reg_read(self.pc)
            if self.read(at, len(ask)) != ask:
                raise AtomicVADError(f"{self.program.core.title}: {reason} at address {at:#x}")
            operation, argument = (self.engine.reg_read(number) for number in self.registers)
            if operation == EXIT:
                return
            self.engine.reg_write(self.registers[0], self._answer(operation, argument))
            at += len(ask)

    def _answer(self, operation: int, argument: int) -> int:
        """What the host does and returns for an operation of semihosting."""
        if operation == WRITE0:
            text = bytearray()
            while (letter := self.read(argument + len(text), 1)) != b"\0":
                text += letter
            self.text += text.decode()
        elif operation == READ:
            to, size = self._word(argument + 4), self._word(argument + 8)
            data, self.samples = self.samples[:size], self.samples[size:]
            self.engine.mem_write(to, data)
            return size - len(data)
        elif operation == OPEN:
            return 1
        return 0
