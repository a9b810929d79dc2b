"""Logits of windows, fast on a CPU: features are computed once for several networks.

A logit is the difference of the two outputs before the softmax, so that scores near 1 differ.
"""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from atomicvad.errors import AtomicVADError
from atomicvad.kernels.features import fast_features
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
    features = fast_features(models[0].layers[1])
    networks = network_logits(*(model.layers[2] for model in models))

    def score(windows: np.ndarray) -> np.ndarray:
        logits = np.empty((len(windows), len(models)), np.float32)
        for first in range(0, len(windows), AT_ONCE):
            part = slice(first, first + AT_ONCE)
            logits[part] = networks(features(np.ascontiguousarray(windows[part])))
        return logits

    return score


def network_logits(*networks: keras.Model) -> Callable[[np.ndarray], np.ndarray]:
    """The function from features ``[n, height, width, 1]`` to logits ``[n, networks]``."""
    outputs_of = network_outputs(*networks)
    return lambda images: np.diff(outputs_of(images))[..., 0].T


def network_outputs(*networks: keras.Model) -> Callable[[np.ndarray], np.ndarray]:
    """The function from features to outputs before the softmax, ``[networks, n, 2]``.

    Networks of the paper's architecture run compiled, others in TensorFlow.
    """
    if all(map(is_supported, networks)):
        weights = np.stack([all_weights(network)[0] for network in networks])
        epsilon = networks[0].get_layer("b1_norm").epsilon
        return lambda images: outputs(images, weights, epsilon)
    # Of a softmax Keras keeps its input beside the result.
    predicts = [
        tf.function(
            lambda x, network=network: network(x, training=False)._keras_logits,
            reduce_retracing=True,
        )
        for network in networks
    ]
    return lambda images: np.stack([predict(images).numpy() for predict in predicts])
