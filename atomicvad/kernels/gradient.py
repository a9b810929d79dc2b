"""Gradients of the network's weights: the way back through ``network.forward``.

``d_name`` is the gradient of the loss with respect to ``name``; README.md derives the formulas.
Only the place that won a pool carries gradient, 507 of 12,288 in the first block, so its filters'
gradient is summed over these alone.
"""

import numpy as np

from atomicvad.kernels.compile import compiled
from atomicvad.kernels.first_pools import EDGE, LANES
from atomicvad.kernels.network import (
    FILTERS,
    HIDDEN,
    MULTIPLIER,
    POOLS,
    cosine,
    expand,
    group_mask,
    named_weights,
    normalize,
    pointwise_layers,
)


@compiled
def _pointwise_gradients(x, block, epsilon, mask, d_out, d_block, d_x):
    """The way back through ``network.pointwise_layers``.

    Args:
        x, block, epsilon, mask: as there.
        d_out: float32 ``[FILTERS, places * LANES]``.
        d_block: ``BlockWeights``, added to; all but the kernel's.
        d_x: float32 ``[channels, places * LANES]``, written.
    """
    gamma, beta, d_unit = block.gamma, block.beta, d_block.unit
    channels, places = x.shape
    normal, scale = np.empty_like(x), np.empty(places, np.float32)
    hidden, dropped = np.empty(places, np.float32), np.empty(places, np.float32)
    d_hidden = np.empty(places, np.float32)
    w1, w2, b1, b2 = block.unit
    normalize(x, block.bias, epsilon, normal, scale)
    d_x[:] = 0
    for k in range(FILTERS):
        d_block.reduce_bias[k] += d_out[k].sum()
    for node in range(HIDDEN):
        expand(normal, block, node, hidden)
        d_hidden[:] = 0
        for k in range(FILTERS):
            weight, line = block.reduce[node, k], d_out[k]
            for n in range(places):
                d_hidden[n] += weight * line[n]
        d_w1 = d_w2 = d_b1 = d_b2 = d_bias = np.float32(0)
        for n in range(places):
            value = hidden[n]
            keep = np.float32(1) if mask is None else mask[node, n]
            angle = w2 * value + b2
            cos, sin = cosine(angle), cosine(angle - np.float32(1.5707963267948966))
            line = w1 * value + b1
            dropped[n] = line * cos * keep
            d_unit_out = d_hidden[n] * keep
            d_line, d_angle = d_unit_out * cos, -d_unit_out * line * sin
            d_w1 += d_line * value
            d_w2 += d_angle * value
            d_b1 += d_line
            d_b2 += d_angle
            d_hidden[n] = d_line * w1 + d_angle * w2
            d_bias += d_hidden[n]
        d_unit[0] += d_w1
        d_unit[1] += d_w2
        d_unit[2] += d_b1
        d_unit[3] += d_b2
        d_block.expand_bias[node] += d_bias
        for k in range(FILTERS):
            line, total = d_out[k], np.float32(0)
            for n in range(places):
                total += line[n] * dropped[n]
            d_block.reduce[node, k] += total
        for channel in range(channels):
            weight, total = block.expand[channel, node], np.float32(0)
            for n in range(places):
                total += d_hidden[n] * normal[channel, n]
                d_x[channel, n] += weight * d_hidden[n]
            d_block.expand[channel, node] += total * gamma[channel] + d_bias * beta[channel]
    _normalize_gradients(normal, scale, block, d_block, d_x)


@compiled
def _normalize_gradients(normal, scale, block, d_block, d_x):
    """The way back through the layer normalisation and the convolution's bias.

    Args:
        normal: float32 ``[channels, places * LANES]``, see ``network.normalize``.
        scale: float32 ``[places * LANES]``, see ``network.normalize``.
        block: ``BlockWeights``.
        d_block: ``BlockWeights``, added to: gamma, beta and bias.
        d_x: float32 ``[channels, places * LANES]``, changed in place: from the gradient of the
            scaled and shifted values to that of the normalisation's input.
    """
    gamma, (channels, places) = block.gamma, normal.shape
    mean, slope = np.zeros(places, np.float32), np.zeros(places, np.float32)
    for channel in range(channels):
        d_gamma = d_beta = np.float32(0)
        for n in range(places):
            d_gamma += d_x[channel, n] * normal[channel, n]
            d_beta += d_x[channel, n]
            d_x[channel, n] *= gamma[channel]
            mean[n] += d_x[channel, n] / np.float32(channels)
            slope[n] += d_x[channel, n] * normal[channel, n] / np.float32(channels)
        d_block.gamma[channel] += d_gamma
        d_block.beta[channel] += d_beta
    for channel in range(channels):
        d_bias = np.float32(0)
        for n in range(places):
            d_x[channel, n] = scale[n] * (d_x[channel, n] - mean[n] - normal[channel, n] * slope[n])
            d_bias += d_x[channel, n]
        d_block.bias[channel] += d_bias


@compiled
def _sum_of_pieces(line, starts, weights, sums):
    """Add the seven values from every start on, weighted.

    Args:
        line: float32 ``[values]``.
        starts: uint32 ``[pieces]``.
        weights: float32 ``[pieces]``.
        sums: float32 ``[7]``, added to.
    """
    l1, l2, l3, l4, l5, l6 = line[1:], line[2:], line[3:], line[4:], line[5:], line[6:]
    a0 = a1 = a2 = a3 = a4 = a5 = a6 = np.float32(0)
    for n in range(len(starts)):
        start, weight = starts[n], weights[n]
        a0 += weight * line[start]
        a1 += weight * l1[start]
        a2 += weight * l2[start]
        a3 += weight * l3[start]
        a4 += weight * l4[start]
        a5 += weight * l5[start]
        a6 += weight * l6[start]
    for k, total in enumerate((a0, a1, a2, a3, a4, a5, a6)):
        sums[k] += total


