"""The network's kernels as a call of TensorFlow, with gradients, in place of Keras' layers."""

import threading
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from atomicvad.kernels.gradient import backward
from atomicvad.kernels.network import NO_MASKS, Workspace, forward, new_workspace
from atomicvad.layers.activations import PARAMETERS, GrowingCosine
from atomicvad.sections import PAPER_BLOCKS, BlockSettings


def is_supported(network: keras.Model) -> bool:
    """Whether a ``model.build_network`` is the paper's: this module is for no other."""
    get = network.get_layer
    blocks = tuple(
        BlockSettings(
            kernel=get(f"b{number}_conv").kernel_size[0],
            multiplier=get(f"b{number}_conv").kernel.shape[-1],
            pool=get(f"b{number}_pool").pool_size[0],
            hidden=get(f"b{number}_expand").filters,
            filters=get(f"b{number}_reduce").filters,
        )
        for number in (1, 2)
    )
    return (
        blocks == PAPER_BLOCKS
        and isinstance(get("b1_activation"), GrowingCosine)
        and isinstance(get("b1_norm"), keras.layers.LayerNormalization)
    )


def all_weights(network: keras.Model) -> tuple[np.ndarray, np.ndarray]:
    """Weights in one vector, with the constants of units that train fewer than four of theirs.

    Returns:
        float32 ``[weights]``, and which of them are trained, bool ``[weights]``.
    """
    weights: list[np.ndarray] = []
    trained: list[np.ndarray] = []
    for layer in network.layers:
        if isinstance(layer, GrowingCosine):
            for name in PARAMETERS:
                weights.append(np.ravel(getattr(layer, name)))
                trained.append(np.array([name in layer.trained]))
        else:
            for variable in layer.trainable_variables:
                weights.append(variable.numpy().ravel())
                trained.append(np.ones(weights[-1].size, bool))
    return np.concatenate(weights).astype(np.float32), np.concatenate(trained)


class _Workspaces:
    """Where the results of forward calls wait for their gradient, by the shapes of a call.

    They are used again in every step, for fresh memory costs more than the network. So a workspace
    holds the results of the latest forward call of its shapes alone; calls are numbered, to tell
    when others' results are gone.
    """

    def __init__(self) -> None:
        self._latest: dict[tuple[int, ...], tuple[int, Workspace]] = {}
        self._calls = 0

    def begin(self, *shape: int) -> tuple[int, Workspace]:
        """The number of a new forward call, and its workspace; for ``shape`` see ``new_workspace``.

        What the workspace held is gone.
        """
        _, workspace = self._latest.get(shape) or (0, new_workspace(*shape))
        self._calls += 1
        self._latest[shape] = self._calls, workspace
        return self._latest[shape]

    def results(self, call: int, *shape: int) -> Workspace | None:
        """The workspace with the results of a forward call; ``None`` if they are gone."""
        latest, workspace = self._latest[shape]
        return workspace if latest == call else None


def compiled_call(network: keras.Model) -> Callable:
    """``network.stateless_call`` for several sets of its weights at once; it ``is_supported``.

    Returns:
        ``call(weights, others, features, training)``: float32 ``[networks, flat weights]``, the
        other variables of each and float32 ``[n, height, width, 1]`` -> probabilities, float32
        ``[n, 2]``, and other variables of each. Gradients are right in any order of calls: where a
        later one has used the workspace, the forward results are computed again.
    """
    epsilon = np.float32(network.get_layer("b1_norm").epsilon)
    dropouts = [network.get_layer(f"b{block}_dropout") for block in (1, 2)]
    dropouts = [layer for layer in dropouts if layer.rate]
    constants, trained = all_weights(network)
    # Kernels run without Python's lock, and calls of other threads may not write between.
    workspaces, lock = _Workspaces(), threading.Lock()

    def with_constants(weights):
        """Of float32 ``[networks, flat weights]``, float32 ``[networks, weights]``."""
        complete = np.tile(constants, (len(weights), 1))
        complete[:, trained] = weights
        return complete

    def outputs_of(images, weights, *masks):
        """Float32 ``[networks, n, 2]``, and the number of the call; arrays as of ``forward``."""
        arguments = images, with_constants(weights), epsilon, *(masks or NO_MASKS)
        with lock:
            call, workspace = workspaces.begin(len(weights), *images.shape[:3])
            return forward(*arguments, workspace), np.int64(call)

    def gradient_of(call, upstream, images, weights, *masks):
        """Float32 ``[networks, flat weights]``; arrays as of ``backward``."""
        arguments = images, with_constants(weights), epsilon, *(masks or NO_MASKS)
        shape = len(weights), *images.shape[:3]
        with lock:
            workspace = workspaces.results(call, *shape)
            if workspace is None:
                _, workspace = workspaces.begin(*shape)
                forward(*arguments, workspace)
            return backward(*arguments, workspace, upstream)[:, trained]

    @tf.custom_gradient
    def run(*inputs):
        images, weights, *masks = inputs
        outputs, call = tf.numpy_function(outputs_of, inputs, (tf.float32, tf.int64), stateful=True)
        outputs.set_shape([weights.shape[0], images.shape[0], 2])

        def gradients(upstream):
            of_weights = tf.numpy_function(
                gradient_of, [call, upstream, *inputs], tf.float32, stateful=True
            )
            of_weights.set_shape(weights.shape)
            return None, of_weights, *(None for _ in masks)

        return outputs, gradients

    def call(weights, others, features, training=False):
        masks, changed = [], [list(values) for values in others]
        if training:
            for number, layer in enumerate(dropouts):
                ones = tf.ones([tf.shape(features)[0], *layer.output.shape[1:]])
                drawn = [
                    layer.stateless_call([], [values[number]], ones, training=True)
                    for values in others
                ]
                masks.append(tf.stack([mask for mask, _ in drawn]))
                for values, (_, state) in zip(changed, drawn, strict=True):
                    values[number] = state[0]
        return [softmax(values) for values in tf.unstack(run(features, weights, *masks))], changed

    return call


def softmax(outputs: tf.Tensor) -> tf.Tensor:
    """Keras' softmax of ``[n, classes]``, with the same bits on every processor.

    TensorFlow's begins with the processor's approximation of a reciprocal, which is each maker's
    own. Like Keras' it carries its input, by which a loss then goes.
    """
    powers = tf.exp(outputs - tf.stop_gradient(tf.reduce_max(outputs, axis=-1, keepdims=True)))
    probabilities = powers / tf.reduce_sum(powers, axis=-1, keepdims=True)
    probabilities._keras_logits = outputs
    return probabilities
