"""The cores that the detector is measured on: how it is compiled for each, and a typical part."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Core:
    """A processor core.

    Attributes:
        name: in tables, and of QEMU's model of an Arm core.
        title: for readers.
        target: the compilers' prefix.
        flags: what chooses the core and its calls, for GCC.
        megahertz: the clock at which latencies are given.
        clock: what runs at this clock.
        part: a part with the core, whose current the energy is estimated from.
        microamperes: a megahertz, while it runs from flash, as the part's data sheet says.
        volts: the supply at which the data sheet says so.
    """

    name: str
    title: str
    target: str
    flags: tuple[str, ...]
    megahertz: int
    clock: str
    part: str
    microamperes: float
    volts: float


ARM, RISCV = "arm-none-eabi", "riscv64-unknown-elf"


def _arm(name: str) -> tuple[str, ...]:
    return (f"-mcpu={name}", "-mthumb", "-mfloat-abi=soft")


CORES = {
    core.name: core
    for core in (
        Core("cortex-m0plus", "Cortex-M0+", ARM, _arm("cortex-m0plus"), 48, "", "", 1, 3),
        Core("cortex-m4", "Cortex-M4F", ARM, _arm("cortex-m4"), 64, "", "", 1, 3),
        Core("cortex-m7", "Cortex-M7", ARM, _arm("cortex-m7"), 240, "", "", 1, 3),
        Core("cortex-m55", "Cortex-M55", ARM, _arm("cortex-m55"), 160, "", "", 1, 3),
        Core("rv32imc", "RISC-V", RISCV, ("-march=rv32imc", "-mabi=ilp32"), 160, "", "", 1, 3),
    )
}
