"""A seed means the same bytes, whatever happens on the way; the fast gradient is the true one."""

import json
import os
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from atomicvad.data.manifest import read_split
from atomicvad.data.store import AudioStore
from atomicvad.errors import AtomicVADError
from atomicvad.kernels import fft
from atomicvad.kernels.features import CompiledFeatures
from atomicvad.kernels.keras_call import compiled_call
from atomicvad.layers.features import Features
from atomicvad.model import build_network, flat_weights, new_network, save_model, split_weights
from atomicvad.parallel import choose_gpu, grow_gpu_memory
from atomicvad.runs import state
from atomicvad.runs.seed import run_seed
from atomicvad.scoring.scores import load_scores
from atomicvad.training.batches import TrainingBatches, WindowSet
from atomicvad.training.checkpoint import Checkpoint
from atomicvad.training.loop import choose_start, fit
from atomicvad.training.trainer import Trainer, configure, learning_rate

SCRIPT = """
import sys
from pathlib import Path
from atomicvad import config
config.project_root = lambda: Path(sys.argv[1])
sys.path.insert(0, sys.argv[3])
from conftest import TINY
from atomicvad.data.store import AudioStore
from atomicvad.training.loop import train
settings = config.settings_from(TINY, "tests", "tiny")
train(settings, 1, AudioStore(settings.data_folder), Path(sys.argv[2]), "test", print)
"""


def ignored(done, text, seconds):
    """What a training reports, for those who do not ask."""


def start_training(root, folder):
    folder.mkdir(exist_ok=True)
    arguments = [sys.executable, "-c", SCRIPT, root, folder, os.path.dirname(__file__)]
    return subprocess.Popen([str(a) for a in arguments], stderr=subprocess.PIPE, text=True)


def finish(process):
    _, errors = process.communicate()
    assert process.returncode == 0, errors[-2000:]


@pytest.fixture(scope="module")
def reference(root, store, tmp_path_factory):
    """Weights and history of seed 1, trained without a stop in a process of its own."""
    folder = tmp_path_factory.mktemp("reference") / "run"
    finish(start_training(root, folder))
    return folder


def same_history(a, b):
    """All columns but those that measure time."""
    from pandas import read_csv
    from pandas.testing import assert_frame_equal

    timed = ["seconds", "windows_per_second"]
    assert_frame_equal(
        read_csv(a / "history.csv").drop(columns=timed),
        read_csv(b / "history.csv").drop(columns=timed),
    )


def test_another_process_gives_the_same_bytes(reference, root, tmp_path):
    finish(start_training(root, tmp_path / "again"))
    assert (tmp_path / "again/model.keras").read_bytes() == (reference / "model.keras").read_bytes()
    same_history(tmp_path / "again", reference)


@pytest.mark.parametrize(
    ("unit", "dropout", "shape", "count"),
    [
        ("ggcu", 0.0, (64, 64, 1), 16),
        ("ggcu", 0.3, (64, 64, 1), 37),
        ("agcu", 0.0, (41, 50, 1), 5),
        ("pgcu", 0.0, (40, 51, 1), 20),
        ("gcu", 0.3, (40, 51, 1), 33),
    ],
)
def test_the_compiled_network_is_keras(unit, dropout, shape, count):
    """Probabilities, dropout's next state and every gradient of two; lanes full and not."""
    generator = np.random.default_rng(0)
    network = build_network(shape, activation_name=unit, dropout=dropout, seed=3)
    for variable in network.trainable_variables:
        noise = 0.1 * generator.standard_normal(variable.shape)
        variable.assign_add(noise.astype(np.float32))
    features = tf.constant(3 * generator.standard_normal((count, *shape)).astype(np.float32))
    targets = tf.one_hot(np.arange(count) % 2, 2)
    loss = keras.losses.BinaryFocalCrossentropy(gamma=2)
    results = []

    def keras_call(weights, others, *inputs, **options):
        pairs = zip(tf.unstack(weights), others, strict=True)
        called = [
            network.stateless_call(split_weights(network, vector), values, *inputs, **options)
            for vector, values in pairs
        ]
        return tuple(zip(*called, strict=True))

    for call in (compiled_call(network), keras_call):
        with tf.GradientTape() as tape:
            weights = tf.constant(np.outer([1, 0.9], flat_weights(network)).astype(np.float32))
            tape.watch(weights)
            # Two networks with a dropout of their own each.
            others = [
                [variable.value + more for variable in network.non_trainable_variables]
                for more in (0, 1)
            ]
            predictions, changed = call(weights, others, features, training=True)
            total = tf.add_n([loss(targets, values) for values in predictions])
        results.append([*predictions, total, *(state for states in changed for state in states)])
        for vector in tf.unstack(tape.gradient(total, weights)):
            results[-1] += split_weights(network, vector)
        results[-1] += call(weights, others, features, training=False)[0]
    for found, expected in zip(*results, strict=True):
        limit = 2e-3 * np.abs(np.asarray(expected)).max()
        np.testing.assert_allclose(np.asarray(found), np.asarray(expected), atol=limit + 1e-6)


