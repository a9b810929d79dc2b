"""Exports decide as we do, are the same bytes each time, and refuse what cannot be exported."""

import errno
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import onnxruntime
import pandas as pd
import pytest
from conftest import TINY
from scipy.special import expit
from test_cli import atomicvad
from test_emulate import needs

from atomicvad import config
from atomicvad.audio.signal import to_int16
from atomicvad.cli import main
from atomicvad.config import load_profile, settings_from
from atomicvad.corpora.generated import generate
from atomicvad.data.manifest import manifest_path, write_manifest
from atomicvad.device import int8
from atomicvad.device.export import contents
from atomicvad.device.export.contents import sample_window
from atomicvad.device.export.folder import export, write_folder
from atomicvad.device.export.models import exportable_model
from atomicvad.device.export.onnx import onnx_model
from atomicvad.device.export.targets import TARGETS
from atomicvad.device.export.tflite import (
    features_by_products,
    run_tflite,
    tflite_model,
    tflite_network,
)
from atomicvad.device.export.wasm import MODULE
from atomicvad.errors import AtomicVADError
from atomicvad.files import RECORDINGS, SAMPLES, project_root
from atomicvad.layers.features import Features
from atomicvad.model import build_model, build_network, save_model
from atomicvad.scoring.logits import logit_score
from atomicvad.stamps import content_of

PATH = project_root() / "results" / "open" / "seed-43185" / "model.keras"
SETTINGS = load_profile("open")


@pytest.fixture(scope="module")
def model() -> keras.Model:
    return exportable_model(PATH)


@pytest.fixture(scope="module")
def windows() -> np.ndarray:
    """Speech, noises, silence, full scale: float32 ``[126, 10080]``."""
    sounds = [generate(sound, (5, n), 12.6) for n, sound in enumerate(("speech", "hum", "gusts"))]
    sounds += [generate("speech", (6,), 12.6) + 0.3 * sounds[2], 1e-3 * sounds[0]]
    rows = np.concatenate(sounds).reshape(-1, 10080)
    odd = [np.zeros(10080), np.ones(10080), np.sign(np.sin(np.arange(10080))), np.eye(10080)[5000]]
    odd += [np.arange(10080) % 2, sample_window() / 32768]
    half = np.where(np.arange(10080) < 5040, rows[0], 0)
    return np.concatenate([rows, odd, half[np.newaxis]])[:126].astype(np.float32)


def run_onnx(model: keras.Model, windows: np.ndarray) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(onnx_model(model).SerializeToString())
    return session.run(["probabilities", "logit"], {"waveform": windows})


def agree(found: np.ndarray, expected: np.ndarray) -> None:
    """The bounds that users are told: no other decision, probabilities within 3e-5."""
    assert np.abs(found - expected).max() <= 3e-5
    clear = np.abs(expected - 0.5) > 1e-5
    assert ((found >= 0.5) == (expected >= 0.5))[clear].all()


def test_onnx_decides_as_our_scoring_does(model, windows):
    probabilities, logit = run_onnx(model, windows)
    expected = logit_score(model)(windows)[:, 0]
    agree(probabilities[:, 1], expit(expected))
    np.testing.assert_allclose(logit, expected, atol=2e-4)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)


def test_onnx_windows_do_not_touch_each_other(model, windows):
    alone = [run_onnx(model, window[np.newaxis])[1][0] for window in windows[:3]]
    np.testing.assert_allclose(run_onnx(model, windows)[1][:3], alone, atol=1e-5)


def test_onnx_is_small_and_the_same_bytes_each_time(model):
    first, second = (onnx_model(m).SerializeToString() for m in (model, exportable_model(PATH)))
    assert first == second and len(first) <= 90_000


@pytest.mark.parametrize("number", [0, 2])
def test_released_checkpoints_keep_their_probabilities(number, published):
    with np.load(published / "golden.npz", allow_pickle=False) as golden:
        waveforms, expected = golden["waveforms"], golden["probabilities"][number][:, 1]
    released = exportable_model(published / f"AtomicVADGGCU-chkpt{number}.keras")
    agree(run_onnx(released, waveforms)[0][:, 1], expected)
    agree(run_tflite(tflite_model(released), waveforms), expected)


