"""From windows to logits, fast on a CPU: features once, then as many networks as there are.

A logit is the difference of the two outputs before the softmax, so that scores near 1 stay apart.
"""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from scipy.special import expit

from atomicvad.errors import AtomicVADError
from atomicvad.evaluation.windows import in_batches, window_starts
from atomicvad.layers.compiled_features import CompiledFeatures
from atomicvad.layers.compiled_network import LANES, all_weights, is_supported, outputs

AT_ONCE = 4 * LANES  # windows whose features stay in the cache while all networks look at them


def logit_score(*models: keras.Model) -> Callable[[np.ndarray], np.ndarray]:
    """The scorer of detectors with one and the same features layer.

    Returns:
        float32 windows ``[n, samples]`` -> logits of speech, float32 ``[n, models]``.

    Raises:
        AtomicVADError: features layers that differ.
    """
    if any(model.layers[1].settings != models[0].layers[1].settings for model in models):
        raise AtomicVADError("models: expected one and the same features layer, got several")
    features = CompiledFeatures(models[0].layers[1])
    networks = network_logits(*(model.layers[2] for model in models))

    def score(windows: np.ndarray) -> np.ndarray:
        logits = np.empty((len(windows), len(models)), np.float32)
        for first in range(0, len(windows), AT_ONCE):
            part = slice(first, first + AT_ONCE)
            logits[part] = networks(features(np.ascontiguousarray(windows[part])))
        return logits

    return score


def network_logits(*networks: keras.Model) -> Callable[[np.ndarray], np.ndarray]:
    """Features ``[n, height, width, 1]`` -> logits ``[n, networks]``; the paper's are compiled."""
    if all(map(is_supported, networks)):
        weights = np.stack([all_weights(network)[0] for network in networks])
        epsilon = networks[0].get_layer("b1_norm").epsilon
        return lambda images: np.diff(outputs(images, weights, epsilon))[..., 0].T
    predicts = [
        tf.function(lambda x, network=network: network(x, training=False), reduce_retracing=True)
        for network in networks
    ]

    def plain(images):
        probabilities = np.stack([predict(images) for predict in predicts], axis=1)
        return np.diff(np.log(np.maximum(probabilities.astype(np.float64), 1e-30)))[..., 0]

    return plain


def model_score(model: keras.Model) -> Callable[[np.ndarray], np.ndarray]:
    """The probabilities of one detector: float32 windows ``[n, samples]`` -> ``[n]``."""
    score = logit_score(model)
    return lambda windows: expit(score(windows)[:, 0])


def speech_probabilities(
    model: keras.Model, waveform: np.ndarray, overlap: float = 0.875, batch: int = 1024
) -> tuple[np.ndarray, np.ndarray]:
    """Speech probability along a waveform.

    Args:
        model: from ``load_model``.
        waveform: 16 kHz mono, ±1, ``[samples]``.
        overlap: of neighbouring windows, 0 up to less than 1.

    Returns:
        Times of the windows' centres in s and their probabilities, ``[windows]`` each.

    Raises:
        AtomicVADError: another shape, integers, NaN, or an impossible overlap.
    """
    waveform = np.asarray(waveform)
    if waveform.ndim != 1 or not len(waveform) or waveform.dtype.kind != "f":
        raise AtomicVADError(
            f"waveform: expected floats [samples], got {waveform.dtype} {list(waveform.shape)}"
        )
    if not np.isfinite(waveform).all():
        raise AtomicVADError("waveform: some samples are NaN or infinite")
    if not 0 <= overlap < 1:
        raise AtomicVADError(f"overlap: expected 0 up to less than 1, got {overlap}")
    window, score = model.input_shape[1], model_score(model)
    starts = window_starts(0, len(waveform), window, max(1, round(window * (1 - overlap))))
    ends = np.full(len(starts), len(waveform))
    return (starts + window / 2) / 16000, in_batches(score, waveform, starts, ends, window, batch)
