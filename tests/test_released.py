"""The paper's text and the released code as profiles: each departure does what it says."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import yaml
from conftest import TINY

from atomicvad.config import Settings, settings_from
from atomicvad.data.manifest import read_split
from atomicvad.files import project_root
from atomicvad.kernels.features import CompiledFeatures
from atomicvad.kernels.keras_call import is_supported
from atomicvad.kernels.masks import spec_augment, spec_cutout
from atomicvad.model import build_features, new_model, new_network
from atomicvad.scoring.logits import logit_score
from atomicvad.sections import PAPER_BLOCKS, WaveformSettings
from atomicvad.training.batches import TrainingBatches, WindowSet
from atomicvad.training.loop import fit
from atomicvad.training.trainer import Trainer
from atomicvad.training.validation import validation_batches


def small(profile: str, **changes) -> Settings:
    """A profile with its own way of training, on the windows of ``tiny``."""
    values = yaml.safe_load((project_root() / "profiles" / f"{profile}.yaml").read_text())
    values = {key: values[key] for key in values if key not in ("sources", "test")}
    values |= {"corpus": "smoke", "seeds": [1], "windows": TINY["windows"]} | changes
    values["scenes"] = TINY["scenes"]
    short = {"batch_size": 32, "epochs": 2, "learning_rate": 0.01}
    values["training"] = values.get("training", {}) | short
    return settings_from(values, "tests", "tiny")


def window_set(settings: Settings, store, split: str = "training") -> WindowSet:
    return WindowSet(read_split(settings.data_folder, split, store), store, settings)


@pytest.mark.parametrize("profile", ["paper", "released"])
def test_the_profile_trains(profile, store, tmp_path):
    network, history = fit(small(profile), 1, store, tmp_path, "", lambda *_: None)
    assert network.count_params() == 298
    assert len(history) == 2 and np.isfinite(history.to_numpy()).all()


def test_the_text_mixes_background_and_the_code_does_not(store):
    for profile, mixed in (("paper", True), ("released", False)):
        batches = TrainingBatches(window_set(small(profile), store), small(profile), 1)
        numbers = np.arange(64)
        assert bool(batches.plan(numbers, batches.seeds(0, numbers)).ratios.any()) == mixed


def test_every_departure_is_set():
    paper, released = small("paper"), small("released")
    assert paper.training.class_balancing and released.training.class_balancing
    departures = {
        ("waveform", "mix_probability"): 0,
        ("waveform", "shift_fill"): "zeros",
        ("masks", "least_width"): 1,
        ("masks", "cut_off_boxes"): True,
        ("model", "one_seed"): True,
        ("training", "augment_validation"): False,
        ("training", "fresh_augmentation"): False,
    }
    for (section, name), value in departures.items():
        assert getattr(getattr(released, section), name) == value
        assert getattr(getattr(paper, section), name) != value
    same = released.model_dump(exclude={"waveform", "masks", "model", "training", "corpus"})
    assert same == paper.model_dump(exclude={"waveform", "masks", "model", "training", "corpus"})


@pytest.mark.parametrize("fill", ["zeros", "recording"])
def test_what_comes_in_at_the_edge_of_a_shifted_window(store, fill):
    waveform = WaveformSettings(
        shift_probability=1, shift_fill=fill, white_noise_probability=0
    ).model_dump()
    settings = small("paper", waveform=waveform)
    windows = window_set(settings, store)
    batches, numbers = TrainingBatches(windows, settings, 1), np.arange(40)
    seeds = batches.seeds(0, numbers)
    found, plan = batches.waveforms(numbers, seeds), batches.plan(numbers, seeds)
    moves = plan.moves if fill == "zeros" else plan.starts - windows.starts[numbers]
    assert len(set(moves)) > 20 and np.abs(moves).max() <= 80
    recorded = store.gather(windows.starts[numbers], 10080) / np.float32(32768)
    for row, whole, move in zip(found, recorded, moves, strict=True):
        inner = slice(max(0, -move), 10080 - max(0, move))
        np.testing.assert_array_equal(row[inner], whole[inner.start + move : inner.stop + move])
        outer = np.delete(row, np.r_[inner])
        assert len(outer) == abs(move)
        if fill == "zeros":
            assert not outer.any()


def test_validation_windows_are_as_recorded(store):
    settings = small("released")
    windows = window_set(settings, store, "validation")
    features = np.concatenate([images for images, _ in validation_batches(settings, windows)])
    layer = CompiledFeatures(build_features(settings))
    expected = layer(store.gather(windows.starts, 10080) / np.float32(32768))
    order = TrainingBatches(windows, settings, 0).order(0).ravel()
    np.testing.assert_array_equal(features, expected[order])


@pytest.mark.parametrize(("profile", "epochs"), [("paper", {0, 1}), ("released", {0})])
def test_batches_are_fresh_or_cached(store, tmp_path, monkeypatch, profile, epochs):
    prepared, prepare = set(), TrainingBatches.prepare

    def noted(self, epoch, numbers):
        prepared.add(epoch) if self.masks else None
        return prepare(self, epoch, numbers)

    monkeypatch.setattr(TrainingBatches, "prepare", noted)
    fit(small(profile), 1, store, tmp_path, "", lambda *_: None)
    assert prepared == epochs


@pytest.mark.parametrize("least", [0, 1])
def test_masks_have_a_least_width(least):
    images, seeds = np.ones((2000, 64, 64, 1), np.float32), np.arange(4000).reshape(-1, 2)
    spec_augment(images, seeds, (1, 3), (0, 1), least=least)
    widths = (images[:, :, 0, 0] == 0).sum(axis=1)
    shares = np.bincount(widths, minlength=4) / 2000
    wanted = [0, 1 / 3, 1 / 3, 1 / 3] if least else [0.25] * 4
    np.testing.assert_allclose(shares, wanted, atol=0.04)


def test_boxes_that_edges_cut_off():
    """Mean area 288, as measured of the released code; a centre has the half size around it."""
    images, seeds = np.ones((6000, 64, 64, 1), np.float32), np.arange(12000).reshape(-1, 2)
    spec_cutout(images, seeds, 1, (25, 15), cut_off=True)
    heights = (images == 0).any(axis=2).sum(axis=1).ravel()
    widths = (images == 0).any(axis=1).sum(axis=1).ravel()
    assert heights.max() == 24 and widths.max() == 14 and heights.min() < 24
    assert (heights * widths).mean() == pytest.approx(288, abs=2)


@pytest.mark.parametrize("cut_off", [False, True])
def test_masks_wider_than_the_image_hide_it_and_nothing_else(cut_off):
    images = np.ones((3, 20, 8, 1), np.float32)
    seeds, where = np.arange(6).reshape(-1, 2), np.array([False, True, False])
    spec_cutout(images, seeds, 5, (50, 30), where=where, cut_off=cut_off)
    spec_augment(images, seeds, (2, 60), (2, 60), where=where, least=1)
    assert images[0].all() and images[2].all() and not images[1].all()


@pytest.mark.parametrize("one_seed", [False, True])
def test_one_seed_for_the_initialisers_of_both_units(one_seed):
    changes = {"model": {"one_seed": one_seed}}
    network = new_network(small("paper", **changes), 7)
    units = [
        [float(weight[0]) for weight in network.get_layer(f"b{n}_activation").weights]
        for n in (1, 2)
    ]
    assert len(set(units[0] + units[1])) == (2 if one_seed else 8)


ARCHITECTURES = {
    "kernel and multiplier": {"model": {"blocks": [
        {"kernel": 5, "multiplier": 4, "pool": 5, "hidden": 8, "filters": 2},
        {"kernel": 3, "multiplier": 2, "pool": 7, "hidden": 8, "filters": 2},
    ]}},
    "pooling, hidden and output filters": {"model": {"blocks": [
        {"kernel": 7, "multiplier": 3, "pool": 4, "hidden": 16, "filters": 4},
        {"kernel": 3, "multiplier": 1, "pool": 3, "hidden": 6, "filters": 3},
    ]}},
    "coefficients and mel bins": {"features": {"mel_bins": 40, "coefficients": 20}},
    "FFT of 1024": {"features": {"fft_length": 1024, "frame_length": 800}},
    "FFT of 256": {"features": {"fft_length": 256, "frame_length": 256, "hop_length": 128}},
    "window of 0.32 s": {"window_samples": 5120, "evaluation": {"smoothing_seconds": 0.3}},
}  # fmt: skip


@pytest.mark.parametrize("changes", ARCHITECTURES.values(), ids=ARCHITECTURES)
def test_other_architectures_train_and_are_scored(changes, store):
    """Through Keras where no kernel is for them: the scores are those of the model itself."""
    settings = small("paper", **changes)
    batches = TrainingBatches(window_set(settings, store), settings, 1)
    trainer = Trainer(settings, 1, 20)
    losses = [float(trainer.step(*next(batches.epoch(0)))[0][0]) for _ in range(12)]
    assert np.isfinite(losses).all() and losses[-1] < losses[0]
    model, draw = new_model(settings, 3), np.random.default_rng(0)
    waveforms = draw.normal(0, 0.1, (20, settings.window_samples)).astype(np.float32)
    expected = model(waveforms, training=False).numpy()
    found = 1 / (1 + np.exp(-logit_score(model)(waveforms)[:, 0]))
    np.testing.assert_allclose(found, expected[:, 1], atol=2e-5)


@pytest.mark.parametrize(("kernel", "compiled"), [(7, True), (5, False)])
def test_the_papers_network_alone_is_compiled(kernel, compiled):
    blocks = [block.model_dump() for block in PAPER_BLOCKS]
    blocks[0]["kernel"] = kernel
    network = new_network(small("paper", model={"blocks": blocks}), 1)
    assert is_supported(network) == compiled
    assert network.count_params() == 298 - 3 * (49 - kernel**2)


def test_features_of_another_fft_are_the_layers_own(store):
    settings = small("paper", features={"fft_length": 1024, "frame_length": 800})
    batches = TrainingBatches(window_set(settings, store), settings, 1, masks=False)
    numbers = np.arange(8)
    seeds = batches.seeds(0, numbers)
    waveforms, response = batches.waveforms(numbers, seeds), batches.response(seeds)
    expected = build_features(settings)(tf.constant(waveforms), tf.constant(response))
    np.testing.assert_array_equal(batches.prepare(0, numbers)[0], expected)


def test_an_fft_that_is_no_power_of_two_is_refused():
    with pytest.raises(Exception, match="power of two, at least 16; got 500"):
        small("paper", features={"fft_length": 500})


def teardown_module():
    keras.mixed_precision.set_global_policy("float32")
