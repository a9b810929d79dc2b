"""Logits of windows, fast on a CPU: features are computed once for several networks.

A logit is the difference of the two outputs before the softmax, so that scores near 1 differ.
"""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from atomicvad.errors import AtomicVADError
from atomicvad.kernels.features import CompiledFeatures
from atomicvad.kernels.first_pools import LANES
from atomicvad.kernels.keras_call import all_weights, is_supported
from atomicvad.kernels.network import outputs

AT_ONCE = 4 * LANES  # windows whose features stay in the CPU's cache for all networks


def logit_score(*models: keras.Model) -> Callable[[np.ndarray], np.ndarray]:
    """The scoring function of detectors that share the settings of their features.

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
    """The function from features ``[n, height, width, 1]`` to logits ``[n, networks]``.

    Networks of the paper's architecture run compiled, others in TensorFlow.
    """
    if all(map(is_supported, networks)):
        weights = np.stack([all_weights(network)[0] for network in networks])
        epsilon = networks[0].get_layer("b1_norm").epsilon
        return lambda images: np.diff(outputs(images, weights, epsilon))[..., 0].T
    predicts = [
        tf.function(lambda x, network=network: network(x, training=False), reduce_retracing=True)
        for network in networks
    ]

    def plain(images: np.ndarray) -> np.ndarray:
        probabilities = np.stack([predict(images) for predict in predicts], axis=1)
        return np.diff(np.log(np.maximum(probabilities.astype(np.float64), 1e-30)))[..., 0]

    return plain
