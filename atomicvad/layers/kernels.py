"""Compiled forward and backward passes for what a CPU does slowly op by op.

The first layer's convolution and pooling: only the position that won a pool carries gradient, 507
of 12,288 for the paper's layer, so the filter's gradient is summed over these alone. Layer
normalisation over a handful of channels: one pass instead of some twenty. Both give the numbers of
the plain layers. They run in the thread that calls them, so that batches can be prepared in others.
"""

from collections.abc import Callable

import keras
import numba
import numpy as np
import tensorflow as tf

SIZE = 7  # of the filter; a constant lets the compiler unroll the loops over it
_compiled = numba.njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract", "nsz"})


@_compiled
def _convolve_row(padded, y, taps, out):
    """Row ``y`` of every filter's response, ``[filters, width]``."""
    out[:] = 0
    for tap in range(SIZE):
        line = padded[y + tap]
        for channel in range(len(taps)):
            weights, sums = taps[channel, tap], out[channel]
            for x in range(len(sums)):
                total = sums[x]
                for k in range(SIZE):
                    total += weights[k] * line[x + k]
                sums[x] = total


@_compiled
def _keep_larger(values, y, best, best_y):
    for x in range(len(values)):
        larger = values[x] > best[x]
        best[x] = values[x] if larger else best[x]
        best_y[x] = y if larger else best_y[x]


