"""What the benchmark page shows: ``results/benchmarks.csv`` as tables and figures."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure
from pandas.io.formats.style import Styler

from atomicvad.errors import AtomicVADError
from atomicvad.files import project_root
from atomicvad.report.style import WIDTH

KERNEL = "kernel_"  # of a row: kernel_<what>_<whose>
STAGES = ("gather", "augment", "mfcc", "masks", "forward", "backward")


def benchmarks(file: str = "results/benchmarks.csv") -> pd.DataFrame:
    """The measured values and their units, by name; ``file`` lies within the project.

    Raises:
        AtomicVADError: nothing was measured yet.
    """
    path = project_root() / file
    if not path.is_file():
        raise AtomicVADError(f"{path}: no such table; run make bench")
    return pd.read_csv(path, index_col="name")


def readable(table: pd.DataFrame) -> Styler:
    """Names as words, and values with four digits or as whole numbers."""
    return table.rename(lambda name: name.replace("_", " ")).style.format({"value": _digits})


def _digits(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def stage_table(table: pd.DataFrame) -> pd.DataFrame:
    """Each stage's time a window, what it must compute and move, and the limit that this sets.

    The limit is the longer of the two times that the stage's arithmetic and memory traffic would
    take at the rates of this machine's matrix product and copy (roofline: Williams et al. 2009,
    doi 10.1145/1498765.1498785), on one core.
    """
    value = table["value"]
    rows = pd.DataFrame({"stage": STAGES})
    rows["us"] = [value[f"stage_{name}"] for name in STAGES]
    rows["kflop"] = [value.get(f"operations_{name}", 0) / 1e3 for name in STAGES]
    rows["kb"] = [value.get(f"traffic_{name}", 0) / 1e3 for name in STAGES]
    arithmetic = rows["kflop"] / value["machine_gflops_one_core"]
    traffic = rows["kb"] / value["machine_copy_one_core"]
    rows["limit_us"] = pd.concat([arithmetic, traffic], axis=1).max(axis=1)
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
            "us": table.loc[names, "value"].to_numpy(),
        }
    )
    wide = rows.pivot(index="kernel", columns="by", values="us")
    return wide[sorted(wide, key=lambda column: (column != "ours", column))]


def stages(table: pd.DataFrame) -> Figure:
    """Time of each stage beside the machine's limit."""
    rows = stage_table(table).iloc[::-1]
    figure, axes = plt.subplots(figsize=(WIDTH, 2.4))
    axes.barh(rows.index, rows["us"], color="C0", height=0.6, label="measured, one core")
    axes.barh(
        rows.index, rows["limit_us"], color="C1", height=0.25, label="limit of arithmetic or memory"
    )
    for place, row in enumerate(rows.itertuples()):
        axes.annotate(
            f"{row.us:.1f}", (row.us, place), (3, 0), textcoords="offset points", va="center"
        )
    axes.set(xlabel="µs a window")
    axes.grid(axis="y", visible=False)
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    return figure


def throughput(table: pd.DataFrame) -> Figure:
    """Windows per second from end to end, and epochs per second against batch size."""
    value = table["value"]
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 2.6), width_ratios=(1.5, 1))
    bars = {
        "plain pipeline": value["plain_windows_per_second"],
        "ours": value["fit_windows_per_second"],
        "ours, resident batch": value["resident_windows_per_second"],
        "ours, two seeds": value["seeds_in_parallel_2"],
    }
    drawn = left.barh(
        list(bars)[::-1], list(bars.values())[::-1], color=["C2", "C5", "C0", "C6"], height=0.6
    )
    left.bar_label(drawn, fmt="{:,.0f}", padding=3)
    left.set(xlabel="windows per second, two cores", xlim=(0, 1.18 * max(bars.values())))
    left.grid(axis="y", visible=False)
    prefix = "epochs_per_second_batch_"
    sizes = sorted(
        int(name.removeprefix(prefix)) for name in value.index if name.startswith(prefix)
    )
    rates = [value[f"{prefix}{size}"] for size in sizes]
    right.plot(sizes, rates, "o-", color="C0")
    right.set_xscale("log", base=2)
    right.set(xlabel="batch size", ylabel="epochs per second", xticks=sizes)
    right.set_ylim(0, 1.1 * max(rates))
    right.xaxis.set_major_formatter("{x:.0f}")
    return figure


def memory(table: pd.DataFrame) -> Figure:
    """Peak memory of training against the size of the corpus."""
    prefix = "peak_memory_gb_corpus_"
    measured = {
        float(name.removeprefix(prefix).removesuffix("_gb")): row.value
        for name, row in table.iterrows()
        if name.startswith(prefix)
    }
    figure, axes = plt.subplots(figsize=(WIDTH / 2, 2.2))
    axes.plot(list(measured), list(measured.values()), "o-", color="C0")
    axes.set(xlabel="corpus, decoded (GB)", ylabel="peak memory (GB)", xlim=(0, None))
    axes.set_ylim(0, 1.1 * max(measured.values()))
    return figure