def test_tflite_decides_as_our_scoring_does(model, windows):
    expected = expit(logit_score(model)(windows)[:, 0])
    agree(run_tflite(tflite_model(model), windows), expected)
    features = model.layers[1](windows).numpy()
    agree(run_tflite(tflite_network(model), features), expected)


def test_tflite_bytes_do_not_depend_on_what_was_called_before(model, windows):
    first = tflite_network(model), tflite_model(model)
    again = exportable_model(PATH)
    again(windows[:1])
    assert (tflite_network(again), tflite_model(again)) == first
    assert len(first[0]) <= 9_000 and len(first[1]) <= 120_000
    assert not any(b"2.2" in content for content in first)  # a version of TensorFlow


def test_features_by_products_are_the_layers(windows):
    layer = Features()
    for window in windows[[0, 30, 70]]:
        found = features_by_products(layer, 10080)(window[np.newaxis])
        np.testing.assert_allclose(found, layer(window[np.newaxis]), atol=5e-3)


def check_folders(one: Path, two: Path) -> None:
    """Two exports of the same weights are the same files, and tell all there is to know."""
    names = sorted(path.name for path in one.iterdir())
    assert names == sorted(path.name for path in two.iterdir())
    assert all((one / name).read_bytes() == (two / name).read_bytes() for name in names)
    readme, example = (one / "README.md").read_text(), (one / "example.py").read_text()
    assert all(name in readme for name in names if name != "README.md")
    assert example in readme and len(example.splitlines()) == 5


def check_example(folder: Path) -> None:
    """The example runs where it lies, and prints what is expected."""
    command = [sys.executable, "example.py"]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    expected = json.loads((folder / "expected.json").read_text())
    assert float(ran.stdout.split()[1]) == pytest.approx(expected["probability"], abs=2e-5)


def test_the_same_weights_give_the_same_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(config, "project_root", project_root)
    shutil.copy(PATH, tmp_path / "mine.keras")
    names, out = ["43185", str(tmp_path / "mine.keras")], tmp_path / "new" / "made"
    made = export(names, "onnx", out, SETTINGS)
    assert [folder for _, folder in made] == [out / "seed-43185", out / "mine"]
    check_folders(*(folder for _, folder in made))
    check_example(out / "mine")
    assert [path.name for path in out.parent.iterdir()] == ["made"]


def test_the_command_is_quiet_and_its_example_runs(tmp_path, model):
    result = atomicvad("export", "43185", "--target", "tflite", "--out", str(tmp_path / "made"))
    assert (result.returncode, result.stderr) == (0, "")
    folder = tmp_path / "made" / "seed-43185"
    assert str(folder) in result.stdout
    write_folder(model, "tflite", tmp_path / "again")
    check_folders(folder, tmp_path / "again")
    check_example(folder)


def test_the_folder_for_firmware_runs_as_it_says(tmp_path, model):
    """Compiled by the line at the example's top, it prints the logit that is expected."""
    needs("cc")
    folder = tmp_path / "c"
    write_folder(model, "c", folder)
    expected = json.loads((folder / "expected.json").read_text())["logit_256ths"]
    said = (folder / "example.c").read_text().splitlines()[0].strip("/* ")
    done = subprocess.run(said, shell=True, cwd=folder, capture_output=True, text=True, check=True)
    assert int(done.stdout) == expected
    again = tmp_path / "again"
    write_folder(model, "c", again)
    assert content_of(folder_files(again), again) == {
        name: digest
        for name, digest in content_of(folder_files(folder), folder).items()
        if name != "example"
    }


def folder_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_the_module_for_browsers_runs_as_it_says(tmp_path, model):
    needs("wasm32")
    if not shutil.which("node"):
        pytest.skip("no node here, which runs WebAssembly")
    for name in ("wasm", "again"):
        write_folder(model, "wasm", tmp_path / name)
    folder = tmp_path / "wasm"
    done = subprocess.run(
        ["node", "try.mjs"], cwd=folder, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) == json.loads((folder / "expected.json").read_text())["logit_256ths"]
    assert (folder / MODULE).read_bytes() == (tmp_path / "again" / MODULE).read_bytes()


