"""Profiles are validated: an unknown key or an impossible value is named."""

import copy
import re

import pytest
from conftest import TINY

from atomicvad import config
from atomicvad.config import load_profile, settings_from
from atomicvad.errors import AtomicVADError
from atomicvad.files import project_root


@pytest.fixture(autouse=True)
def real_profiles(monkeypatch):
    monkeypatch.setattr(config, "project_root", project_root)


@pytest.mark.parametrize("name", ["smoke", "open", "open-centre", "paper", "released"])
def test_profiles_load(name):
    settings = load_profile(name)
    assert settings.profile == name
    assert settings.window_seconds == pytest.approx(0.63)


def test_ten_seeds_are_the_papers():
    assert load_profile("open").seeds == load_profile("paper").seeds
    assert len(load_profile("paper").seeds) == 10


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("seed",), 1, "seed: unknown key"),
        (("training", "batchsize"), 1, "training.batchsize: unknown key"),
        (("training", "batch_size"), 0, "training.batch_size"),
        (("training", "learning_rate"), float("nan"), "training.learning_rate"),
        (("model",), {"activation": "sine"}, "model.activation: expected one of ggcu"),
        (("waveform",), {"mix_snr_db": [10, -10]}, "waveform.mix_snr_db: expected (lowest"),
        (("waveform",), {"mix_probability": 1.2}, "waveform.mix_probability"),
        (("features",), {"frame_length": 600}, "frame_length: expected at most fft_length"),
        (("corpus",), "ava", "corpus"),
        (("windows", "counts"), {"training": 1}, "windows.counts: expected training, validation"),
        (("windows", "stride_seconds"), {"speech": 1}, "background missing"),
        (("training", "trials"), [2, 3], "training.trials: expected fewer starts"),
        (
            ("evaluation",),
            {"smoothing_seconds": 0.7},
            "smoothing_seconds: expected at most a window",
        ),
        (("seeds",), [1, 1], "seeds: expected seeds that differ"),
        (("seeds",), [], "seeds: expected seeds"),
    ],
)
def test_bad_settings_are_named(path, value, said):
    values = copy.deepcopy(TINY)
    place = values
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(AtomicVADError) as caught:
        settings_from(values, "profiles/x.yaml", "x")
    assert str(caught.value).startswith("profiles/x.yaml: ") and said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_unknown_profile_and_seed_are_named():
    with pytest.raises(AtomicVADError, match="got 'opne'"):
        load_profile("opne")
    with pytest.raises(AtomicVADError, match="got 5"):
        load_profile("smoke").run_folder(5)


def test_settings_are_frozen():
    with pytest.raises(ValueError, match="frozen"):
        load_profile("smoke").profile = "other"


def test_the_reference_lies_elsewhere():
    """Also after the run's own folders were asked for."""
    settings = load_profile("smoke")
    run, figures = settings.results_folder, settings.figures_folder
    assert run.parts[-2:] == ("runs", "smoke") and figures == run / "figures"
    assert settings.reference.results_folder.parts[-2:] == ("results", "smoke")
    assert settings.reference.figures_folder.parts[-2:] == ("figures", "smoke")
    assert settings.reference.run_folder(43185).parent == settings.reference.results_folder
    assert "place" not in settings.model_dump()


def test_a_profile_cannot_choose_where_results_lie():
    with pytest.raises(AtomicVADError, match=r"multiple values for keyword argument .place."):
        settings_from({"place": "results"}, "profile", "mine")


def test_a_profile_based_on_another_says_what_differs():
    base, other = load_profile("open"), load_profile("open-centre")
    assert other.windows.target == "centre" and base.windows.target == "window"
    assert other.windows.counts == base.windows.counts and other.waveform == base.waveform
    assert other.profile == "open-centre" and other.data_folder != base.data_folder


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("based_on: nothing", "profile: expected one of"),
        ("based_on: open\nwindows: {targett: centre}", "windows.targett: unknown key"),
        ("based_on: open\nwindows: 3", "windows: "),
    ],
)
def test_a_profile_with_a_wrong_base_is_one_line(text, said, tmp_path, monkeypatch):
    (tmp_path / "profiles").mkdir()
    original = config.project_root() / "profiles" / "open.yaml"
    (tmp_path / "profiles" / "open.yaml").write_text(original.read_text())
    (tmp_path / "profiles" / "mine.yaml").write_text(text)
    monkeypatch.setattr(config, "project_root", lambda: tmp_path)
    with pytest.raises(AtomicVADError, match=re.escape(said)):
        load_profile("mine")