@pytest.mark.parametrize("normalization", ["layer", "batch"])
@pytest.mark.parametrize(("scale", "balancing"), [(1.0, False), (0.05, True)])
def test_a_compiled_step_is_keras_own(tiny, normalization, scale, balancing):
    """The weights in one vector and the compiled beginning change no number."""
    model = tiny.model.model_copy(update={"normalization": normalization, "l1": 1e-4, "l2": 1e-3})
    changed = {"feature_scale": scale, "class_balancing": balancing}
    training = tiny.training.model_copy(update=changed)
    settings = tiny.model_copy(update={"model": model, "training": training})
    features = tf.random.stateless_normal([32, 64, 64, 1], [1, 2])
    targets = tf.one_hot(np.arange(32) % 2, 2)
    trainer = Trainer(settings, 5, steps=10)
    network = new_network(settings, 5)
    optimizer = keras.optimizers.AdamW(
        learning_rate(settings, 10),
        weight_decay=settings.training.weight_decay,
        global_clipnorm=settings.training.clip_norm,
    )
    loss = keras.losses.BinaryFocalCrossentropy(
        apply_class_balancing=balancing, gamma=settings.training.focal_gamma
    )
    network.compile(optimizer, loss, jit_compile=False)
    for _ in range(3):
        network.train_on_batch(features * scale, targets)
        trainer.step(features, targets)
    kernel = network.trainable_weights[0]
    kernel.assign(kernel * scale)
    found = trainer.trained_network()
    for ours, theirs in zip(found.weights, network.weights, strict=True):
        if normalization == "batch" and ours.path.endswith(("conv/bias", "moving_mean")):
            continue  # batch normalisation takes that bias out: its gradient is rounding
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-4, err_msg=ours.path)


def test_the_saved_network_does_not_tell_which_start_it_was(tiny, tmp_path):
    """A run that was stopped does not know that any more, and must write the same file."""
    run, resumed = (Trainer(tiny, seed=4, steps=10, starts=3) for _ in range(2))
    run.keep([2])
    resumed.keep([0])
    resumed.restore(run.state())
    for trainer, name in ((run, "run.keras"), (resumed, "resumed.keras")):
        save_model(trainer.trained_network(), tmp_path / name)
    assert (tmp_path / "run.keras").read_bytes() == (tmp_path / "resumed.keras").read_bytes()
    found = keras.models.load_model(tmp_path / "run.keras")
    np.testing.assert_array_equal(flat_weights(found), run.starts[0].weights * run.scales)


