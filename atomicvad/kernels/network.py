"""The whole network for a CPU, forward: sixteen windows side by side (backward: ``gradient``).

A library's layers spend more time between these small arrays than in them. Here every loop runs
over sixteen windows at once, as long vectors in the cache; arrays are ``[..., place, lane]``.
The numbers are those of the plain layers, to rounding.
"""

from typing import NamedTuple

import numpy as np

from atomicvad.kernels.compile import compiled
from atomicvad.kernels.first_pools import (
    LANES,
    PRODUCTS,
    filter_factors,
    first_pools,
    lay_out,
    new_pieces,
    padding_before,
)
from atomicvad.sections import PAPER_BLOCKS

NO_MASKS = (None, None)  # of the two blocks: without dropout
HIDDEN, FILTERS = PAPER_BLOCKS[0].hidden, PAPER_BLOCKS[0].filters
MULTIPLIER = PAPER_BLOCKS[0].multiplier
POOLS = tuple(block.pool for block in PAPER_BLOCKS)


class BlockWeights(NamedTuple):
    """A block's weights, or their gradients; float32.

    Attributes:
        kernel: ``[taps, channels]``, the convolution's.
        bias: ``[channels]``, the convolution's.
        gamma, beta: ``[channels]``, scale and shift of the layer normalisation.
        expand: ``[channels, HIDDEN]``, the first 1x1 convolution's.
        expand_bias: ``[HIDDEN]``.
        unit: ``[4]``, the growing cosine unit's ``w1, w2, b1, b2``.
        reduce: ``[HIDDEN, FILTERS]``, the second 1x1 convolution's.
        reduce_bias: ``[FILTERS]``.
    """

    kernel: np.ndarray
    bias: np.ndarray
    gamma: np.ndarray
    beta: np.ndarray
    expand: np.ndarray
    expand_bias: np.ndarray
    unit: np.ndarray
    reduce: np.ndarray
    reduce_bias: np.ndarray


class NetworkWeights(NamedTuple):
    """A network's weights, or their gradients.

    Attributes:
        first, second: the blocks' ``BlockWeights``.
        dense: float32 ``[ends * FILTERS, 2]``, of all places after the second pooling.
        dense_bias: float32 ``[2]``.
    """

    first: BlockWeights
    second: BlockWeights
    dense: np.ndarray
    dense_bias: np.ndarray


@compiled
def _block_weights(vector, start, taps, channels):
    """A block's weights as views, and where the next ones begin.

    Args:
        vector: float32 ``[weights]``.
        start: where the block begins in it.
    """
    a = start + taps * channels
    b = a + 3 * channels
    c = b + channels * HIDDEN
    d = c + HIDDEN + 4
    e = d + HIDDEN * FILTERS
    block = BlockWeights(
        vector[start:a].reshape(taps, channels),
        vector[a : a + channels],
        vector[a + channels : a + 2 * channels],
        vector[a + 2 * channels : b],
        vector[b:c].reshape(channels, HIDDEN),
        vector[c : c + HIDDEN],
        vector[c + HIDDEN : d],
        vector[d:e].reshape(HIDDEN, FILTERS),
        vector[e : e + FILTERS],
    )
    return block, e + FILTERS


@compiled
def named_weights(vector):
    """The ``NetworkWeights`` in a vector, float32 ``[weights]``, as views."""
    first, end = _block_weights(vector, 0, 49, MULTIPLIER)
    second, end = _block_weights(vector, end, 9, FILTERS)
    return NetworkWeights(first, second, vector[end:-2].reshape(-1, 2), vector[-2:])


@compiled
def _keep_larger(values, place, best, winner):
    """Replace what is smaller than ``values``, and its place.

    Args:
        values: float32 ``[columns * LANES]``.
        place: int32, that of ``values``.
        best: float32 ``[columns * LANES]``, changed in place.
        winner: int32 ``[columns * LANES]``, changed in place.
    """
    for n in range(len(values)):
        larger = values[n] > best[n]
        best[n] = values[n] if larger else best[n]
        winner[n] = place if larger else winner[n]


