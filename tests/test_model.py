"""The architecture is the paper's, and released weights give the released numbers."""

import zipfile

import keras
import librosa
import numpy as np
import pytest

from atomicvad.errors import AtomicVADError
from atomicvad.layers.activations import FAMILY, activation
from atomicvad.layers.features import Features
from atomicvad.model import build_model, build_network, load_model, save_model

CHECKPOINTS = [f"AtomicVADGGCU-chkpt{number}.keras" for number in range(5)]


@pytest.fixture(scope="module")
def golden(published):
    with np.load(published / "golden.npz", allow_pickle=False) as arrays:
        return dict(arrays)


def test_parameters_are_298():
    model = build_model()
    assert sum(int(np.prod(w.shape)) for w in model.trainable_weights) == 298
    assert model.count_params() == 298


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        ("b1_conv", (64, 64, 3)),
        ("b1_pool", (13, 13, 3)),
        ("b1_reduce", (13, 13, 2)),
        ("b2_pool", (2, 2, 2)),
        ("b2_reduce", (2, 2, 2)),
        ("skip2_add", (2, 2, 2)),
    ],
)
def test_shapes_are_the_papers(layer, shape):
    assert build_network().get_layer(layer).output.shape[1:] == shape


def test_mfcc_equal_the_released_ones(golden):
    ours = Features()(golden["waveforms"]).numpy()[..., 0]
    assert np.abs(ours - golden["mfcc"]).max() <= 1e-5 * np.abs(golden["mfcc"]).max()


@pytest.mark.parametrize("number", range(5))
def test_released_checkpoints_give_their_probabilities(number, golden, published):
    model = load_model(published / CHECKPOINTS[number])
    expected = golden["probabilities"][number]
    together = model(golden["waveforms"]).numpy()
    alone = np.concatenate([model(one[np.newaxis]).numpy() for one in golden["waveforms"]])
    assert np.abs(together - expected).max() <= 1e-5
    assert np.abs(alone - expected).max() <= 1e-5


def test_a_loud_neighbour_changes_nothing():
    quiet = 1e-3 * np.random.default_rng(0).standard_normal((1, 10080)).astype(np.float32)
    loud = np.ones((1, 10080), np.float32) * np.sin(np.arange(10080) / 5)
    layer = Features()
    beside = layer(np.concatenate([quiet, loud]).astype(np.float32)).numpy()[:1]
    np.testing.assert_allclose(layer(quiet).numpy(), beside, atol=1e-3)


def test_golden_signals():
    """Silence is flat, a tone peaks at its own mel bin, noise fills the band."""
    layer = Features("log_mel", floor_db=80.0)
    silence = layer(np.zeros((1, 10080), np.float32)).numpy()
    assert np.ptp(silence) == 0
    tone = np.sin(2 * np.pi * 440 * np.arange(10080) / 16000).astype(np.float32)[np.newaxis]
    peak = layer(tone).numpy()[0, :, 30, 0].argmax()
    centres = 700 * (np.exp(np.linspace(*mel_edges(), 66)[1:-1] / 1127) - 1)
    assert abs(centres[peak] - 440) < 60
    noise = np.random.default_rng(0).standard_normal((1, 10080)).astype(np.float32)
    assert layer(noise).numpy()[0, :, :, 0].mean(axis=1).std() < 6


def mel_edges():
    return [1127 * np.log(1 + hertz / 700) for hertz in (20, 8000)]


def test_features_against_a_slow_reference():
    """One frame, one filter, one coefficient at a time, in float64."""
    waveform = np.random.default_rng(1).standard_normal(10080) * 0.1
    layer = Features()
    ours = layer(waveform[np.newaxis].astype(np.float32)).numpy()[0, :, :, 0]
    padded = np.pad(waveform, 256, mode="reflect")
    hamming = 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(400) / 400)
    decibels = np.empty((64, 64))
    for frame in range(64):
        piece = np.zeros(512)
        piece[56:456] = padded[frame * 160 + 56 : frame * 160 + 456] * hamming
        power = np.abs(np.fft.rfft(piece)) ** 2
        for mel in range(64):
            decibels[frame, mel] = 10 * np.log10(max(power @ layer.mel[:, mel], 1e-10))
    decibels = np.maximum(decibels, decibels.max() - 80)
    for coefficient in range(64):
        angles = np.pi * coefficient * (np.arange(64) + 0.5) / 64
        expected = 2 * decibels @ np.cos(angles) / np.sqrt(128)
        np.testing.assert_allclose(ours[coefficient], expected, atol=2e-3)


