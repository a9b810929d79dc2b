"""Every figure draws from tidy tables, names its axes, and is the same file twice."""

import io

import matplotlib

from atomicvad.report import (
    collate,
    data_figures,
    data_tables,
    device_figures,
    figures,
    real_figures,
    real_tables,
    style,
    system_figures,
)

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text
from PIL import Image

from atomicvad.evaluation import real
from atomicvad.evaluation.systems import COLUMNS

SEEDS = (1, 2, 3)
CONDITIONS = ("clean", "noise", "music")
RNG = np.random.default_rng


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def training_curves():
    epochs = np.arange(1, 5)
    columns = {"epoch": epochs, "loss": 0.2 / epochs, "val_loss": 0.3 / epochs}
    columns |= {"val_auroc": 1 - 0.2 / epochs, "learning_rate": 0.02 / epochs}
    return figures.training_curves(pd.concat(pd.DataFrame(columns).assign(seed=s) for s in SEEDS))


def roc_by_condition():
    labels = pd.DataFrame({"condition": ["background", *CONDITIONS] * 25})
    labels["speech"] = labels["condition"] != "background"
    scores = {s: pd.Series(RNG(s).random(100) + 0.4 * labels["speech"]) for s in SEEDS}
    return figures.roc_by_condition(scores, labels, 0.315)


def auroc_by_seed():
    rows = [
        {"variant": variant, "dataset": "scenes", "protocol": "swi-median", "metric": "auroc"}
        | {"condition": condition, "seed": seed, "value": 0.9 + seed / 100}
        for variant in ("atomicvad", "released")
        for condition in ("all", *CONDITIONS)
        for seed in SEEDS
    ]
    metrics = pd.DataFrame(rows)
    summary = collate.summarise(metrics)
    return figures.auroc_by_seed(metrics, summary, summary)


def timeline(audio=True):
    waveform = RNG(0).uniform(-0.5, 0.5, 5 * 16000) if audio else np.zeros(0)
    segments = pd.DataFrame({"start": [900.0, 902.0], "end": [902.0, 905.0]})
    segments["condition"] = ["clean", "background"]
    windows = pd.DataFrame({"segment": [0, 0, 1, 1], "window_start": [900.0, 901.3, 902.0, 904.3]})
    scores = [windows.assign(seed=s, probability=RNG(s).random(4)) for s in SEEDS]
    return figures.timeline(waveform, segments, pd.concat(scores), 900.0, 5.0, 0.63)


def activation_curves():
    return figures.activation_curves(
        {s: {"b1": RNG(s).random(4), "b2": -np.ones(4)} for s in SEEDS}
    )


def recordings():
    splits = np.repeat(["training", "validation", "testing"], 3)
    table = pd.DataFrame({"split": splits, "kind": ["speech", "noise", "music"] * 3})
    return table.assign(source=[f"source-{n}" for n in range(9)], samples=16000 * 300)


def corpus_minutes():
    return data_figures.corpus_minutes(recordings())


def levels_and_bandwidth():
    return data_figures.levels_and_bandwidth(
        recordings().assign(level_db=-20.0, bandwidth_hz=4000.0)
    )


def waveforms_and_features():
    row = (RNG(0).normal(size=10080), RNG(1).normal(size=(64, 64)))
    return data_figures.waveforms_and_features({"before": row, "after": row})


def systems_table():
    keys = [("swi-median", condition, "auroc") for condition in ("all", *CONDITIONS)]
    edges = [f"{edge}_latency_p{part}" for edge in ("onset", "offset") for part in (50, 95)]
    keys += [("frame-causal", "all", edge) for edge in edges]
    names = ("atomicvad", "released", "silero")
    rows = [(name, *key, 0.8, 0.7, 0.9, 10) for name in names for key in keys]
    return pd.DataFrame(rows, columns=COLUMNS)


def auroc_by_system():
    return system_figures.auroc_by_system(systems_table())


def latencies():
    return system_figures.latencies(systems_table())


def reliability():
    edges = np.linspace(0.05, 0.95, 10)
    curve = {"probability": edges, "share": edges**2}
    return system_figures.reliability({"atomicvad": [curve, curve], "silero": [curve]})


def atlas_map():
    rows = [
        {"system": system, "group": group, "case": f"{group} {n}", "right": n / 4} | {"members": 1}
        for system in ("atomicvad", "silero")
        for group in ("no speech", "speech")
        for n in range(5)
    ]
    return system_figures.atlas_map(pd.DataFrame(rows))


