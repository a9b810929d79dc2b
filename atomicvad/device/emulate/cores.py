"""The cores that the detector is measured on, how it is compiled for each, and typical parts."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """A microcontroller whose current while it computes stands for its core's.

    Attributes:
        name: the part, and where its maker says so.
        microamperes: a megahertz, CoreMark from flash, DC/DC converter on.
        volts: the supply.
    """

    name: str
    microamperes: float
    volts: float

    @property
    def picojoules(self) -> float:
        """Energy of a cycle."""
        return self.microamperes * self.volts


@dataclass(frozen=True)
class Core:
    """A processor core.

    Attributes:
        name: as GCC calls it.
        title: for readers.
        target: the compilers' prefix.
        flags: what chooses the core, for GCC.
        megahertz: the clock at which latencies are given: the paper's for M4F and M7, usual ones of
            parts with the others.
        part: what the energy is estimated from; None where we know of no figure that says how it
            was measured.
    """

    name: str
    title: str
    target: str
    flags: tuple[str, ...]
    megahertz: int
    part: Part | None = None

    @property
    def riscv(self) -> bool:
        """Whether its instructions are RISC-V's, not Arm's."""
        return self.target.startswith("riscv")


CC2340 = Part("TI CC2340R5, data sheet SWRS272, core current consumption", 53, 3.0)
NRF52840 = Part("Nordic nRF52840, product specification, CPU running", 52, 3.0)


def _arm(name: str, title: str, megahertz: int, part: Part | None = None) -> Core:
    """A core of Arm's; its floating-point unit, if any, has nothing to do."""
    flags = (f"-mcpu={name}", "-mthumb", "-mfloat-abi=soft")
    return Core(name, title, "arm-none-eabi", flags, megahertz, part)


CORES = {
    core.name: core
    for core in (
        _arm("cortex-m0plus", "Cortex-M0+", 48, CC2340),
        _arm("cortex-m4", "Cortex-M4F", 64, NRF52840),
        _arm("cortex-m7", "Cortex-M7", 240),
        _arm("cortex-m55", "Cortex-M55", 160),
        Core("rv32imc", "RV32IMC", "riscv64-unknown-elf", ("-march=rv32imc", "-mabi=ilp32"), 160),
    )
}
