"""The detector's C sources compiled without a C library, and linked with the firmware example."""

from dataclasses import dataclass
from pathlib import Path

from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile

from atomicvad.device.emulate.cores import Core
from atomicvad.device.emulate.toolchain import find
from atomicvad.errors import AtomicVADError

SOURCE = "atomicvad.c"
FIRMWARE = Path(__file__).parents[1] / "firmware"
# What drops the other form.
FORMS = {"window": "-DAVAD_NO_STREAM", "stream": "-DAVAD_NO_WINDOW"}
ENTRY = {"window": "avad_window", "stream": "avad_stream_push"}
RAM = {"window": "64K", "stream": "16K"}
WARNINGS = ("-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Werror")
# Loops stay loops: GCC would call memset and memcpy, and there is no C library.
FREESTANDING = (
    "-ffreestanding",
    "-fno-tree-loop-distribute-patterns",
    "-fno-asynchronous-unwind-tables",
)


@dataclass(frozen=True)
class Symbol:
    """A function or variable of a program: its address without Arm's mode bit, its bytes."""

    name: str
    address: int
    size: int


@dataclass(frozen=True)
class Program:
    """The firmware example with the detector in one of its forms, for one core.

    Attributes:
        core: what it was compiled for.
        form: ``window`` or ``stream``.
        path: the ELF file.
        flash: bytes of the detector's code, tables and weights.
        state: bytes of RAM that the detector keeps: its workspace or stream, and variables.
        functions: those of the detector, by address.
        code: address of the detector's first instruction, and behind its last.
    """

    core: Core
    form: str
    path: Path
    flash: int
    state: int
    functions: list[Symbol]
    code: tuple[int, int]

    @property
    def entry(self) -> int:
        """Address of the function that decides."""
        return next(f.address for f in self.functions if f.name == ENTRY[self.form])


def build(sources: Path, core: Core, form: str, folder: Path, *, options: tuple[str, ...] = ()) -> Program:
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
    if not (sources / SOURCE).is_file():
        raise AtomicVADError(f"{sources}: no {SOURCE}")
    tools = find(core.target)
    folder.mkdir(parents=True, exist_ok=True)
    flags = (*core.flags, "-O2", *WARNINGS, *FREESTANDING, FORMS[form], *options)
    objects = []
    for source in (sources / SOURCE, FIRMWARE / "start.c", FIRMWARE / "main.c"):
        objects.append(folder / f"{source.stem}.o")
        tools.run("gcc", *flags, "-I", sources.resolve(), "-c", source.resolve(), "-o", objects[-1])
    path = folder / "firmware.elf"
    _check_free_standing(objects[0], core)
    emulation = ("-m", "elf32lriscv") if core.name.startswith("rv32") else ()
    script = ("--defsym", f"ram_size={RAM[form]}", "-T", FIRMWARE / "link.ld")
    tools.run("ld", *emulation, *script, *objects, "-o", path)
    symbols = _symbols(path)
    begin, end = symbols["core_begin"].address, symbols["core_end"].address
    flash, variables = _sizes(objects[0])
    functions = sorted(
        (s for s in symbols.values() if s.size and begin <= s.address < end),
        key=lambda symbol: symbol.address,
    )
    return Program(
        core, form, path, flash, variables + symbols["state"].size, functions, (begin, end)
    )


def _check_free_standing(path: Path, core: Core) -> None:
    """Nothing of a C library, nor of the compiler's, is called."""
    with open(path, "rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        needed = sorted(
            s.name for s in table.iter_symbols() if s.name and s["st_shndx"] == "SHN_UNDEF"
        )
    if needed:
        raise AtomicVADError(
            f"{SOURCE} for {core.title} needs {', '.join(needed)}: expected nothing from outside"
        )


def _sizes(path: Path) -> tuple[int, int]:
    """Bytes of an object file that lie in flash, and bytes of its variables."""
    flash = variables = 0
    with open(path, "rb") as file:
        for section in ELFFile(file).iter_sections():
            if not section["sh_flags"] & SH_FLAGS.SHF_ALLOC:
                continue
            size = section["sh_size"]
            if section["sh_type"] != "SHT_NOBITS":
                flash += size
            if section["sh_flags"] & SH_FLAGS.SHF_WRITE:
                variables += size
    return flash, variables


def _symbols(path: Path) -> dict[str, Symbol]:
    with open(path, "rb") as file:
        elf = ELFFile(file)
        thumb = elf["e_machine"] == "EM_ARM"
        return {
            symbol.name: Symbol(
                symbol.name,
                symbol["st_value"]
                & ~(thumb and symbol["st_info"]["type"] == "STT_FUNC"),
                symbol["st_size"],
            )
            for symbol in elf.get_section_by_name(".symtab").iter_symbols()
            if symbol.name
        }