@compiled
def _first_kernel_gradient(images, winners, d_pooled, d_kernel):
    """Sum of the winners' 7x7 patches, each weighted by its gradient.

    Args:
        images: float32 ``[up to LANES, height, width, 1]``.
        winners: int32 ``[MULTIPLIER, places * LANES]``, see ``first_pools.first_pools``.
        d_pooled: float32 ``[MULTIPLIER, places * LANES]``.
        d_kernel: float32 ``[49, MULTIPLIER]``, added to.
    """
    lanes, height, width, _ = images.shape
    places, line = d_pooled.shape[1] // LANES, width + 2 * EDGE
    padded = np.zeros((height + 2 * EDGE) * line, np.float32)
    starts = np.empty(places, np.uint32)  # unsigned: an index that needs no look at its sign
    weights = np.empty(places, np.float32)
    for lane in range(lanes):
        for y in range(height):
            begin = (y + EDGE) * line + EDGE
            padded[begin : begin + width] = images[lane, y, :, 0]
        for channel in range(MULTIPLIER):
            for place in range(places):
                starts[place] = winners[channel, place * LANES + lane]
                weights[place] = d_pooled[channel, place * LANES + lane]
            for row in range(7):
                sums = d_kernel[7 * row : 7 * row + 7, channel]
                _sum_of_pieces(padded[row * line :], starts, weights, sums)


@compiled
def _second_conv_gradients(x, kernel, columns, winners, d_pooled, d_skip, d_kernel, d_x):
    """The way back through ``network._second_pools``.

    Args:
        x: float32 ``[FILTERS, rows * columns * LANES]``.
        kernel: float32 ``[9, FILTERS]``.
        winners: int32 ``[2 * FILTERS, ends * LANES]``.
        d_pooled, d_skip: float32 ``[FILTERS, ends * LANES]``.
        d_kernel: float32 ``[9, FILTERS]``, added to.
        d_x: float32 ``[FILTERS, rows * columns * LANES]``, written.
    """
    rows = x.shape[1] // LANES // columns
    d_x[:] = 0
    for channel in range(FILTERS):
        for end in range(d_pooled.shape[1]):
            lane = end % LANES
            place = winners[FILTERS + channel, end]
            d_x[channel, place * LANES + lane] += d_skip[channel, end]
            y, column = divmod(winners[channel, end], columns)
            weight = d_pooled[channel, end]
            for tap in range(9):
                row, k = y + tap // 3 - 1, column + tap % 3 - 1
                if 0 <= row < rows and 0 <= k < columns:
                    n = (row * columns + k) * LANES + lane
                    d_kernel[tap, channel] += weight * x[channel, n]
                    d_x[channel, n] += weight * kernel[tap, channel]


@compiled
def backward(images, weights, epsilon, first_mask, second_mask, workspace, upstream):
    """Gradients of the weights.

    Args:
        images, weights, epsilon, first_mask, second_mask: those of ``network.forward``.
        workspace: as that has left it.
        upstream: float32 ``[networks, n, 2]``, gradient of its outputs.

    Returns:
        float32 ``[networks, weights]``.
    """
    count, columns = len(images), -(-images.shape[2] // POOLS[0])
    groups, ends = workspace.last.shape[1], workspace.last.shape[-1] // LANES
    totals = np.zeros(weights.shape)
    d_weights = np.empty_like(weights[0])
    d_first, d_second, d_dense, d_dense_bias = named_weights(d_weights)
    out, d_out = np.empty_like(workspace.last[0, 0]), np.empty_like(workspace.last[0, 0])
    d_last = np.empty_like(workspace.last[0, 0])
    d_between = np.empty_like(workspace.between[0, 0])
    d_pooled = np.empty_like(workspace.pooled[0, 0])
    for network in range(len(weights)):
        first, second, dense, _ = named_weights(weights[network])
        for group in range(groups):
            items = slice(group * LANES, min(count, (group + 1) * LANES))
            between, last = workspace.between[network, group], workspace.last[network, group]
            last_winners = workspace.last_winners[network, group]
            d_weights[:] = 0
            d_out[:] = 0
            mask = group_mask(second_mask, network, items)
            pointwise_layers(last, second, epsilon, mask, out)
            for item in range(items.start, items.stop):
                lane = item - items.start
                for output in range(2):
                    d_output = upstream[network, item, output]
                    d_dense_bias[output] += d_output
                    for end in range(ends):
                        n = end * LANES + lane
                        for channel in range(FILTERS):
                            value = out[channel, n]
                            place = last_winners[FILTERS + channel, n]
                            value += between[channel, place * LANES + lane]
                            d_dense[end * FILTERS + channel, output] += d_output * value
                            d_out[channel, n] += d_output * dense[end * FILTERS + channel, output]
            _pointwise_gradients(last, second, epsilon, mask, d_out, d_second, d_last)
            _second_conv_gradients(
                between,
                second.kernel,
                columns,
                last_winners,
                d_last,
                d_out,
                d_second.kernel,
                d_between,
            )
            mask = group_mask(first_mask, network, items)
            pooled, winners = workspace.pooled[network, group], workspace.winners[network, group]
            _pointwise_gradients(pooled, first, epsilon, mask, d_between, d_first, d_pooled)
            _first_kernel_gradient(images[items], winners, d_pooled, d_first.kernel)
            totals[network] += d_weights
    return totals.astype(np.float32)
