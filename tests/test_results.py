"""Tables over seeds: right means, intervals and comparisons; missing seeds are named."""

import numpy as np
import pandas as pd
import pytest

from atomicvad.errors import AtomicVADError
from atomicvad.evaluation import intervals
from atomicvad.evaluation.systems import COLUMNS
from atomicvad.report import collate, tables

ROW = {"variant": "atomicvad", "dataset": "scenes", "protocol": "swi-median"}


def metrics(values):
    rows = [
        ROW | {"condition": "all", "metric": "auroc", "seed": seed, "value": value}
        for seed, value in enumerate(values)
    ]
    return pd.DataFrame(rows)


def test_summary_is_mean_std_and_interval():
    values = [0.9, 0.92, 0.94, 0.96]
    row = collate.summarise(metrics(values)).iloc[0]
    assert row["mean"] == pytest.approx(0.93)
    assert row["std"] == pytest.approx(np.std(values, ddof=1))
    assert 0.9 <= row["low"] < 0.93 < row["high"] <= 0.96
    assert row["n"] == 4


def test_interval_covers_the_mean_about_as_often_as_it_says():
    generator = np.random.default_rng(0)
    hits = 0
    for _ in range(100):
        low, high = intervals.interval_of_mean(generator.normal(0.9, 0.02, 10))
        hits += low <= 0.9 <= high
    assert 82 <= hits <= 99


def test_testing_lines_have_the_released_trainings_form(tiny):
    tiny.results_folder.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame({"metric": ["loss", "auc"] * 2, "value": [0.1, 0.98, 0.2, 1.0]})
    collate.summarise(table, ["metric"]).to_csv(tiny.results_folder / "testing.csv", index=False)
    assert collate.testing_lines(tiny) == ["loss: 0.1500 ± 0.0707", "auc: 0.9900 ± 0.0141"]


def test_tables_are_collated_once_and_again_when_something_changed(tiny, monkeypatch):
    folder, made = tiny.results_folder, []

    def write(settings):
        made.append(len(made))
        for name in collate.TABLES:
            (folder / name).write_text(f"summary\n{len(made)}\n")

    monkeypatch.setattr(collate, "_write_tables", write)
    collate.collate(tiny)
    assert collate.collate(tiny)["summary"].tolist() == [1] and len(made) == 1
    for path in ("paired.csv", "seed-1/scores.npz", "systems/energy/system.json"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("another content")
        collate.collate(tiny)
        collate.collate(tiny)
    assert len(made) == 4
    (folder / "ledger.csv").unlink()
    assert collate.collate(tiny)["summary"].tolist() == [5]


def test_missing_seeds_are_named(tiny):
    with pytest.raises(AtomicVADError, match="seed 1, 4"):
        collate._seed_table(tiny, "nothing.csv")


def test_the_released_row_says_how_many_checkpoints_there_are():
    row = ("swi-median", "all", "auroc", 0.9, 0.9, 0.9)
    for members in (5, 10):
        table = pd.DataFrame([("released", *row, members)], columns=COLUMNS)
        assert f"released checkpoints ({members} of 10) |" in tables.markdown_table(table)


def test_the_table_shows_every_system_and_marks_the_papers_row():
    keys = [("swi-median", c, "auroc") for c in ("all", "clean", "noise", "music")]
    keys += [("frame", "all", "auroc"), ("swi-median", "all", "f2_tuned")]
    names = ("atomicvad", "released")
    rows = [(name, *key, 0.905, 0.9, 0.91, 10) for name in names for key in keys]
    text = tables.markdown_table(pd.DataFrame(rows, columns=COLUMNS))
    assert text.count("0.905 [0.900, 0.910]") == 12
    assert "another test set" in text and "| 0.903 |" in text and "0.891 |" in text


def test_whoever_is_above_is_named():
    row = {"protocol": "swi-median", "metric": "auroc", "other": "marblenet", "condition": "noise"}
    row |= {"members": 1}
    below = row | {"other": "webrtc", "difference": 0.3, "low": 0.2, "high": 0.4}
    above = row | {"difference": -0.05, "low": -0.07, "high": -0.03}
    text = tables.standing(pd.DataFrame([above, below]))
    assert "noise: Frame-VAD MarbleNet v2 by 0.050 [0.030, 0.070]" in text and "WebRTC" not in text
    assert "No other system" in tables.standing(pd.DataFrame([below]))