@_compiled
def _convolve_and_pool(images, kernel, bias, pool):
    """Pooled responses, and of each the image position (``y * width + x``) that it came from."""
    batch, height, width, _ = images.shape
    filters, edge = len(bias), SIZE // 2
    rows, columns = -(-height // pool), -(-width // pool)
    top, left = (rows * pool - height) // 2, (columns * pool - width) // 2
    taps = np.ascontiguousarray(kernel[:, :, 0].transpose(2, 0, 1))
    padded = np.zeros((height + 2 * edge, width + 2 * edge), np.float32)
    line = np.empty((filters, width), np.float32)
    best = np.empty((filters, columns * pool), np.float32)
    best_y = np.zeros((filters, columns * pool), np.int32)
    pooled = np.empty((batch, rows, columns, filters), np.float32)
    winners = np.empty((batch, rows, columns, filters), np.int32)
    for item in range(batch):
        padded[edge : edge + height, edge : edge + width] = images[item, :, :, 0]
        for row in range(rows):
            best[:] = -np.inf
            for y in range(max(0, row * pool - top), min(height, (row + 1) * pool - top)):
                _convolve_row(padded, y, taps, line)
                for channel in range(filters):
                    _keep_larger(line[channel], y, best[channel, left:], best_y[channel, left:])
            for channel in range(filters):
                for column in range(columns):
                    winner = column * pool
                    largest = best[channel, winner]
                    for x in range(winner + 1, (column + 1) * pool):
                        larger = best[channel, x] > largest
                        largest = best[channel, x] if larger else largest
                        winner = x if larger else winner
                    pooled[item, row, column, channel] = largest + bias[channel]
                    winners[item, row, column, channel] = (
                        best_y[channel, winner] * width + winner - left
                    )
    return pooled, winners


@_compiled
def _kernel_gradient(images, winners, upstream):
    """Gradient of the kernel: the winners' patches, weighted and summed image by image."""
    batch, height, width, _ = images.shape
    _, rows, columns, filters = upstream.shape
    edge = SIZE // 2
    # One column more than the filter has: eight numbers fill a vector register.
    padded = np.zeros((height + 2 * edge, width + 2 * edge + 1), np.float32)
    total = np.zeros((filters, SIZE, SIZE + 1), np.float32)
    part = np.empty((filters, SIZE, SIZE + 1), np.float32)
    for item in range(batch):
        padded[edge : edge + height, edge : edge + width] = images[item, :, :, 0]
        part[:] = 0
        for row in range(rows):
            for column in range(columns):
                for channel in range(filters):
                    weight = upstream[item, row, column, channel]
                    y, x = divmod(winners[item, row, column, channel], width)
                    for tap in range(SIZE):
                        for k in range(SIZE + 1):
                            part[channel, tap, k] += weight * padded[y + tap, x + k]
        total += part
    return np.expand_dims(total[:, :, :SIZE].transpose(1, 2, 0), 2).copy()


def convolve_and_pool(images, kernel, bias, pool: int):
    """``max_pool(conv2d(images, kernel) + bias)``, both "same"; no gradient for ``images``.

    Args:
        images: float32 ``[batch, height, width, 1]``.
        kernel: ``[7, 7, 1, filters]``.
        bias: ``[filters]``.
        pool: side and stride of the pooling.

    Returns:
        ``[batch, ceil(height / pool), ceil(width / pool), filters]``.
    """

    @tf.custom_gradient
    def run(images, kernel, bias):
        pooled, winners = tf.numpy_function(
            lambda *arrays: _convolve_and_pool(*arrays, pool),
            [images, kernel, bias],
            [tf.float32, tf.int32],
            stateful=False,
        )
        height, width = (-(-length // pool) for length in images.shape[1:3])
        pooled.set_shape([images.shape[0], height, width, kernel.shape[3]])

        def gradients(upstream):
            of_kernel = tf.numpy_function(
                _kernel_gradient, [images, winners, upstream], tf.float32, stateful=False
            )
            of_kernel.set_shape(kernel.shape)
            return None, of_kernel, tf.reduce_sum(upstream, [0, 1, 2])

        return pooled, gradients

    return run(images, tf.convert_to_tensor(kernel), tf.convert_to_tensor(bias))


@_compiled
def _statistics(row, epsilon):
    """Mean and reciprocal standard deviation of a few numbers."""
    mean = variance = np.float32(0)
    for value in row:
        mean += value
    mean /= len(row)
    for value in row:
        variance += (value - mean) ** 2
    return mean, 1 / np.sqrt(variance / len(row) + epsilon)


@_compiled
def _normalize(rows, gamma, beta, epsilon):
    result = np.empty_like(rows)
    for index in range(len(rows)):
        mean, scale = _statistics(rows[index], epsilon)
        for channel in range(len(gamma)):
            normal = (rows[index, channel] - mean) * scale
            result[index, channel] = normal * gamma[channel] + beta[channel]
    return result


@_compiled
def _normalize_gradients(rows, gamma, upstream, epsilon):
    channels = len(gamma)
    of_rows, of_gamma, of_beta = np.empty_like(rows), np.zeros_like(gamma), np.zeros_like(gamma)
    for index in range(len(rows)):
        mean, scale = _statistics(rows[index], epsilon)
        level = slope = np.float32(0)
        for channel in range(channels):
            normal = (rows[index, channel] - mean) * scale
            of_gamma[channel] += upstream[index, channel] * normal
            of_beta[channel] += upstream[index, channel]
            weighted = upstream[index, channel] * gamma[channel]
            level += weighted
            slope += weighted * normal
        for channel in range(channels):
            normal = (rows[index, channel] - mean) * scale
            weighted = upstream[index, channel] * gamma[channel]
            of_rows[index, channel] = scale * (weighted - (level + normal * slope) / channels)
    return of_rows, of_gamma, of_beta


def normalize(inputs, gamma, beta, epsilon: float):
    """Layer normalisation over the last axis (Ba et al. 2016, arXiv 1607.06450)."""
    epsilon = np.float32(epsilon)

    @tf.custom_gradient
    def run(inputs, gamma, beta):
        rows = tf.reshape(inputs, [-1, gamma.shape[0]])
        result = tf.numpy_function(
            lambda *arrays: _normalize(*arrays, epsilon),
            [rows, gamma, beta],
            tf.float32,
            stateful=False,
        )

        def gradients(upstream):
            of_rows, of_gamma, of_beta = tf.numpy_function(
                lambda *arrays: _normalize_gradients(*arrays, epsilon),
                [rows, gamma, tf.reshape(upstream, tf.shape(rows))],
                [tf.float32] * 3,
                stateful=False,
            )
            of_gamma.set_shape(gamma.shape)
            of_beta.set_shape(beta.shape)
            return tf.reshape(of_rows, tf.shape(inputs)), of_gamma, of_beta

        return tf.ensure_shape(tf.reshape(result, tf.shape(inputs)), inputs.shape), gradients

    return run(inputs, tf.convert_to_tensor(gamma), tf.convert_to_tensor(beta))


def compiled_call(network: keras.Model) -> Callable:
    """``network.stateless_call`` with the first layers of ``model.build_network`` compiled."""
    convolution, pool, norm = (network.get_layer(f"b1_{name}") for name in ("conv", "pool", "norm"))
    layered = isinstance(norm, keras.layers.LayerNormalization)
    assert convolution.kernel_size == (SIZE, SIZE)
    rest = keras.Model((norm if layered else pool).output, network.output)
    done = 4 if layered else 2

    def call(weights, others, features, **options):
        x = convolve_and_pool(features, *weights[:2], pool.pool_size[0])
        if layered:
            x = normalize(x, *weights[2:4], norm.epsilon)
        return rest.stateless_call(weights[done:], others, x, **options)

    return call
