"""A seed's weights on the windows of the testing split, as at the end of the released training.

The windows are those of the two testing manifests, as recorded. They choose nothing.
"""

from collections.abc import Sequence

import keras
import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from atomicvad.config import Settings
from atomicvad.data.manifest import read_split
from atomicvad.data.store import AudioStore
from atomicvad.kernels.features import fast_features
from atomicvad.kernels.keras_call import softmax
from atomicvad.metrics import binary_metrics
from atomicvad.scoring.logits import network_outputs
from atomicvad.training.batches import WindowSet

# The released training's names, and ours.
NAMES = {"auc": "auroc", "binary_accuracy": "accuracy", "f1_score": "f1", "f2_score": "f2"}


def evaluate_testing_split(
    models: Sequence[keras.Model], settings: Settings, store: AudioStore
) -> list[pd.DataFrame]:
    """Loss, AUC, accuracy, F1 and F2 of each detector: a table with ``metric`` and ``value``.

    The loss is the training's, with its regularisation; the metrics are of the speech column, at
    0.5. (Micro-averaged over both columns, as in the released training, F1 and F2 equal the
    accuracy.)

    Raises:
        AtomicVADError: a malformed manifest, or windows of one class only.
    """
    windows = WindowSet(read_split(settings.data_folder, "testing", store), store, settings)
    features = fast_features(models[0].layers[1])
    networks = network_outputs(*(model.layers[2] for model in models))
    parts, batch = [], settings.evaluation.batch_windows
    for number in tqdm(range(0, len(windows), batch), desc="testing split", unit="batch"):
        samples = store.gather(windows.starts[number : number + batch], settings.window_samples)
        parts.append(networks(features(samples.astype(np.float32) / np.float32(32768))))
    outputs = np.concatenate(parts, axis=1)
    return [
        _metrics(values, windows.speech, settings, float(sum(model.losses)))
        for values, model in zip(outputs, models, strict=True)
    ]


def _metrics(
    outputs: np.ndarray, speech: np.ndarray, settings: Settings, penalty: float
) -> pd.DataFrame:
    """The table of one detector, from its outputs before the softmax, ``[windows, 2]``.

    ``penalty`` is what its regularisers add to the loss.
    """
    training = settings.training
    loss = keras.losses.BinaryFocalCrossentropy(
        apply_class_balancing=training.class_balancing, gamma=training.focal_gamma
    )
    probabilities = softmax(keras.ops.convert_to_tensor(outputs))
    targets = np.eye(2, dtype=np.float32)[speech.astype(int)]
    metrics = binary_metrics(speech, np.asarray(probabilities)[:, 1])
    values = {"loss": float(loss(targets, probabilities)) + penalty}
    values |= {name: metrics[ours] for name, ours in NAMES.items()}
    return pd.DataFrame({"metric": values.keys(), "value": values.values()})
