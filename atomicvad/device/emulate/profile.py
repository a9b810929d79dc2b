"""Which function of the source each instruction of a program comes from, inlined ones too."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from atomicvad.device.emulate.elf import open_elf

if TYPE_CHECKING:
    from elftools.dwarf.die import DIE
    from elftools.dwarf.dwarfinfo import DWARFInfo

FUNCTIONS = ("DW_TAG_subprogram", "DW_TAG_inlined_subroutine")


def functions_by_address(path: Path, begin: int, end: int) -> list[str]:
    """The innermost function of the source at each halfword of a piece of code.

    Args:
        path: an ELF file with debugging information.
        begin: the first address.
        end: the address behind the last.

    Returns:
        ``(end - begin) / 2`` names; empty where there is none.
    """
    names = [""] * ((end - begin) // 2)
    with open_elf(path) as elf:
        dwarf = elf.get_dwarf_info()
        for unit in dwarf.iter_CUs():
            for entry in unit.iter_DIEs():  # an outer function comes before those within it
                if entry.tag in FUNCTIONS:
                    for low, high in _ranges(entry, dwarf):
                        for address in range(max(low, begin), min(high, end), 2):
                            names[(address - begin) // 2] = _name(entry)
    return names


def _name(entry: "DIE") -> str:
    while "DW_AT_name" not in entry.attributes:
        entry = entry.get_DIE_from_attribute("DW_AT_abstract_origin")
    return entry.attributes["DW_AT_name"].value.decode()


def _ranges(entry: "DIE", dwarf: "DWARFInfo") -> Iterator[tuple[int, int]]:
    """The addresses of a function, from each first to behind each last."""
    attributes = entry.attributes
    if "DW_AT_low_pc" in attributes and "DW_AT_high_pc" in attributes:
        low, high = attributes["DW_AT_low_pc"].value, attributes["DW_AT_high_pc"]
        yield low, high.value if high.form == "DW_FORM_addr" else low + high.value
    elif "DW_AT_ranges" in attributes:
        base = entry.cu.get_top_DIE().attributes.get("DW_AT_low_pc")
        offset = base.value if base else 0
        lists = dwarf.range_lists()
        for item in lists.get_range_list_at_offset(attributes["DW_AT_ranges"].value, entry.cu):
            if hasattr(item, "base_address"):
                offset = item.base_address
            else:
                shift = 0 if item.is_absolute else offset
                yield shift + item.begin_offset, shift + item.end_offset
