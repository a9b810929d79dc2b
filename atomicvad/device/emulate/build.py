"""The detector's C sources compiled without a C library, and linked with the firmware example."""

from dataclasses import dataclass
from pathlib import Path

from atomicvad.device.emulate.cores import Core
from atomicvad.device.emulate.elf import open_elf
from atomicvad.device.emulate.sources import WARNINGS, source_in
from atomicvad.device.emulate.toolchain import find
from atomicvad.errors import AtomicVADError

FIRMWARE = Path(__file__).parents[1] / "firmware" / "bare_metal"
WRITABLE, ALLOCATED = 1, 2  # flags of a section
# What drops the other form.
FORMS = {"window": "-DAVAD_NO_STREAM", "stream": "-DAVAD_NO_WINDOW"}
ENTRY = {"window": "avad_window", "stream": "avad_stream_push"}
RAM = {"window": "64K", "stream": "16K"}
# Loops stay loops: GCC would call memset and memcpy, and there is no C library.
FREESTANDING = (
    "-ffreestanding",
    "-fno-tree-loop-distribute-patterns",
    "-fno-asynchronous-unwind-tables",
)


@dataclass(frozen=True)
class Program:
    """The firmware example with the detector in one of its forms, for one core.

    Attributes:
        core: what it was compiled for.
        form: ``window`` or ``stream``.
        path: the ELF file, with debugging information.
        flash: bytes of the detector's code, tables and weights.
        state: bytes of RAM that the detector keeps: its workspace or stream, and variables.
        entry: address of the function that decides.
        begin: address of the detector's code.
        code: the detector's code.
    """

    core: Core
    form: str
    path: Path
    flash: int
    state: int
    entry: int
    begin: int
    code: bytes

    @property
    def end(self) -> int:
        """Address behind the detector's code."""
        return self.begin + len(self.code)

    def halves(self, address: int) -> tuple[int, int]:
        """The 16 bits at an address, and the next (0 behind the end)."""
        code = self.code[address - self.begin :][:4].ljust(4, b"\0")
        return int.from_bytes(code[:2], "little"), int.from_bytes(code[2:], "little")

    def length(self, address: int) -> int:
        """Bytes of the instruction at an address: its first bits say so."""
        first, _ = self.halves(address)
        if self.core.riscv:
            return 4 if first & 0b11 == 0b11 else 2
        return 4 if first >> 11 in (0b11101, 0b11110, 0b11111) else 2


def build(
    sources: Path, core: Core, form: str, folder: Path, *, options: tuple[str, ...] = ()
) -> Program:
    """Compile and link the detector and the firmware example.

    Args:
        sources: a folder with ``atomicvad.c``, its headers, and the weights.
        core: the processor.
        form: a key of ``FORMS``.
        folder: where the files go; made when it is not there.
        options: more for the compiler, such as ``-DAVAD_NO_DSP``.

    Raises:
        AtomicVADError: a warning or an error of the compiler, something of a C library that the
            detector would need, or no compiler.
    """
    detector = source_in(sources)
    tools = find(core.target)
    folder.mkdir(parents=True, exist_ok=True)
    flags = (*core.flags, "-O2", "-g", *WARNINGS, *FREESTANDING, FORMS[form], *options)
    objects = []
    for source in (detector, FIRMWARE / "start.c", FIRMWARE / "main.c"):
        objects.append(folder / f"{source.stem}.o")
        tools.run("gcc", *flags, "-I", detector.parent, "-c", source, "-o", objects[-1])
    path = folder / "firmware.elf"
    _check_free_standing(objects[0], core)
    emulation = ("-m", "elf32lriscv") if core.riscv else ()
    script = ("--defsym", f"ram_size={RAM[form]}", "-T", FIRMWARE / "link.ld")
    tools.run("ld", *emulation, *script, *objects, "-o", path)
    flash, variables = _sizes(objects[0])
    with open_elf(path) as elf:
        table = elf.get_section_by_name(".symtab")
        begin, end, entry, state = (
            table.get_symbol_by_name(name)[0]
            for name in ("core_begin", "core_end", ENTRY[form], "detector")
        )
        begin, end = begin["st_value"], end["st_value"]
        text = elf.get_section_by_name(".text")
        code = text.data()[begin - text["sh_addr"] : end - text["sh_addr"]]
    # The lowest bit of a function's address says that it is Thumb's.
    return Program(
        core, form, path, flash, variables + state["st_size"], entry["st_value"] & ~1, begin, code
    )


def _check_free_standing(path: Path, core: Core) -> None:
    """Nothing of a C library, nor of the compiler's, is called."""
    with open_elf(path) as elf:
        table = elf.get_section_by_name(".symtab")
        needed = sorted(
            s.name for s in table.iter_symbols() if s.name and s["st_shndx"] == "SHN_UNDEF"
        )
    if needed:
        raise AtomicVADError(
            f"atomicvad.c for {core.title} needs {', '.join(needed)}: expected no external function"
        )


def _sizes(path: Path) -> tuple[int, int]:
    """Bytes of an object file that lie in flash, and bytes of its variables."""
    flash = variables = 0
    with open_elf(path) as elf:
        for section in elf.iter_sections():
            if not section["sh_flags"] & ALLOCATED:
                continue
            size = section["sh_size"]
            if section["sh_type"] != "SHT_NOBITS":
                flash += size
            if section["sh_flags"] & WRITABLE:
                variables += size
    return flash, variables
