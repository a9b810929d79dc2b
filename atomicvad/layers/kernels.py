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

_compiled = numba.njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract", "nsz"})


def _passes(size: int):
    """Forward and backward pass for filters of ``size``: a constant, so that loops are unrolled."""
    edge = size // 2
    # Room for a register more than the filter needs: its loops run over whole ones.
    wide = size + 1

    @_compiled
    def respond(padded, y, taps, out):
        """Row ``y`` of every filter's response, ``[filters, width]``."""
        out[:] = 0
        for tap in range(size):
            line = padded[y + tap]
            for one in range(len(taps)):
                weights, sums = taps[one, tap], out[one]
                for x in range(len(sums)):
                    total = sums[x]
                    for k in range(size):
                        total += weights[k] * line[x + k]
                    sums[x] = total

    @_compiled
    def keep_larger(values, y, best, best_y):
        for x in range(len(values)):
            larger = values[x] > best[x]
            best[x] = values[x] if larger else best[x]
            best_y[x] = y if larger else best_y[x]

    @_compiled
    def forward(images, kernel, bias, pool):
        """Pooled responses, and of each the position (``y * width + x``) that it came from."""
        batch, height, width, channels = images.shape
        each = kernel.shape[3]
        rows, columns = -(-height // pool), -(-width // pool)
        top, left = (rows * pool - height) // 2, (columns * pool - width) // 2
        taps = np.ascontiguousarray(kernel.transpose(2, 3, 0, 1))
        padded = np.zeros((height + 2 * edge, width + 2 * edge), np.float32)
        line = np.empty((each, width), np.float32)
        best = np.empty((each, columns * pool), np.float32)
        best_y = np.zeros((each, columns * pool), np.int32)
        pooled = np.empty((batch, rows, columns, channels * each), np.float32)
        winners = np.empty((batch, rows, columns, channels * each), np.int32)
        for item in range(batch):
            for channel in range(channels):
                padded[edge : edge + height, edge : edge + width] = images[item, :, :, channel]
                for row in range(rows):
                    best[:] = -np.inf
                    for y in range(max(0, row * pool - top), min(height, (row + 1) * pool - top)):
                        respond(padded, y, taps[channel], line)
                        for one in range(each):
                            keep_larger(line[one], y, best[one, left:], best_y[one, left:])
                    for one in range(each):
                        out = channel * each + one
                        for column in range(columns):
                            winner = column * pool
                            largest = best[one, winner]
                            for x in range(winner + 1, (column + 1) * pool):
                                larger = best[one, x] > largest
                                largest = best[one, x] if larger else largest
                                winner = x if larger else winner
                            pooled[item, row, column, out] = largest + bias[out]
                            winners[item, row, column, out] = (
                                best_y[one, winner] * width + winner - left
                            )
        return pooled, winners

    @_compiled
    def kernel_gradient(images, winners, upstream):
        """The winners' patches, weighted and summed image by image."""
        batch, height, width, channels = images.shape
        _, rows, columns, filters = upstream.shape
        each = filters // channels
        padded = np.zeros((height + 2 * edge, width + 2 * edge + 1), np.float32)
        total = np.zeros((channels, each, size, wide), np.float32)
        part = np.empty((each, size, wide), np.float32)
        for item in range(batch):
            for channel in range(channels):
                padded[edge : edge + height, edge : edge + width] = images[item, :, :, channel]
                part[:] = 0
                for row in range(rows):
                    for column in range(columns):
                        for one in range(each):
                            out = channel * each + one
                            weight = upstream[item, row, column, out]
                            y, x = divmod(winners[item, row, column, out], width)
                            for tap in range(size):
                                for k in range(wide):
                                    part[one, tap, k] += weight * padded[y + tap, x + k]
                total[channel] += part
        return total[:, :, :, :size].transpose(2, 3, 0, 1).copy()

    @_compiled
    def image_gradient(images, kernel, winners, upstream):
        """The kernel, weighted, laid over the winners' patches."""
        batch, height, width, channels = images.shape
        _, rows, columns, filters = upstream.shape
        each = filters // channels
        padded = np.empty((height + 2 * edge, width + 2 * edge, channels), np.float32)
        result = np.empty_like(images)
        for item in range(batch):
            padded[:] = 0
            for row in range(rows):
                for column in range(columns):
                    for out in range(filters):
                        channel, one = divmod(out, each)
                        weight = upstream[item, row, column, out]
                        y, x = divmod(winners[item, row, column, out], width)
                        for tap in range(size):
                            for k in range(size):
                                padded[y + tap, x + k, channel] += (
                                    weight * kernel[tap, k, channel, one]
                                )
            result[item] = padded[edge : edge + height, edge : edge + width]
        return result

    return forward, kernel_gradient, image_gradient


PASSES = {size: _passes(size) for size in (3, 7)}  # of the paper's two blocks


def convolve_and_pool(images, kernel, bias, pool: int, first: bool = False):
    """``max_pool(depthwise_conv2d(images, kernel) + bias)``, both "same".

    Args:
        images: float32 ``[batch, height, width, channels]``.
        kernel: ``[size, size, channels, multiplier]``; size 3 or 7.
        bias: ``[channels * multiplier]``.
        pool: side and stride of the pooling.
        first: whether this is a network's first layer, whose ``images`` need no gradient.

    Returns:
        ``[batch, ceil(height / pool), ceil(width / pool), channels * multiplier]``.
    """
    forward, kernel_gradient, image_gradient = PASSES[kernel.shape[0]]

    @tf.custom_gradient
    def run(images, kernel, bias):
        pooled, winners = tf.numpy_function(
            lambda *arrays: forward(*arrays, pool),
            [images, kernel, bias],
            [tf.float32, tf.int32],
            stateful=False,
        )
        height, width = (-(-length // pool) for length in images.shape[1:3])
        pooled.set_shape([images.shape[0], height, width, bias.shape[0]])

        def gradients(upstream):
            def backward(images, kernel, winners, upstream):
                of_kernel = kernel_gradient(images, winners, upstream)
                if first:
                    return np.float32(0), of_kernel
                return image_gradient(images, kernel, winners, upstream), of_kernel

            of_images, of_kernel = tf.numpy_function(
                backward, [images, kernel, winners, upstream], [tf.float32] * 2, stateful=False
            )
            of_kernel.set_shape(kernel.shape)
            if first:
                of_images = None
            else:
                of_images.set_shape(images.shape)
            return of_images, of_kernel, tf.reduce_sum(upstream, [0, 1, 2])

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
    """``network.stateless_call`` of ``model.build_network``, its slow layers compiled."""
    layer = network.get_layer
    layered = isinstance(layer("b1_norm"), keras.layers.LayerNormalization)
    between = layer("b1_reduce").output
    first = keras.Model(layer("b1_norm" if layered else "b1_pool").output, between)
    second = keras.Model([between, layer("b2_pool").output], network.output)
    variables = network.trainable_variables
    start = 4 if layered else 2
    end = start + len(first.trainable_variables)
    pools = [layer(f"{block}_pool").pool_size[0] for block in ("b1", "b2")]

    def call(weights, others, features, training=False, return_losses=False):
        options = {"training": training, "return_losses": return_losses}
        x = convolve_and_pool(features, *weights[:2], pools[0], first=True)
        if layered:
            x = normalize(x, *weights[2:4], layer("b1_norm").epsilon)
        count = len(first.non_trainable_variables)
        x, *before = first.stateless_call(weights[start:end], others[:count], x, **options)
        pooled = convolve_and_pool(x, *weights[end : end + 2], pools[1])
        y, *after = second.stateless_call(
            weights[end + 2 :], others[count:], [x, pooled], **options
        )
        return y, *(one + two for one, two in zip(before, after, strict=True))

    assert len(variables) == end + 2 + len(second.trainable_variables)
    return call