def real_table():
    groups = {"auroc": ["all", real_tables.AGAINST], "false_share_tuned": ["all", "dog", "cat"]}
    groups["recall_tuned"] = [f"turns {name}" for name in real.group_names(real.TURN_EDGES)]
    pauses = [f"pauses {name}" for name in real.group_names(real.PAUSE_EDGES)]
    groups["false_share_tuned"] += pauses[1:]  # a group may be missing
    rows = [
        (corpus, system, "frame", metric, group, 0.6, 0.5, 0.7, 3)
        for corpus in (real_tables.AMI, real_tables.SOUNDS)
        for system in ("atomicvad", "silero")
        for metric, names in groups.items()
        for group in names
    ]
    return pd.DataFrame(rows, columns=real.COLUMNS)


def real_auroc():
    table = real_table()
    meetings = (table["corpus"] == real_tables.AMI) & (table["group"] == real_tables.AGAINST)
    return real_figures.real_auroc(table[~meetings])


def real_lengths():
    return real_figures.real_lengths(real_table(), {"turns < 0.5 s": 1.5})


def real_categories():
    return real_figures.real_categories(real_table())


def int8_figure():
    names = ("whole network", "MFCC", "normalisation")
    rows = [(s, name, 0.01 * s, 0.8 + s / 50, 0.9) for name in names for s in SEEDS]
    columns = ("seed", "quantised", "share", "auroc", "auroc_float")
    return device_figures.int8_figure(pd.DataFrame(rows, columns=columns))


ALL = [
    int8_figure,
    *(auroc_by_system, latencies, reliability, atlas_map),
    *(real_auroc, real_lengths, real_categories),
    *(training_curves, roc_by_condition, auroc_by_seed, timeline, activation_curves),
    *(corpus_minutes, levels_and_bandwidth, waveforms_and_features),
]


@pytest.mark.parametrize("draw", ALL)
def test_every_axis_says_what_it_shows(draw):
    panels = [axes for axes in draw().axes if axes.get_label() != "<colorbar>"]
    assert all(axes.get_xlabel() for axes in panels if axes.get_subplotspec().is_last_row())
    assert all(axes.get_ylabel() or axes.get_yticklabels()[0].get_text() for axes in panels)


def test_a_timeline_without_audio_still_shows_the_scores():
    assert timeline(audio=False).axes[1].lines


@pytest.mark.parametrize("draw", [training_curves, timeline])
def test_a_figure_is_the_same_file_twice_and_leaves_nothing_else(draw, tmp_path):
    for folder in ("one", "two"):
        assert style.save(draw(), tmp_path / folder, "figure") == tmp_path / folder / "figure.png"
    for name in ("figure.pdf", "figure.png"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    assert {p.name for p in (tmp_path / "one").iterdir()} == {"figure.pdf", "figure.png"}


@pytest.mark.parametrize("draw", [training_curves, timeline])
def test_a_palette_shows_the_colours_that_were_drawn(draw, tmp_path):
    figure, drawn = draw(), io.BytesIO()
    figure.savefig(drawn, format="png")
    saved = Image.open(style.save(figure, tmp_path, "figure"))
    found, expected = (
        np.asarray(picture.convert("RGB"), int) for picture in (saved, Image.open(drawn))
    )
    assert saved.mode == "P" and found.shape == expected.shape
    assert abs(found - expected).mean() < 0.5 and abs(found - expected).max() < 16


@pytest.mark.parametrize("draw", ALL)
def test_type_is_legible_in_print(draw):
    figure = draw()
    figure.canvas.draw()
    assert min(text.get_fontsize() for text in figure.findobj(Text) if text.get_text()) >= 8


def test_no_score_is_drawn_where_two_segments_meet():
    bottom = timeline().axes[1]
    # The dotted threshold is the last line.
    spans = [line.get_xdata()[[0, -1]] for line in bottom.lines[:-1]]
    np.testing.assert_allclose(spans, [[900.315, 901.615], [902.315, 904.615]])


def test_a_kind_of_recording_has_one_colour():
    legends = [corpus_minutes().legends[0], levels_and_bandwidth().axes[0].get_legend()]
    first, second = (
        {
            text.get_text(): tuple(np.ravel(handle.get_facecolor())[:3])
            for text, handle in zip(legend.get_texts(), legend.legend_handles, strict=True)
        }
        for legend in legends
    )
    assert first == second


def test_tables_begin_with_training_and_speech():
    table = data_tables.hours_table(
        recordings().iloc[::-1].assign(recording="", language="", speaker="")
    )
    splits = ("training", "validation", "testing")
    assert list(table.index) == [(s, k) for s in splits for k in ("speech", "noise", "music")]
