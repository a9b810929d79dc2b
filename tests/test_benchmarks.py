"""Benchmarks compare fairly, and their page says what was measured."""

import numpy as np
import pandas as pd
import pytest

from atomicvad.config import load_profile
from atomicvad.data.manifest import read_split
from atomicvad.report import benchmark_tables
from atomicvad.report.benchmark_tables import LIMIT
from atomicvad.training.batches import TrainingBatches, WindowSet
from benchmarks import data
from benchmarks.plain import PlainTraining
from benchmarks.timing import in_turns
from benchmarks.training import Fit, needed


def test_what_is_compared_takes_turns():
    calls = []
    taken = in_turns({"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, rounds=3)
    assert calls == ["a", "b"] * 4 and set(taken) == {"a", "b"}


def test_a_stage_is_limited_by_arithmetic_or_memory():
    values = {f"stage_{name}": 100.0 for name in benchmark_tables.STAGES}
    values |= {name: value for name, value, _ in needed(load_profile("open"))}
    values |= {"machine_gflops_one_core": 100.0, "machine_copy_one_core": 10.0}
    table = benchmark_tables.stage_table(pd.DataFrame({"value": values}))
    forward, gather = table.loc["forward"], table.loc["gather"]
    assert forward[LIMIT] == pytest.approx(2 * 612_058 / 100e9 * 1e6)
    assert gather[LIMIT] == pytest.approx(4 * 10080 / 10e9 * 1e6)
    assert (table[LIMIT].dropna() < 100).all() and np.isnan(table.loc["masks", LIMIT])


def test_kernels_stand_beside_libraries():
    values = {"kernel_power_spectrum_ours": 1.0, "kernel_power_spectrum_scipy": 3.0}
    values |= {"kernel_masks_ours": 2.0, "kernel_masks_numpy": 4.0, "another_row": 5.0}
    table = benchmark_tables.kernel_table(pd.DataFrame({"value": values}))
    assert list(table.columns) == ["ours", "numpy", "scipy"]
    assert table.loc["power spectrum", "scipy"] == 3.0 and table.loc["masks", "numpy"] == 4.0
    assert benchmark_tables.kernel_table(pd.DataFrame({"value": {"x": 1.0}})).empty


def test_values_are_read_without_powers_of_ten():
    values = {"fit_windows_per_second": 16670.4, "stage_masks": 1.8512, "operations_gather": 0}
    table = pd.DataFrame({"value": values, "unit": "us/window"})
    page = benchmark_tables.readable(table).to_html()
    shown = ("16,670", "1.851", "0", "stage masks", "µs/window")
    assert all(f">{text}<" in page for text in shown)


def test_the_plain_pipeline_and_ours_learn(tiny, store):
    windows = WindowSet(read_split(tiny.data_folder, "training", store), store, tiny)
    batches = TrainingBatches(windows, tiny, 1)
    plain = PlainTraining(batches, tiny)
    stream = plain.waveforms(tiny.training.batch_size)
    losses = [float(plain.step(*next(stream))) for _ in range(3)]
    assert np.isfinite(losses).all() and len(set(losses)) == 3
    fit = Fit(batches, tiny)
    before = fit.trainer.starts[0].weights.numpy()
    fit.steps(batches.steps + 1)  # into the next epoch
    assert int(fit.trainer.starts[0].optimizer.iterations) == batches.steps + 1
    assert not np.array_equal(fit.trainer.starts[0].weights.numpy(), before)
    fit.stream.close()


def test_a_tree_of_files_is_indexed_and_decoded():
    rows = {name: value for name, value, _ in data.bench(files=8, decoded=4, seconds=0.7)}
    names = {"index_of_8_files", "index_of_8_known_files", "decoding_into_the_store"}
    assert rows.keys() == names and min(rows.values()) > 0
