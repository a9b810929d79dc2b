"""The tables of the benchmark page, from ``results/benchmarks.csv``."""

from math import nan

import pandas as pd
from pandas.io.formats.style import Styler

from atomicvad.errors import AtomicVADError
from atomicvad.files import project_root

BENCHMARKS = "results/benchmarks.csv"
KERNEL = "kernel_"  # of a row: kernel_<what>_<whose>
STAGES = ("gather", "augment", "mfcc", "masks", "forward", "backward")
TIME, LIMIT = "time (µs)", "limit (µs)"  # of a window
ARITHMETIC, TRAFFIC = "arithmetic (thousand operations)", "memory traffic (kB)"
# Units as they are read; the others are words already.
UNITS = {
    "us/window": "µs/window",
    "FLOP/window": "operations/window",
    "GFLOP/s": "billion operations/s",
    "1/s": "epochs/s",
    "x real time": "times real time",
}


def benchmarks(file: str = BENCHMARKS) -> pd.DataFrame:
    """The measured values and their units, by name; ``file`` lies within the project.

    Raises:
        AtomicVADError: nothing was measured yet.
    """
    path = project_root() / file
    if not path.is_file():
        raise AtomicVADError(f"{path}: no such table; run make bench")
    return pd.read_csv(path, index_col="name")


def readable(table: pd.DataFrame) -> Styler:
    """Names and units as words, and values with four digits or as whole numbers."""
    named = table.replace({"unit": UNITS}).rename(lambda name: name.replace("_", " "))
    return named.rename_axis("quantity").style.format({"value": _digits})


def _digits(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def stage_table(table: pd.DataFrame) -> pd.DataFrame:
    """Each stage's time a window, what it must compute and move, and the limit that this sets.

    The limit is the longer of the two times that the stage's arithmetic and memory traffic would
    take at the rates of this machine's matrix product and copy (roofline: Williams et al. 2009,
    doi 10.1145/1498765.1498785), on one core. What was not counted is not a number.
    """
    value = table["value"]
    rows = pd.DataFrame({"stage": STAGES})
    rows[TIME] = [value[f"stage_{name}"] for name in STAGES]
    rows[ARITHMETIC] = [value.get(f"operations_{name}", nan) / 1e3 for name in STAGES]
    rows[TRAFFIC] = [value.get(f"traffic_{name}", nan) / 1e3 for name in STAGES]
    arithmetic = rows[ARITHMETIC] / value["machine_gflops_one_core"]
    traffic = rows[TRAFFIC] / value["machine_copy_one_core"]
    rows[LIMIT] = pd.concat([arithmetic, traffic], axis=1).max(axis=1)
    return rows.set_index("stage")


def kernel_table(table: pd.DataFrame) -> pd.DataFrame:
    """µs a window of each compiled kernel (``ours``) and of libraries that give the same numbers.

    Empty where the file has no such rows.
    """
    names = table.index[table.index.str.startswith(KERNEL)]
    parts = names.str.removeprefix(KERNEL).str.rsplit("_", n=1)
    rows = pd.DataFrame(
        {
            "kernel": parts.str[0].str.replace("_", " "),
            "by": parts.str[1],
            TIME: table.loc[names, "value"].to_numpy(),
        }
    )
    wide = rows.pivot(index="kernel", columns="by", values=TIME)
    return wide[sorted(wide, key=lambda column: (column != "ours", column))].rename_axis(
        columns=TIME
    )