def test_two_models_of_one_name(tmp_path):
    with pytest.raises(AtomicVADError, match="both would be"):
        export(["43185", str(PATH)], "onnx", tmp_path / "out", SETTINGS)


def changed(path, change) -> str:
    """A copy of the model with changed weights."""
    model = exportable_model(PATH)
    change(model.layers[2])
    save_model(model, path)
    return str(path)


def scaled(layer: str, factor: float):
    def change(network: keras.Model) -> None:
        found = network.get_layer(layer)
        found.set_weights([weight * np.float32(factor) for weight in found.get_weights()])

    return change


def everywhere(factor: float):
    def change(network: keras.Model) -> None:
        network.set_weights([weight * np.float32(factor) for weight in network.get_weights()])

    return change


def other_settings(path) -> str:
    """The same weights, said to be of log-mel features."""
    with zipfile.ZipFile(PATH) as source, zipfile.ZipFile(path, "w") as copy:
        for name in source.namelist():
            content = source.read(name).replace(b'"spec_type": "mfcc"', b'"spec_type": "log_mel"')
            copy.writestr(name, content)
    return str(path)


def other_network(path) -> str:
    save_model(build_model(build_network(activation_name="gcu")), path)
    return str(path)


def another_window(path) -> str:
    save_model(build_model(build_network((64, 63, 1)), samples=9920), path)
    return str(path)


