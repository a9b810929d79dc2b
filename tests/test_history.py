"""What is written of a training: an epoch a row while it runs, TensorBoard, the testing split."""

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from atomicvad.data.manifest import read_split
from atomicvad.model import build_features, build_model, new_model
from atomicvad.scoring.testing_split import NAMES, evaluate_testing_split
from atomicvad.training.batches import WindowSet
from atomicvad.training.loop import fit
from atomicvad.training.validation import EPOCH_METRICS, EpochMetrics


@pytest.fixture(scope="module")
def followed(tiny, store, tmp_path_factory):
    """A training with TensorBoard, and its history as a reader found it after every epoch."""
    folder, seen = tmp_path_factory.mktemp("run"), []
    training = tiny.training.model_copy(update={"tensorboard": True})
    settings = tiny.model_copy(update={"training": training})
    with open(folder / "history.csv", "a+") as reader:  # open all the time, as tail -f has it

        def look(done, text, seconds):
            reader.seek(0)
            seen.append(reader.read())

        network, history = fit(settings, 4, store, folder, "", look)
    return folder, seen, network, history


def test_the_history_grows_epoch_by_epoch(followed):
    folder, seen, _, history = followed
    epochs = [text.count("\n") - 1 for text in seen if text]
    assert epochs == [1, 2, 3]
    whole = (folder / "history.csv").read_text()
    assert all(whole.startswith(text) for text in seen)
    pd.testing.assert_frame_equal(pd.read_csv(folder / "history.csv"), history)


def test_metrics_of_the_training_split_stand_beside_those_of_validation(followed):
    history = followed[-1]
    names = ["loss", *EPOCH_METRICS]
    assert {*names, *(f"val_{name}" for name in names)} <= set(history.columns)
    assert history[[*EPOCH_METRICS]].to_numpy().min() >= 0
    assert history[[*EPOCH_METRICS]].to_numpy().max() <= 1


def test_epoch_metrics_are_over_all_batches():
    metrics, speech = EpochMetrics(), np.array([0, 1, 1, 0])
    scores = np.array([0.1, 0.9, 0.4, 0.6], np.float32)
    for part, loss in ((slice(0, 2), 0.2), (slice(2, 4), 0.4)):
        targets = np.eye(2, dtype=np.float32)[speech[part]]
        metrics.add((tf.constant([loss]), tf.constant(scores[part])), targets)
    row = metrics.row("val_")
    assert row["val_loss"] == pytest.approx(0.3)
    assert (row["val_auroc"], row["val_accuracy"]) == (0.75, 0.5)


def test_tensorboard_has_every_column(followed):
    folder, _, _, history = followed
    (events,) = (folder / "tensorboard").glob("events.*")
    found = {}
    for event in tf.compat.v1.train.summary_iterator(str(events)):
        for value in event.summary.value:
            found[value.tag, event.step] = float(tf.make_ndarray(value.tensor))
    assert {tag for tag, _ in found} == set(history.columns)
    for number, row in history.iterrows():
        for name, value in row.items():
            assert found[name, number + 1] == pytest.approx(value, rel=1e-6)


@pytest.mark.parametrize("balancing", [False, True])
def test_the_testing_split_is_evaluated_as_keras_does(followed, tiny, store, balancing):
    training = tiny.training.model_copy(update={"class_balancing": balancing})
    settings = tiny.model_copy(update={"training": training})
    model = build_model(followed[2], build_features(tiny))
    table = evaluate_testing_split([model, new_model(tiny, 9)], settings, store)[0]
    found = table.set_index("metric")["value"]
    windows = WindowSet(read_split(tiny.data_folder, "testing", store), store, tiny)
    waveforms = store.gather(windows.starts, 10080) / np.float32(32768)
    loss = keras.losses.BinaryFocalCrossentropy(apply_class_balancing=balancing, gamma=2)
    model.compile(loss=loss, metrics=[keras.metrics.BinaryAccuracy(name="accuracy")])
    expected = model.evaluate(
        waveforms, np.eye(2)[windows.speech.astype(int)], verbose=0, return_dict=True
    )
    assert list(found.index) == ["loss", *NAMES]
    assert found["loss"] == pytest.approx(expected["loss"], rel=1e-3)
    # Over two columns, of which one is 1 minus the other, this is the accuracy of either.
    assert found["binary_accuracy"] == pytest.approx(expected["accuracy"], abs=1e-6)
    scores = model.predict(waveforms, verbose=0)[:, 1]
    auc = keras.metrics.AUC(num_thresholds=20_000)
    assert found["auc"] == pytest.approx(float(auc(windows.speech, scores)), abs=2e-3)
