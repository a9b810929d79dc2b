"""The figures of the benchmark page, from the rows of ``benchmark_tables.benchmarks``."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from atomicvad.report.benchmark_tables import LIMIT, TIME, stage_table
from atomicvad.report.style import WIDTH


def stages(table: pd.DataFrame) -> Figure:
    """Time of each stage beside the machine's limit."""
    rows = stage_table(table).iloc[::-1]
    figure, axes = plt.subplots(figsize=(WIDTH, 2.4))
    axes.barh(rows.index, rows[TIME], color="C0", height=0.6, label="measured, one core")
    axes.barh(
        rows.index, rows[LIMIT], color="C1", height=0.25, label="limit of arithmetic or memory"
    )
    for place, time in enumerate(rows[TIME]):
        axes.annotate(f"{time:.1f}", (time, place), (3, 0), textcoords="offset points", va="center")
    axes.set(xlabel="time of a window (µs)")
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