@compiled
def _pool_row(best, best_y, width, line, pool, left, pooled, winners):
    """The largest of every ``pool`` places of a row.

    Args:
        best: float32 ``[width * LANES]``, largest values over rows.
        best_y: int32 ``[width * LANES]``, the rows these are in.
        line: places from one row to the next, in which winners are counted.
        left: places that "same" pooling adds before the row.
        pooled: float32 ``[pools * LANES]``, written.
        winners: int32 ``[pools * LANES]``, written.
    """
    for column in range(len(pooled) // LANES):
        out = slice(column * LANES, (column + 1) * LANES)
        value, winner = pooled[out], winners[out]
        for x in range(max(0, column * pool - left), min(width, (column + 1) * pool - left)):
            for lane in range(LANES):
                n = x * LANES + lane
                larger = best[n] > value[lane]
                value[lane] = best[n] if larger else value[lane]
                winner[lane] = best_y[n] * line + x if larger else winner[lane]


@compiled
def max_pool(lines, pool, pooled, winners):
    """The largest of every ``pool`` by ``pool`` places.

    Args:
        lines: float32 ``[rows, columns * LANES]``.
        pooled: float32 ``[pools * LANES]``, written.
        winners: int32 ``[pools * LANES]``, written, places in lines of ``columns``.
    """
    rows, size = lines.shape
    columns, top = size // LANES, padding_before(rows, pool)
    left, width = padding_before(columns, pool), -(-columns // pool) * LANES
    best, best_y = np.empty(size, np.float32), np.zeros(size, np.int32)
    pooled[:] = -np.inf
    for row in range(-(-rows // pool)):
        best[:] = -np.inf
        for y in range(max(0, row * pool - top), min(rows, (row + 1) * pool - top)):
            _keep_larger(lines[y], np.int32(y), best, best_y)
        out = slice(row * width, (row + 1) * width)
        _pool_row(best, best_y, columns, columns, pool, left, pooled[out], winners[out])


@compiled
def _second_pools(x, kernel, columns, pool, pooled, skip, winners):
    """The second block's convolution and pooling, and its input's pooling beside it.

    Args:
        x: float32 ``[FILTERS, rows * columns * LANES]``.
        kernel: float32 ``[9, FILTERS]``.
        pooled, skip: float32 ``[FILTERS, ends * LANES]``, written.
        winners: int32 ``[2 * FILTERS, ends * LANES]``, written, places in ``x``: those of
            ``pooled``, then those of ``skip``.
    """
    size = columns * LANES
    rows = x.shape[1] // size
    padded = np.zeros((rows + 2, size + 2 * LANES), np.float32)
    responses = np.empty((rows, size), np.float32)
    for channel in range(FILTERS):
        image = x[channel].reshape(rows, size)
        padded[1:-1, LANES:-LANES] = image
        responses[:] = 0
        for y in range(rows):
            line = responses[y]
            for tap in range(9):
                shifted, weight = padded[y + tap // 3, tap % 3 * LANES :], kernel[tap, channel]
                for n in range(size):
                    line[n] += weight * shifted[n]
        max_pool(responses, pool, pooled[channel], winners[channel])
        max_pool(image, pool, skip[channel], winners[FILTERS + channel])


@compiled
def cosine(x):
    """Of a float32, to 1e-6: its series within half a turn.

    Unlike the library's, loops over it vectorise.
    """
    turns = x * np.float32(0.15915494309189535)
    r = np.float32(6.283185307179586) * (turns - np.floor(turns + np.float32(0.5)))
    s = r * r
    y = np.float32(-1.5619206968586225e-16)
    y = y * s + np.float32(4.779477332387385e-14)
    y = y * s + np.float32(-1.1470745597729725e-11)
    y = y * s + np.float32(2.08767569878681e-09)
    y = y * s + np.float32(-2.755731922398589e-07)
    y = y * s + np.float32(2.48015873015873e-05)
    y = y * s + np.float32(-0.001388888888888889)
    y = y * s + np.float32(0.041666666666666664)
    y = y * s + np.float32(-0.5)
    return y * s + np.float32(1)


@compiled
def normalize(x, bias, epsilon, normal, scale):
    """Layer normalisation of ``x + bias`` over its channels, before its scale and shift.

    Args:
        x: float32 ``[channels, places * LANES]``.
        bias: float32 ``[channels]``.
        epsilon: float32, added to the variance.
        normal: float32 ``[channels, places * LANES]``, written.
        scale: float32 ``[places * LANES]``, written: 1 over the standard deviation.
    """
    channels, places = x.shape
    mean = np.zeros(places, np.float32)
    scale[:] = 0
    for channel in range(channels):
        for n in range(places):
            normal[channel, n] = x[channel, n] + bias[channel]
            mean[n] += normal[channel, n] / np.float32(channels)
    for channel in range(channels):
        for n in range(places):
            normal[channel, n] -= mean[n]
            scale[n] += normal[channel, n] * normal[channel, n]
    for n in range(places):
        scale[n] = np.float32(1) / np.sqrt(scale[n] / np.float32(channels) + epsilon)
    for channel in range(channels):
        for n in range(places):
            normal[channel, n] *= scale[n]


@compiled
def expand(normal, block, node, hidden):
    """One channel of the first 1x1 convolution, before the growing cosine unit.

    Args:
        normal: float32 ``[channels, places * LANES]``, see ``normalize``.
        block: ``BlockWeights``.
        node: number of the hidden channel.
        hidden: float32 ``[places * LANES]``, written.
    """
    gamma, beta = block.gamma, block.beta
    hidden[:] = block.expand_bias[node]
    for channel in range(len(gamma)):
        weight = block.expand[channel, node]
        for n in range(len(hidden)):
            hidden[n] += weight * (normal[channel, n] * gamma[channel] + beta[channel])


@compiled
def pointwise_layers(x, block, epsilon, mask, out):
    """Normalisation, 1x1 convolution, growing cosine unit, dropout, 1x1 convolution.

    Args:
        x: float32 ``[channels, places * LANES]``, without the convolution's bias.
        block: ``BlockWeights``.
        epsilon: float32, the normalisation's.
        mask: float32 ``[HIDDEN, places * LANES]``, dropout's factors; or ``None``.
        out: float32 ``[FILTERS, places * LANES]``, written.
    """
    places = x.shape[1]
    normal, scale = np.empty_like(x), np.empty(places, np.float32)
    hidden = np.empty(places, np.float32)
    w1, w2, b1, b2 = block.unit
    normalize(x, block.bias, epsilon, normal, scale)
    for k in range(FILTERS):
        out[k] = block.reduce_bias[k]
    for node in range(HIDDEN):
        expand(normal, block, node, hidden)
        for n in range(places):
            hidden[n] = (w1 * hidden[n] + b1) * cosine(w2 * hidden[n] + b2)
        if mask is not None:
            for n in range(places):
                hidden[n] *= mask[node, n]
        for k in range(FILTERS):
            weight, line = block.reduce[node, k], out[k]
            for n in range(places):
                line[n] += weight * hidden[n]


@compiled
def _side_by_side(items, out):
    """Bring windows into lanes.

    Args:
        items: float32 ``[up to LANES, places, channels]``.
        out: float32 ``[channels, places * LANES]``, written.
    """
    for lane in range(len(items)):
        for place in range(items.shape[1]):
            for channel in range(items.shape[2]):
                out[channel, place * LANES + lane] = items[lane, place, channel]


@compiled
def group_mask(mask, network, items):
    """Dropout's factors for a group of windows, as ``pointwise_layers`` takes them.

    Args:
        mask: float32 ``[networks, n, rows, columns, HIDDEN]``, or ``None``.
        network: number of the network.
        items: slice, which windows.

    Returns:
        float32 ``[HIDDEN, rows * columns * LANES]``, or ``None``.
    """
    if mask is None:
        return None
    places = mask.shape[2] * mask.shape[3]
    factors = np.zeros((HIDDEN, places * LANES), np.float32)
    _side_by_side(mask[network][items].reshape(-1, places, HIDDEN), factors)
    return factors


class Workspace(NamedTuple):
    """Where windows are worked on, and what the gradient needs of them.

    ``places`` and ``ends`` are what the first and the second pooling leave of an image; ``groups``
    are of ``LANES`` windows each.

    Attributes:
        halves, pieces: float32, images as the first convolution takes them, see
            ``first_pools.new_pieces``.
        pooled: float32 ``[networks, groups, MULTIPLIER, places * LANES]``, the first pools.
        winners: int32, the same shape, where their largest values lie, see
            ``first_pools.first_pools``.
        between: float32 ``[networks, groups, FILTERS, places * LANES]``, outputs of the first
            block.
        last: float32 ``[networks, groups, FILTERS, ends * LANES]``, the second pools.
        last_winners: int32 ``[networks, groups, 2 * FILTERS, ends * LANES]``, places in
            ``between``: of the second pools, then of the skip connection's.
    """

    halves: np.ndarray
    pieces: np.ndarray
    pooled: np.ndarray
    winners: np.ndarray
    between: np.ndarray
    last: np.ndarray
    last_winners: np.ndarray


def new_workspace(networks: int, count: int, height: int, width: int) -> Workspace:
    """For ``count`` windows of ``height`` by ``width`` features and so many networks."""
    shape = networks, -(-count // LANES)
    rows, columns = -(-height // POOLS[0]), -(-width // POOLS[0])
    places, ends = rows * columns, -(-rows // POOLS[1]) * (-(-columns // POOLS[1]))
    return Workspace(
        *new_pieces(height, width),
        np.zeros((*shape, MULTIPLIER, places * LANES), np.float32),
        np.zeros((*shape, MULTIPLIER, places * LANES), np.int32),
        np.zeros((*shape, FILTERS, places * LANES), np.float32),
        np.zeros((*shape, FILTERS, ends * LANES), np.float32),
        np.zeros((*shape, 2 * FILTERS, ends * LANES), np.int32),
    )


@compiled
def forward(images, weights, epsilon, first_mask, second_mask, workspace):
    """Outputs before the softmax, of several networks for the same windows.

    Args:
        images: float32 ``[n, height, width, 1]``, features.
        weights: float32 ``[networks, weights]``.
        epsilon: float32, the normalisations'.
        first_mask, second_mask: float32 ``[networks, n, rows, columns, HIDDEN]``, dropout's factors
            in the two blocks; or ``None``.
        workspace: of as many networks and windows, written; where no gradient is wanted, of one
            network and ``LANES`` windows.

    Returns:
        float32 ``[networks, n, 2]``.
    """
    count, height, width, _ = images.shape
    columns, ends = -(-width // POOLS[0]), workspace.last.shape[-1] // LANES
    kept_networks, kept_groups = workspace.last.shape[:2]
    skip, out = np.empty_like(workspace.last[0, 0]), np.empty_like(workspace.last[0, 0])
    factors = np.empty((len(weights), MULTIPLIER, PRODUCTS, PRODUCTS), np.float32)
    for network in range(len(weights)):
        factors[network] = filter_factors(named_weights(weights[network]).first.kernel)
    outputs = np.empty((len(weights), count, 2), np.float32)
    for group in range(-(-count // LANES)):
        items = slice(group * LANES, min(count, (group + 1) * LANES))
        lay_out(images[items], workspace.halves, workspace.pieces)
        for network in range(len(weights)):
            first, second, dense, dense_bias = named_weights(weights[network])
            place = min(network, kept_networks - 1), min(group, kept_groups - 1)
            pooled, winners = workspace.pooled[place], workspace.winners[place]
            between, last = workspace.between[place], workspace.last[place]
            last_winners = workspace.last_winners[place]
            first_pools(workspace.pieces, factors[network], height, width, pooled, winners)
            mask = group_mask(first_mask, network, items)
            pointwise_layers(pooled, first, epsilon, mask, between)
            _second_pools(between, second.kernel, columns, POOLS[1], last, skip, last_winners)
            mask = group_mask(second_mask, network, items)
            pointwise_layers(last, second, epsilon, mask, out)
            for item in range(items.start, items.stop):
                for output in range(2):
                    total = dense_bias[output]
                    for end in range(ends):
                        n = end * LANES + item - items.start
                        for channel in range(FILTERS):
                            weight = dense[end * FILTERS + channel, output]
                            total += weight * (out[channel, n] + skip[channel, n])
                    outputs[network, item, output] = total
    return outputs


def outputs(images: np.ndarray, weights: np.ndarray, epsilon: float) -> np.ndarray:
    """Outputs before the softmax, of several networks for the same windows.

    Args:
        images: float32 ``[n, height, width, 1]``, features.
        weights: float32 ``[networks, weights]``, ``keras_call.all_weights`` of each.
        epsilon: the normalisations'.

    Returns:
        float32 ``[networks, n, 2]``.
    """
    workspace = new_workspace(1, LANES, *images.shape[1:3])
    return forward(images, weights, np.float32(epsilon), *NO_MASKS, workspace)