# What was given -> what is said; a function makes the file that is given.
MISTAKES = {
    "another architecture": (other_network, "x.keras: weights of another architecture"),
    "another window": (another_window, r"batch_shape: expected .*10080.*, got .*9920"),
    "other settings": (other_settings, r"spec_type: expected \['mfcc'\], got \['log_mel'\]"),
    "NaN": (lambda path: changed(path, scaled("b1_conv", np.nan)), "are not finite"),
    "infinite": (lambda path: changed(path, scaled("b2_norm", np.inf)), "are not finite"),
    "huge": (lambda path: changed(path, scaled("b1_conv", 1e30)), "the weights are too large"),
    "large at the end": (
        lambda path: changed(path, scaled("probabilities", 1e37)),
        "the weights are too large",
    ),
    "huge everywhere": (
        lambda path: changed(path, everywhere(1e37)),
        "the weights are too large",
    ),
    "no file": (str, "x.keras: no such weight file"),
    "no model": ("README.md", "expected a .keras file, a seed or released-0"),
    "no seed": ("7", "seed: expected one of 43185, .*got 7"),
    "not released": ("released-3", "set ATOMICVAD_PUBLISHED to the folder"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_model_that_cannot_be_exported_is_one_line(mistake, tmp_path, monkeypatch):
    monkeypatch.delenv("ATOMICVAD_PUBLISHED", raising=False)
    given, said = MISTAKES[mistake]
    name = given if isinstance(given, str) else given(tmp_path / "x.keras")
    with pytest.raises(AtomicVADError, match=said) as error:
        export([str(PATH), name], "onnx", tmp_path / "out", SETTINGS)
    assert "\n" not in str(error.value)
    assert {path.name for path in tmp_path.iterdir()} <= {"x.keras"}


def test_a_number_beyond_the_released_ones(published):
    with pytest.raises(AtomicVADError, match="released-5: expected a number below 5"):
        export(["released-5"], "onnx", published / "out", SETTINGS)


def test_an_unknown_target(tmp_path):
    with pytest.raises(AtomicVADError, match=r"--target: expected .*onnx.*; got 'nnx'"):
        export(["43185"], "nnx", tmp_path / "out", SETTINGS)


def test_nothing_is_overwritten(tmp_path):
    kept = tmp_path / "kept"
    kept.write_text("mine")
    for out in (tmp_path, kept):
        with pytest.raises(AtomicVADError, match="new or empty folder"):
            export([str(PATH)], "onnx", out, SETTINGS)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"] and kept.read_text() == "mine"


def test_a_folder_below_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file" / "out", tmp_path / "file" / "deeper" / "out"):
        with pytest.raises(AtomicVADError, match="file: expected a folder, found a file"):
            export([str(PATH)], "onnx", out, SETTINGS)


def test_a_folder_that_may_not_be_written_is_one_line(tmp_path, monkeypatch):
    def refuse(path, *args, **kwargs):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    arguments = ["export", str(PATH), "--target", "onnx", "--out", str(tmp_path / "out")]
    monkeypatch.setattr(sys, "argv", ["atomicvad", *arguments])
    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(SystemExit, match=r"^error: .*Permission denied$"):
        main.main()


@pytest.mark.parametrize("empty", [True, False])
def test_what_fails_on_the_way_leaves_nothing(empty, tmp_path, monkeypatch):
    def stop(model, folder):
        (folder / "half").write_text("")
        raise OSError(errno.ENOSPC, "No space left on device", "half")

    monkeypatch.setitem(TARGETS, "onnx", stop)
    out = tmp_path / "out"
    if empty:
        out.mkdir()
    with pytest.raises(OSError, match="No space"):
        export([str(PATH)], "onnx", out, SETTINGS)
    assert [*tmp_path.rglob("*")] == ([out] if empty else [])


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(AtomicVADError, match=r"onnx: not installed; .*\[device\]"):
        contents.optional("onnx")


def test_the_test_window_is_fixed():
    """Integers alone: firmware in any language can make it and must get the same samples."""
    window = sample_window()
    assert window.shape == (10080,) and window.dtype == np.int16
    assert window[:3].tolist() == [-68, -42, -14]
    assert int(window.astype(np.int64) @ np.arange(10080)) == -6703404110


def test_levels_of_8_bits():
    values = np.linspace(-1, 3, 4001, dtype=np.float32)[:, np.newaxis]
    levels = np.asarray(int8.on_levels(values, int8._scale(values, None)))
    assert len(np.unique(levels)) == 256 and 0 in levels
    assert np.abs(levels - values).max() <= 4 / 255


def test_each_tensor_is_quantised_alone(model, windows):
    """Levels so fine that nothing changes give the network itself: the parts are rightly joined."""
    images = model.layers[1](windows).numpy()
    expected = int8._speech(model.layers[2], images)
    patch = pytest.MonkeyPatch()
    patch.setattr(int8, "LEVELS", 2**20)
    for name in int8.TENSORS:
        found = int8._speech(int8.quantise_tensors(model.layers[2], name, images), images)
        assert 0 < np.abs(found - expected).max() < 1e-2
    patch.undo()


def test_costs_of_8_bits_by_seed(root, model, monkeypatch):
    settings = settings_from(TINY, "tests", "int8")
    sounds = {"speech": generate("speech", (1,)), "background": generate("gusts", (2,))}
    table = pd.DataFrame({"recording": [*sounds], "start": [0, 192000]})
    settings.data_folder.mkdir(parents=True)
    table.assign(samples=192000).to_csv(settings.data_folder / RECORDINGS, index=False)
    to_int16(np.concatenate([*sounds.values()])).tofile(settings.data_folder / SAMPLES)
    for label in sounds:
        lines = pd.DataFrame({"audio_filepath": label, "offset": np.arange(16) / 2})
        lines = lines.assign(duration=0.63, label=label)
        for split in ("training", "testing"):
            write_manifest(lines, manifest_path(settings.data_folder, label, split))
    monkeypatch.setattr(int8, "seed_models", lambda settings, seeds: [model for _ in seeds])
    found = int8.int8_costs(settings, [1], windows=20)
    assert tuple(found.columns) == int8.COLUMNS
    assert found["quantised"].tolist() == [int8.WHOLE, *int8.TENSORS]
    assert (found["windows"] == 20).all() and found["share"].between(0, 1).all()
    assert (found["flips"] == 20 * found["share"]).all()
    assert found["auroc_float"].nunique() == 1
