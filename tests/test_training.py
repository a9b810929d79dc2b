"""A seed means the same bytes, whatever happens on the way; the fast gradient is the true one."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf

from atomicvad import provenance
from atomicvad.data.manifest import read_split
from atomicvad.data.pipeline import TrainingBatches, WindowSet
from atomicvad.errors import AtomicVADError
from atomicvad.layers.pooled_convolution import convolve_and_pool
from atomicvad.run import load_scores, run_seed
from atomicvad.training import fit

SCRIPT = """
import sys
from pathlib import Path
from atomicvad import config
config.project_root = lambda: Path(sys.argv[1])
sys.path.insert(0, sys.argv[3])
from conftest import TINY
from atomicvad.data.audio import AudioStore
from atomicvad.training import train
settings = config.settings_from(TINY, "tests", "tiny")
train(settings, 1, AudioStore(settings.data_folder), Path(sys.argv[2]))
"""


def start_training(root, folder):
    folder.mkdir(exist_ok=True)
    arguments = [sys.executable, "-c", SCRIPT, root, folder, os.path.dirname(__file__)]
    return subprocess.Popen([str(a) for a in arguments], stderr=subprocess.PIPE, text=True)


def finish(process):
    _, errors = process.communicate(timeout=200)
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


def test_a_killed_run_goes_on_to_the_same_bytes(reference, root, tmp_path):
    folder = tmp_path / "killed"
    process = start_training(root, folder)
    until = time.monotonic() + 120
    while not (folder / "checkpoint.npz").is_file():
        assert process.poll() is None and time.monotonic() < until
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (folder / "model.keras").is_file()
    finish(start_training(root, folder))
    assert (folder / "model.keras").read_bytes() == (reference / "model.keras").read_bytes()
    same_history(folder, reference)


def test_fast_gradient_equals_tensorflows():
    generator = np.random.default_rng(0)
    images = generator.standard_normal((3, 64, 64, 1)).astype(np.float32)
    kernel = tf.Variable(generator.standard_normal((7, 7, 1, 3)).astype(np.float32))
    bias = tf.Variable(generator.standard_normal(3).astype(np.float32))
    weights = generator.standard_normal((3, 13, 13, 3)).astype(np.float32)
    with tf.GradientTape() as tape:
        plain = tf.nn.max_pool2d(tf.nn.conv2d(images, kernel, 1, "SAME") + bias, 5, 5, "SAME")
        loss = tf.reduce_sum(plain * weights)
    expected = tape.gradient(loss, [kernel, bias])
    with tf.GradientTape() as tape:
        fast = convolve_and_pool(images, kernel, bias, 5)
        loss = tf.reduce_sum(fast * weights)
    found = tape.gradient(loss, [kernel, bias])
    np.testing.assert_allclose(fast, plain, atol=1e-5)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-3)


def test_an_epoch_is_made_again_and_differs_from_the_next(tiny, store):
    windows = WindowSet(read_split(tiny.data_folder, "training", store), store, tiny)
    first, again = (
        [features.numpy() for features, _ in TrainingBatches(windows, tiny, 1).epoch(0)]
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, again)
    batches = TrainingBatches(windows, tiny, 1)
    assert not np.array_equal(batches.order(0), batches.order(1))
    assert sorted(batches.order(0).ravel()) == sorted(batches.order(1).ravel())


def test_batches_are_balanced_and_targets_match(tiny, store):
    windows = WindowSet(read_split(tiny.data_folder, "training", store), store, tiny)
    batches = TrainingBatches(windows, tiny, 1)
    targets = np.concatenate([targets.numpy() for _, targets in batches.epoch(0)])
    np.testing.assert_array_equal(targets[:, 1], windows.speech[batches.order(0).ravel()])
    assert targets.mean() == 0.5


def test_a_run_folder_is_whole_and_done_once(tiny, store):
    metrics = run_seed(tiny, 1)
    folder = tiny.run_folder(1)
    names = {"history.csv", "metrics.csv", "model.keras", "run.json", "scores.npz"}
    assert names <= {path.name for path in folder.iterdir()}
    assert provenance.is_done(tiny, 1)
    record = json.loads((folder / "run.json").read_text())
    assert record["seed"] == 1 and record["packages"]["tensorflow"] and record["peak_memory_mb"] > 0
    assert metrics["value"].notna().all()
    assert set(load_scores(folder / "scores.npz")) == {"swi", "spi"}
    written = (folder / "metrics.csv").stat().st_mtime_ns
    run_seed(tiny, 1)
    assert (folder / "metrics.csv").stat().st_mtime_ns == written
    (folder / "metrics.csv").unlink()
    assert not provenance.is_done(tiny, 1)


def test_a_run_folder_in_use_is_refused(tiny, store):
    from filelock import FileLock

    folder = tiny.run_folder(2)
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"), pytest.raises(AtomicVADError, match="another process"):
        run_seed(tiny, 2)


def test_mixed_precision_trains_without_nan(tiny, store, tmp_path):
    import keras

    half = tiny.model_copy(
        update={"training": tiny.training.model_copy(update={"mixed_precision": True, "epochs": 1})}
    )
    try:
        _, history = fit(half, 1, store, tmp_path)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    assert np.isfinite(history["loss"]).all()