@pytest.mark.parametrize("hop", [160, 97])
def test_power_spectra_are_those_of_a_fourier_transform(hop):
    generator = np.random.default_rng(0)
    samples = generator.standard_normal(63 * hop + 512).astype(np.float32)
    window = np.zeros(512, np.float32)
    window[57:456] = np.hamming(399)
    workspace = np.full(fft.WORKSPACE, np.nan, np.float32)
    power = np.empty((129, 2, 64), np.float32)
    fft.power_spectra(samples, window, hop, workspace, power)
    found = np.concatenate([power[:, 0], power[127::-1, 1]])
    frames = np.lib.stride_tricks.sliding_window_view(samples, 512)[::hop] * window.astype(float)
    expected = abs(np.fft.rfft(frames)) ** 2
    np.testing.assert_allclose(found.T, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("options", [{}, {"spec_type": "log_mel"}, {"mel_bins": 80}])
def test_compiled_features_are_the_layers(options):
    layer = Features(**options)
    generator = np.random.default_rng(0)
    waveforms = generator.standard_normal((9, 10080)).astype(np.float32) * 0.1
    waveforms[3] = 0
    waveforms[4] = np.sin(np.arange(10080, dtype=np.float32))
    response = generator.random((9, 1, 257), np.float32)
    expected = layer(waveforms, response).numpy()
    found = CompiledFeatures(layer)(waveforms, response)
    np.testing.assert_allclose(found, expected, atol=1e-3)  # decibels, down to the floor


def test_samples_that_cannot_be_read_are_one_line(tiny, store, tmp_path):
    for name in ("recordings.csv", "samples.i16"):
        shutil.copy(store.folder / name, tmp_path)
    cut = AudioStore(tmp_path)
    windows = WindowSet(read_split(tiny.data_folder, "training", store), cut, tiny)
    batches = TrainingBatches(windows, tiny, 1)
    os.truncate(tmp_path / "samples.i16", 1000)
    with pytest.raises(AtomicVADError, match=r"samples\.i16: samples cannot be read"):
        list(batches.epoch(0))


def test_the_start_that_learns_best_goes_on(tiny, store, tmp_path):
    """Each start is trained as if alone; those of the lowest late loss are kept."""
    configure(tiny, 1)
    windows = WindowSet(read_split(tiny.data_folder, "training", store), store, tiny)
    batches = TrainingBatches(windows, tiny, 1)
    field = [(0.0, Trainer(tiny, 1 + 1_000_000 * number, 10)) for number in range(3)]
    for epoch, kept in ((3, 2), (4, 1)):
        trained = []
        for _, alone in field:
            losses = [float(alone.step(*batch)[0][0]) for batch in batches.epoch(epoch)]
            trained.append((np.mean(losses[len(losses) // 2 :]), alone))
        field = sorted(trained, key=lambda pair: pair[0])[:kept]
    expected = field[0][1].state()
    trainer, path = Trainer(tiny, 1, 10, starts=3), tmp_path / "checkpoint.npz"
    choose_start(trainer, tiny, 1, batches, Checkpoint(path, "same"), ignored)
    chosen = trainer.state()
    for name, value in chosen.items():
        np.testing.assert_array_equal(value, expected[name], err_msg=name)
    # Stopped in the second round, it goes on from the two that the first one left.
    trainer = Trainer(tiny, 1, 10, starts=3)
    stopped = TrainingBatches(windows, tiny, 1)
    stopped.prepare = lambda epoch, some: batches.prepare(epoch, some) if epoch == 3 else 1 / 0
    path = tmp_path / "stopped.npz"
    with pytest.raises(ZeroDivisionError):
        choose_start(trainer, tiny, 1, stopped, Checkpoint(path, "same"), ignored)
    resumed, trainer = Checkpoint(path, "same"), Trainer(tiny, 1, 10, starts=3)
    resumed.load(trainer)
    assert (resumed.rounds, len(trainer.starts)) == (1, 2)
    choose_start(trainer, tiny, 1, batches, resumed, ignored)
    for name, value in trainer.state().items():
        np.testing.assert_array_equal(value, chosen[name], err_msg=name)


@pytest.mark.parametrize("option", [{"mixed_precision": True}, {"xla": True}])
def test_what_a_gpu_would_use_trains_here_too(tiny, option):
    training = tiny.training.model_copy(update=option)
    settings = tiny.model_copy(update={"training": training})
    configure(settings, 1)
    try:
        trainer = Trainer(settings, 1, 10)
        features = 10 * tf.random.stateless_normal([32, 64, 64, 1], [1, 2])
        targets = tf.one_hot(np.arange(32) % 2, 2)
        losses = [float(trainer.step(features, targets)[0][0]) for _ in range(10)]
        assert np.isfinite(losses).all() and losses[-1] < losses[0]
        # Loss scaling leaves out the first steps, until its scale fits.
        assert 5 <= int(trainer.starts[0].optimizer.iterations) <= 10
        assert trainer.starts[0].weights.dtype == "float32"
    finally:
        configure(tiny, 1)


def test_a_gpu_gives_memory_as_it_is_needed(tiny, monkeypatch):
    """On pretended GPUs: turned on, can be forced off; forced too late, it is an error."""
    gpus = [tf.config.PhysicalDevice(f"/physical_device:GPU:{n}", "GPU") for n in range(2)]
    asked = []
    for listing in ("list_physical_devices", "get_visible_devices"):
        monkeypatch.setattr(tf.config, listing, lambda kind: gpus)
    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", lambda *a: asked.append(a))
    try:
        configure(tiny, 1)
        assert keras.mixed_precision.global_policy().name == "mixed_float16"
        assert asked == [(gpu, True) for gpu in gpus]
        grow_gpu_memory(False)
        assert asked[2:] == [(gpu, False) for gpu in gpus]

        def too_late(*_):
            raise RuntimeError("initialized")

        monkeypatch.setattr(tf.config.experimental, "set_memory_growth", too_late)
        grow_gpu_memory("auto")
        with pytest.raises(AtomicVADError, match=r"memory_growth: .*GPU:0: initialized"):
            grow_gpu_memory(True)
    finally:
        monkeypatch.undo()
        configure(tiny, 1)


@pytest.mark.parametrize(
    ("options", "seen", "limited"),
    [({"gpu": 1}, [1], []), ({"gpu": "none"}, [], []), ({"gpu_memory_mb": 512}, [0, 1], [0, 1])],
)
def test_a_gpu_is_chosen_and_its_memory_limited(tiny, monkeypatch, options, seen, limited):
    gpus = [tf.config.PhysicalDevice(f"/physical_device:GPU:{n}", "GPU") for n in range(2)]
    visible, limits = list(gpus), []
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: gpus)
    monkeypatch.setattr(tf.config, "get_visible_devices", lambda kind: visible)
    monkeypatch.setattr(
        tf.config, "set_visible_devices", lambda some, kind: visible.__setitem__(slice(None), some)
    )
    monkeypatch.setattr(tf.config.experimental, "set_memory_growth", lambda *a: None)
    monkeypatch.setattr(tf.config, "set_logical_device_configuration", lambda *a: limits.append(a))
    choose_gpu(tiny.training.model_copy(update=options))
    assert visible == [gpus[number] for number in seen]
    assert [gpu for gpu, _ in limits] == [gpus[number] for number in limited]
    assert all(limit.memory_limit == 512 for _, (limit,) in limits)


def test_a_gpu_that_is_not_there_is_one_line(tiny):
    with pytest.raises(AtomicVADError, match=r"training\.gpu: expected .* got 7"):
        choose_gpu(tiny.training.model_copy(update={"gpu": 7}))


@pytest.mark.parametrize("wanted", [False, True])
def test_deterministic_operations_are_turned_on_when_asked_for(tiny, monkeypatch, wanted):
    asked = []
    monkeypatch.setattr(tf.config.experimental, "enable_op_determinism", lambda: asked.append(True))
    training = tiny.training.model_copy(update={"deterministic": wanted})
    configure(tiny.model_copy(update={"training": training}), 1)
    assert asked == [True] * wanted


def test_an_epoch_is_made_again_and_differs_from_the_next(tiny, store):
    windows = WindowSet(read_split(tiny.data_folder, "training", store), store, tiny)
    first, again = (
        [features for features, _ in TrainingBatches(windows, tiny, 1).epoch(0)] for _ in range(2)
    )
    np.testing.assert_array_equal(first, again)
    batches = TrainingBatches(windows, tiny, 1)
    assert not np.array_equal(batches.order(0), batches.order(1))
    assert sorted(batches.order(0).ravel()) == sorted(batches.order(1).ravel())


def test_two_workers_prepare_the_same_batches(tiny, store):
    windows = WindowSet(read_split(tiny.data_folder, "training", store), store, tiny)
    batches = TrainingBatches(windows, tiny, 1)
    for one, two in zip(batches.epoch(0, workers=1), batches.epoch(0, workers=2), strict=True):
        np.testing.assert_array_equal(one[0], two[0])
        np.testing.assert_array_equal(one[1], two[1])


def test_batches_are_balanced_and_targets_match(tiny, store):
    windows = WindowSet(read_split(tiny.data_folder, "training", store), store, tiny)
    batches = TrainingBatches(windows, tiny, 1)
    targets = np.concatenate([targets for _, targets in batches.epoch(0)])
    np.testing.assert_array_equal(targets[:, 1], windows.speech[batches.order(0).ravel()])
    assert targets.mean() == 0.5


def test_a_run_folder_is_whole_and_done_once(tiny, store):
    metrics = run_seed(tiny, 1)
    folder = tiny.run_folder(1)
    names = {"history.csv", "metrics.csv", "model.keras", "run.json", "scores.npz"}
    assert names <= {path.name for path in folder.iterdir()}
    assert state.is_done(tiny, 1)
    record = json.loads((folder / "run.json").read_text())
    assert record["seed"] == 1 and record["packages"]["tensorflow"] and record["peak_memory_mb"] > 0
    assert metrics["value"].notna().all()
    scores = load_scores(folder / "scores.npz", tiny)
    assert set(scores) == {"testing", "validation"}
    assert set(scores["testing"]) == {"swi", "spi", "stream", "clip_samples"}
    written = (folder / "metrics.csv").stat().st_mtime_ns
    run_seed(tiny, 1)
    assert (folder / "metrics.csv").stat().st_mtime_ns == written
    (folder / "metrics.csv").unlink()
    assert not state.is_done(tiny, 1)


def test_a_run_folder_in_use_is_refused(tiny, store):
    from filelock import FileLock

    folder = tiny.run_folder(4)
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"), pytest.raises(AtomicVADError, match="another process"):
        run_seed(tiny, 4)


def test_mixed_precision_trains_without_nan(tiny, store, tmp_path):
    import keras

    half = tiny.model_copy(
        update={"training": tiny.training.model_copy(update={"mixed_precision": True, "epochs": 1})}
    )
    try:
        _, history = fit(half, 1, store, tmp_path, "test", ignored)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    assert np.isfinite(history["loss"]).all()