def test_mfcc_are_librosas():
    """Of its transform, decibels and DCT; its first coefficient is scaled otherwise."""
    waveform = np.random.default_rng(2).standard_normal(10080).astype(np.float32) * 0.1
    layer = Features()
    spectrum = librosa.stft(
        waveform, n_fft=512, hop_length=160, win_length=400, window="hamming", pad_mode="reflect"
    )
    decibels = librosa.power_to_db(layer.mel.T @ np.abs(spectrum) ** 2, top_db=80)
    expected = librosa.feature.mfcc(S=decibels, n_mfcc=64)
    expected[0] *= np.sqrt(2)
    np.testing.assert_allclose(layer(waveform[np.newaxis])[0, :, :, 0], expected, atol=2e-3)


@pytest.mark.parametrize("name", [*FAMILY, "elu", "gelu", "leaky_relu", "mish", "silu"])
def test_activations_eager_symbolic_and_saved(name, tmp_path):
    x = np.linspace(-3, 3, 12, dtype=np.float32).reshape(2, 6)
    inputs = keras.Input((6,))
    model = keras.Model(inputs, activation(name, seed=3)(inputs))
    expected = model(x).numpy()
    assert expected.shape == x.shape
    model.save(tmp_path / "activation.keras")
    loaded = keras.saving.load_model(tmp_path / "activation.keras")
    np.testing.assert_array_equal(loaded(x).numpy(), expected)


def test_gcu_and_ggcu_are_their_formulas():
    x = np.linspace(-3, 3, 7, dtype=np.float32)[np.newaxis]
    np.testing.assert_allclose(activation("gcu")(x).numpy(), x * np.cos(x), rtol=1e-6)
    layer = activation("ggcu", seed=1)
    layer.build(x.shape)
    w1, w2, b1, b2 = (weight.numpy() for weight in layer.weights)
    expected = (w1 * x + b1) * np.cos(w2 * x + b2)
    np.testing.assert_allclose(layer(x).numpy(), expected, rtol=1e-5)


def test_an_unknown_activation_is_named():
    with pytest.raises(ValueError, match="'sine'"):
        activation("sine")


def test_saved_twice_the_bytes_are_the_same(tmp_path):
    model = build_model(build_network(seed=5))
    for name in ("a.keras", "b.keras"):
        save_model(model, tmp_path / name)
    assert (tmp_path / "a.keras").read_bytes() == (tmp_path / "b.keras").read_bytes()
    assert zipfile.ZipFile(tmp_path / "a.keras").testzip() is None
    again = load_model(tmp_path / "a.keras")
    for ours, theirs in zip(model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    assert len(list(tmp_path.iterdir())) == 2


def test_other_weights_are_refused(tmp_path):
    other = tmp_path / "other.keras"
    save_model(build_model(build_network(activation_name="gcu")), other)
    with pytest.raises(AtomicVADError, match="another architecture"):
        load_model(other)
    with pytest.raises(AtomicVADError, match="no such weight file"):
        load_model(tmp_path / "none.keras")
    (tmp_path / "text.keras").write_text("not a zip file")
    with pytest.raises(AtomicVADError, match=r"text\.keras: not a \.keras weight file"):
        load_model(tmp_path / "text.keras")


def test_a_seed_gives_the_same_initial_weights():
    first, again, other = (build_network(seed=seed) for seed in (1, 1, 2))
    same = [np.array_equal(a, b) for a, b in zip(first.weights, again.weights, strict=True)]
    assert all(same)
    assert not all(np.array_equal(a, b) for a, b in zip(first.weights, other.weights, strict=True))


@pytest.mark.parametrize(
    "config",
    [
        *("null", "3", "[]", "{}", "nan", "[" * 100_000, '{"config": {"layers": [null]}}'),
        *('{"config": {"layers": "abc"}}', '{"config": {"layers": [{"class_name": 3}]}}'),
        '{"config": {"layers": [{"class_name": "Functional", "config": null}]}}',
    ],
)
def test_any_json_in_a_weight_file_is_one_error(tmp_path, config):
    save_model(build_model(), tmp_path / "good.keras")
    with (
        zipfile.ZipFile(tmp_path / "good.keras") as good,
        zipfile.ZipFile(tmp_path / "bad.keras", "w") as bad,
    ):
        for name in good.namelist():
            bad.writestr(name, config if name == "config.json" else good.read(name))
    with pytest.raises(AtomicVADError, match=r"bad.keras: not a .keras weight file") as caught:
        load_model(tmp_path / "bad.keras")
    assert len(str(caught.value)) < 500


def test_weights_that_are_no_numbers_are_refused(tmp_path):
    model = build_model()
    model.weights[3].assign(np.full(model.weights[3].shape, np.nan))
    save_model(model, tmp_path / "nan.keras")
    with pytest.raises(AtomicVADError, match="some weights are not finite"):
        load_model(tmp_path / "nan.keras")
