"""What a page lets one hear and see is there: no silence, no clipping, levels as they are named."""

import base64
import io
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
import soundfile
from matplotlib.text import Text

from atomicvad.audio.signal import SILENCE_DB
from atomicvad.files import project_root
from atomicvad.model import build_model
from atomicvad.report.at_hand import chosen
from atomicvad.report.augmentation_sliders import augmentation_sliders
from atomicvad.report.augmented import Changes, Example, augmentation_steps, mask_steps
from atomicvad.report.breaking import break_it
from atomicvad.report.data_figures import masked_features, waveform_changes
from atomicvad.report.examples import clearest, decibels, example_windows
from atomicvad.report.network_figure import network_picture, network_steps
from atomicvad.report.players import players
from atomicvad.report.sliders import Slider, Sliders


@pytest.fixture(scope="module")
def example(store, tiny):
    return Example(store, tiny)


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def heard(page):
    """The samples of each player."""
    parts = page.data.split("base64,")[1:]
    files = [io.BytesIO(base64.b64decode(part.split('"')[0])) for part in parts]
    return [soundfile.read(file)[0] for file in files]


def test_players_keep_the_levels():
    loud, soft = np.full(1600, 0.5), np.full(1600, 0.005)
    found = heard(players({"loud": loud, "soft": soft}))
    np.testing.assert_allclose([one.max() for one in found], [0.5, 0.005], atol=1e-4)
    found = heard(players({"too loud": 8 * loud, "loud": loud}))
    np.testing.assert_allclose([one.max() for one in found], [1, 0.125], atol=1e-4)
    assert heard(players({"silence": np.zeros(1600)}))[0].max() == 0
    assert "a &lt;b&gt;" in players({"a <b>": soft}).data


def test_no_notebook_plays_past_the_players():
    """IPython's own makes every sound equally loud."""
    for path in (project_root() / "notebooks").glob("*.ipynb"):
        assert "Audio(" not in path.read_text(encoding="utf-8"), path.name


def test_the_clearest_has_a_usual_level_and_is_not_clipped():
    noise = np.random.default_rng(0).normal(size=10080)
    clipped = 0.1 * np.clip(9 * noise, -1, 1)
    assert clearest([0 * noise, 0.001 * noise, clipped, 0.05 * noise, 0.3 * noise]) == 3
    assert clearest([0 * noise, clipped]) == 1
    drift = 0.1 * np.sin(np.arange(10080) / 16000 * 2 * np.pi)
    assert clearest([drift, 0.05 * noise]) == 1


def test_examples_can_be_heard_and_alternate(store, tiny):
    names, rows = zip(*example_windows(store, "training", tiny).items(), strict=True)
    assert [name.split(":")[0] for name in names] == ["background", "speech"] * 3
    assert all(decibels(waveform) > SILENCE_DB for waveform, _ in rows)


def test_each_step_is_as_it_is_called(example):
    steps = augmentation_steps(example)
    before, shifted, mixed, _, level, noisy, filtered = steps.values()
    assert not np.array_equal(before, shifted)
    np.testing.assert_allclose(before[80:], shifted[:-80], atol=1e-6)
    assert decibels(before) - decibels(mixed - before) == pytest.approx(3, abs=1)
    assert decibels(level) == pytest.approx(-35, abs=0.1)
    assert decibels(noisy - before) == pytest.approx(-46, abs=0.2)
    assert decibels(filtered) < decibels(before)
    np.testing.assert_array_equal(example.changed(Changes())[0], before)


def test_masks_are_told_from_values(example):
    steps = mask_steps(example)
    assert not np.ma.is_masked(steps["no masks"])
    for name in ("SpecAugment", "SpecCutout"):
        assert 0 < steps[name].mask.mean() < 1
        assert not steps[name].data[steps[name].mask].any()
    image = masked_features(steps).axes[1].images[0]
    colours = image.cmap(image.norm(steps["SpecAugment"][1:]))
    hidden = steps["SpecAugment"].mask[1:]
    assert (colours[hidden, :3] == 0).all() and (colours[~hidden, :3].max(axis=1) > 0.3).all()


def test_a_change_is_seen_against_what_was_before(example):
    steps = augmentation_steps(example)
    rows = np.array(waveform_changes(steps).axes[: 3 * len(steps)]).reshape(-1, 3)
    for _, detail, _ in rows[1:]:
        before, after = (line.get_ydata() for line in detail.lines)
        assert not np.array_equal(before, after)
    assert len({axes.get_ylim() for axes in rows[:, :2].ravel()}) == 1
    assert len({axes.collections[0].get_clim() for axes in rows[:, 2]}) == 1


def test_sliders_renew_their_outputs(shown):
    sliders = Sliders({"a": Slider("a", 1, 0, 9, 1)}, lambda values: [values["a"], -values["a"]])
    sliders.widgets["a"].value = 2  # before there is anything to renew
    sliders._ipython_display_()
    assert shown == [2, -2]
    sliders.widgets["a"].value = 5
    assert shown == [5, -5]


def test_sliders_of_augmentation_change_what_is_heard(example):
    sliders = augmentation_sliders(example)
    picture, sounds = sliders.outputs(sliders.values())
    assert picture.data.startswith(b"\x89PNG") and "speed 1" in picture.alt
    soft = sliders.outputs(sliders.values() | {"level_db": -50.0, "coefficients": 25.0})[1]
    before, changed = heard(soft)
    np.testing.assert_array_equal(before, heard(sounds)[0])
    assert decibels(changed) == pytest.approx(-50, abs=0.2)
    assert not plt.get_fignums()
    for name, widget in sliders.widgets.items():
        steps = (widget.value - widget.min) / widget.step
        assert steps == pytest.approx(round(steps)), name


def test_the_exercise_has_the_answers_that_are_told():
    """Shares of the speech that is lost and found besides, as notebook 06 says them."""
    sliders = break_it()

    def shares(**values):
        said = sliders.outputs(sliders.values() | values)[1].data
        return [int(part) for part in re.findall(r"(\d+) %", said)]

    assert shares() == [0, 0]
    assert shares(snr_db=3.0)[0] <= 7 and 45 <= shares(snr_db=-3.0)[0] <= 55
    assert shares(gain_db=-60.0)[0] <= 10 and shares(gain_db=-80.0)[0] >= 70
    assert shares(speed=2.0)[1] > 50 and shares(speed=0.5)[0] > 30
    assert max(shares(speed=0.85) + shares(speed=1.2)) <= 3


def test_the_picture_of_the_network_counts_every_parameter():
    model = build_model()
    steps = network_steps(model)
    assert sum(step.parameters for step in steps) == model.count_params() == 298
    assert [step.shape for step in steps[:3]] == [(10080,), (64, 64, 1), (64, 64, 3)]
    figure = network_picture(model)
    figure.canvas.draw()
    said = [text.get_text() for text in figure.findobj(Text)]
    assert "parameters: 298" in said and "64 × 64 × 3" in said
    assert min(text.get_fontsize() for text in figure.findobj(Text)) >= 8


def test_a_notebook_shows_open_once_it_is_there(monkeypatch):
    def settings_at(prepared, missing, *arguments):
        monkeypatch.setattr("atomicvad.report.at_hand.is_prepared", lambda _: prepared)
        monkeypatch.setattr("atomicvad.report.at_hand.missing_seeds", lambda _: missing)
        return chosen(*arguments).profile

    assert settings_at(False, [], None) == "smoke" == settings_at(True, [1], None, True)
    assert settings_at(True, [1], None) == "open" == settings_at(True, [], None, True)
    assert settings_at(True, [], "paper") == "paper"
