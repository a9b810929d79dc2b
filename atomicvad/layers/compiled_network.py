"""The whole network for a CPU, forward and backward: sixteen windows side by side.

A library's layers spend more time between these small arrays than in them. Here every loop runs
over sixteen windows at once, as long vectors in the cache; arrays are ``[..., place, lane]``.
Only the place that won a pool carries gradient, 507 of 12,288 in the first block, so its filters'
gradient is summed over these alone. The numbers are those of the plain layers, to rounding.
"""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from atomicvad.layers.activations import PARAMETERS, GrowingCosine
from atomicvad.layers.compiled_filters import (
    EDGE,
    LANES,
    PRODUCTS,
    before,
    filter_factors,
    first_pools,
    lay_out,
    new_pieces,
)
from atomicvad.layers.kernels import compiled
from atomicvad.model import BLOCKS

NO_MASKS = (None, None)  # of the two blocks: without dropout
HIDDEN, FILTERS = BLOCKS[0]["hidden"], BLOCKS[0]["filters"]
MULTIPLIER = BLOCKS[0]["multiplier"]
POOLS = tuple(block["pool"] for block in BLOCKS)


def is_supported(network: keras.Model) -> bool:
    """Whether a ``model.build_network`` is the paper's: this module is for no other."""
    get = network.get_layer
    return isinstance(get("b1_activation"), GrowingCosine) and isinstance(
        get("b1_norm"), keras.layers.LayerNormalization
    )


@compiled
def _block(weights, start, taps, channels):
    """A block's weights as views, and where the next ones begin.

    Kernel, bias, scale and shift of the normalisation, 1x1 and its bias, unit, 1x1 and its bias.
    """
    a = start + taps * channels
    b = a + 3 * channels
    c = b + channels * HIDDEN
    d = c + HIDDEN + 4
    e = d + HIDDEN * FILTERS
    views = (
        weights[start:a].reshape(taps, channels),
        weights[a : a + channels],
        weights[a + channels : a + 2 * channels],
        weights[a + 2 * channels : b],
        weights[b:c].reshape(channels, HIDDEN),
        weights[c : c + HIDDEN],
        weights[c + HIDDEN : d],
        weights[d:e].reshape(HIDDEN, FILTERS),
        weights[e : e + FILTERS],
    )
    return views, e + FILTERS


@compiled
def _parts(weights):
    """All weights as views: both blocks, the dense layer and its bias."""
    first, end = _block(weights, 0, 49, MULTIPLIER)
    second, end = _block(weights, end, 9, FILTERS)
    return first, second, weights[end:-2].reshape(-1, 2), weights[-2:]


@compiled
def _keep_larger(values, place, best, winner):
    for n in range(len(values)):
        larger = values[n] > best[n]
        best[n] = values[n] if larger else best[n]
        winner[n] = place if larger else winner[n]


@compiled
def _pool_row(best, best_y, width, line, pool, left, pooled, winners):
    """The largest of every ``pool`` places of a row, and where it lies in lines of ``line``."""
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
def _pool(lines, pool, pooled, winners):
    """The largest of every ``pool`` by ``pool`` places of ``lines [rows, columns * LANES]``."""
    rows, size = lines.shape
    columns, top = size // LANES, before(rows, pool)
    left, width = before(columns, pool), -(-columns // pool) * LANES
    best, best_y = np.empty(size, np.float32), np.zeros(size, np.int32)
    pooled[:] = -np.inf
    for row in range(-(-rows // pool)):
        best[:] = -np.inf
        for y in range(max(0, row * pool - top), min(rows, (row + 1) * pool - top)):
            _keep_larger(lines[y], np.int32(y), best, best_y)
        out = slice(row * width, (row + 1) * width)
        _pool_row(best, best_y, columns, columns, pool, left, pooled[out], winners[out])


@compiled
def _second_pools(x, kernel, columns, pool, pooled, winners, skip, skip_winners):
    """The second block's convolution and pooling, and its input's pooling beside it."""
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
                above, weight = padded[y + tap // 3, tap % 3 * LANES :], kernel[tap, channel]
                for n in range(size):
                    line[n] += weight * above[n]
        _pool(responses, pool, pooled[channel], winners[channel])
        _pool(image, pool, skip[channel], skip_winners[channel])


@compiled
def _cosine(x):
    """To 1e-6, by its series within half a turn: unlike the library's, loops over it vectorise."""
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
def _normalize(x, bias, epsilon, normal, scale):
    """``x + bias`` over its channels, to mean 0 and variance 1; ``scale``: 1 over its deviation."""
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
def _expand(normal, block, node, hidden):
    """One of the hidden channels before the growing cosine unit."""
    _, _, gamma, beta, expand, expand_bias, _, _, _ = block
    hidden[:] = expand_bias[node]
    for channel in range(len(gamma)):
        weight = expand[channel, node]
        for n in range(len(hidden)):
            hidden[n] += weight * (normal[channel, n] * gamma[channel] + beta[channel])


@compiled
def _inner(x, block, epsilon, mask, out):
    """Normalisation, 1x1, growing cosine unit, dropout, 1x1: ``[channels, n]`` -> ``[2, n]``."""
    _, bias, _, _, _, _, unit, reduce, reduce_bias = block
    places = x.shape[1]
    normal, scale, hidden = (
        np.empty_like(x),
        np.empty(places, np.float32),
        np.empty(places, np.float32),
    )
    w1, w2, b1, b2 = unit
    _normalize(x, bias, epsilon, normal, scale)
    for k in range(FILTERS):
        out[k] = reduce_bias[k]
    for node in range(HIDDEN):
        _expand(normal, block, node, hidden)
        for n in range(places):
            hidden[n] = (w1 * hidden[n] + b1) * _cosine(w2 * hidden[n] + b2)
        if mask is not None:
            for n in range(places):
                hidden[n] *= mask[node, n]
        for k in range(FILTERS):
            weight, line = reduce[node, k], out[k]
            for n in range(places):
                line[n] += weight * hidden[n]


@compiled
def _inner_gradients(x, block, epsilon, mask, upstream, gradient, of_x):
    """Adds to the block's ``gradient``; ``upstream [2, n]`` -> ``of_x [channels, n]``."""
    _, bias, gamma, beta, expand, _, unit, reduce, _ = block
    _, d_bias, d_gamma, d_beta, d_expand, d_expand_bias, d_unit, d_reduce, d_reduce_bias = gradient
    channels, places = x.shape
    normal, scale, hidden = (
        np.empty_like(x),
        np.empty(places, np.float32),
        np.empty(places, np.float32),
    )
    grown, slope = np.empty(places, np.float32), np.empty(places, np.float32)
    w1, w2, b1, b2 = unit
    _normalize(x, bias, epsilon, normal, scale)
    of_x[:] = 0
    for k in range(FILTERS):
        d_reduce_bias[k] += upstream[k].sum()
    for node in range(HIDDEN):
        _expand(normal, block, node, hidden)
        slope[:] = 0
        for k in range(FILTERS):
            weight, line = reduce[node, k], upstream[k]
            for n in range(places):
                slope[n] += weight * line[n]
        d0 = d1 = d2 = d3 = d4 = np.float32(0)
        for n in range(places):
            value = hidden[n]
            keep = np.float32(1) if mask is None else mask[node, n]
            angle = w2 * value + b2
            cosine, sine = _cosine(angle), _cosine(angle - np.float32(1.5707963267948966))
            line = w1 * value + b1
            grown[n] = line * cosine * keep
            above = slope[n] * keep
            of_cosine, of_angle = above * cosine, -above * line * sine
            d0 += of_cosine * value
            d1 += of_angle * value
            d2 += of_cosine
            d3 += of_angle
            slope[n] = of_cosine * w1 + of_angle * w2
            d4 += slope[n]
        d_unit[0] += d0
        d_unit[1] += d1
        d_unit[2] += d2
        d_unit[3] += d3
        d_expand_bias[node] += d4
        for k in range(FILTERS):
            d_reduce[node, k] += np.dot(upstream[k], grown)
        for channel in range(channels):
            weight, total = expand[channel, node], np.float32(0)
            for n in range(places):
                total += slope[n] * normal[channel, n]
                of_x[channel, n] += weight * slope[n]
            d_expand[channel, node] += total * gamma[channel] + d4 * beta[channel]
    _normalize_gradients(normal, scale, gamma, d_bias, d_gamma, d_beta, of_x)


@compiled
def _normalize_gradients(normal, scale, gamma, d_bias, d_gamma, d_beta, of_x):
    """From the normalised and scaled values' gradient, in ``of_x``, to that of what went in."""
    channels, places = normal.shape
    level, slope = np.zeros(places, np.float32), np.zeros(places, np.float32)
    for channel in range(channels):
        of_gamma = of_beta = np.float32(0)
        for n in range(places):
            of_gamma += of_x[channel, n] * normal[channel, n]
            of_beta += of_x[channel, n]
            of_x[channel, n] *= gamma[channel]
            level[n] += of_x[channel, n] / np.float32(channels)
            slope[n] += of_x[channel, n] * normal[channel, n] / np.float32(channels)
        d_gamma[channel] += of_gamma
        d_beta[channel] += of_beta
    for channel in range(channels):
        total = np.float32(0)
        for n in range(places):
            of_x[channel, n] = scale[n] * (
                of_x[channel, n] - level[n] - normal[channel, n] * slope[n]
            )
            total += of_x[channel, n]
        d_bias[channel] += total


@compiled
def _sum_of_pieces(line, starts, weights, sums):
    """The seven values from every start on, weighted and summed."""
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
def _first_kernel_gradient(images, winners, of_pooled, of_kernel):
    """The winners' patches, weighted and summed."""
    lanes, height, width, _ = images.shape
    places, line = of_pooled.shape[1] // LANES, width + 2 * EDGE
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
                weights[place] = of_pooled[channel, place * LANES + lane]
            for row in range(7):
                sums = of_kernel[7 * row : 7 * row + 7, channel]
                _sum_of_pieces(padded[row * line :], starts, weights, sums)


@compiled
def _second_conv_gradients(
    x, kernel, columns, winners, of_pooled, skip_winners, of_skip, of_kernel, of_x
):
    """Of the second block's filters, and of its input by both ways: ``of_x [2, places]``."""
    rows = x.shape[1] // LANES // columns
    of_x[:] = 0
    for channel in range(FILTERS):
        for place in range(of_pooled.shape[1]):
            lane = place % LANES
            of_x[channel, skip_winners[channel, place] * LANES + lane] += of_skip[channel, place]
            y, column = divmod(winners[channel, place], columns)
            weight = of_pooled[channel, place]
            for tap in range(9):
                row, k = y + tap // 3 - 1, column + tap % 3 - 1
                if 0 <= row < rows and 0 <= k < columns:
                    n = (row * columns + k) * LANES + lane
                    of_kernel[tap, channel] += weight * x[channel, n]
                    of_x[channel, n] += weight * kernel[tap, channel]


@compiled
def _beside(items, out):
    """``[lanes, places, channels]`` -> ``[channels, places * LANES]``."""
    for lane in range(len(items)):
        for place in range(items.shape[1]):
            for channel in range(items.shape[2]):
                out[channel, place * LANES + lane] = items[lane, place, channel]


def new_room(networks: int, count: int, height: int, width: int) -> tuple[np.ndarray, ...]:
    """Where ``count`` windows are worked on: fresh memory in every step would cost more than that.

    Room for the filters; then what the gradient needs, by network and groups of ``LANES``: first
    pools, their winners, the first block's outputs, second pools, their winners and the skip's.
    """
    shape = networks, -(-count // LANES)
    rows, columns = -(-height // POOLS[0]), -(-width // POOLS[0])
    places, ends = rows * columns, -(-rows // POOLS[1]) * (-(-columns // POOLS[1]))
    return (
        *new_pieces(height, width),
        np.zeros((*shape, MULTIPLIER, places * LANES), np.float32),
        np.zeros((*shape, MULTIPLIER, places * LANES), np.int32),
        np.zeros((*shape, FILTERS, places * LANES), np.float32),
        np.zeros((*shape, FILTERS, ends * LANES), np.float32),
        np.zeros((*shape, 2 * FILTERS, ends * LANES), np.int32),
    )


@compiled
def _forward(images, weights, epsilon, first_mask, second_mask, room):
    """Features ``[n, height, width, 1]`` -> outputs before the softmax ``[networks, n, 2]``.

    ``weights``: ``[networks, weights]``. ``room``: a ``new_room`` of as many networks and windows;
    where no gradient is wanted, of one network and ``LANES`` windows.
    """
    halves, pieces, pooled, winners, between, last, last_winners = room
    count, height, width, _ = images.shape
    columns, ends = -(-width // POOLS[0]), last.shape[-1] // LANES
    skip, out = np.empty_like(last[0, 0]), np.empty_like(last[0, 0])
    factors = np.empty((len(weights), MULTIPLIER, PRODUCTS, PRODUCTS), np.float32)
    for network in range(len(weights)):
        factors[network] = filter_factors(_parts(weights[network])[0][0])
    outputs = np.empty((len(weights), count, 2), np.float32)
    for group in range(-(-count // LANES)):
        some = slice(group * LANES, min(count, (group + 1) * LANES))
        lay_out(images[some], halves, pieces)
        for network in range(len(weights)):
            first, second, dense, dense_bias = _parts(weights[network])
            m, k = min(network, len(pooled) - 1), min(group, pooled.shape[1] - 1)
            own, skipped = last_winners[m, k, :FILTERS], last_winners[m, k, FILTERS:]
            first_pools(pieces, factors[network], height, width, pooled[m, k], winners[m, k])
            mask = _mask_of(first_mask, network, some)
            _inner(pooled[m, k], first, epsilon, mask, between[m, k])
            _second_pools(
                between[m, k], second[0], columns, POOLS[1], last[m, k], own, skip, skipped
            )
            mask = _mask_of(second_mask, network, some)
            _inner(last[m, k], second, epsilon, mask, out)
            for item in range(some.start, some.stop):
                for output in range(2):
                    total = dense_bias[output]
                    for place in range(ends):
                        n = place * LANES + item - some.start
                        for channel in range(FILTERS):
                            weight = dense[place * FILTERS + channel, output]
                            total += weight * (out[channel, n] + skip[channel, n])
                    outputs[network, item, output] = total
    return outputs


@compiled
def _mask_of(mask, network, some):
    """Dropout's factors ``[networks, n, rows, columns, hidden]``, a part of them for ``_inner``."""
    if mask is None:
        return None
    places = mask.shape[2] * mask.shape[3]
    factors = np.zeros((HIDDEN, places * LANES), np.float32)
    _beside(mask[network][some].reshape(-1, places, HIDDEN), factors)
    return factors


@compiled
def _backward(images, weights, epsilon, first_mask, second_mask, room, upstream):
    """Gradients ``[networks, weights]``; ``upstream [networks, n, 2]``: of ``_forward``'s."""
    _, _, pooled, winners, between, last, last_winners = room
    count, columns = len(images), -(-images.shape[2] // POOLS[0])
    ends = last.shape[-1] // LANES
    totals = np.zeros(weights.shape)
    gradient = np.empty_like(weights[0])
    d_first, d_second, d_dense, d_dense_bias = _parts(gradient)
    out, of_out, of_last = (
        np.empty_like(last[0, 0]),
        np.empty_like(last[0, 0]),
        np.empty_like(last[0, 0]),
    )
    of_between, of_pooled = np.empty_like(between[0, 0]), np.empty_like(pooled[0, 0])
    for m in range(len(weights)):
        first, second, dense, _ = _parts(weights[m])
        for k in range(pooled.shape[1]):
            some = slice(k * LANES, min(count, (k + 1) * LANES))
            gradient[:] = 0
            of_out[:] = 0
            own, skip = last_winners[m, k, :FILTERS], last_winners[m, k, FILTERS:]
            mask = _mask_of(second_mask, m, some)
            _inner(last[m, k], second, epsilon, mask, out)
            for item in range(some.start, some.stop):
                lane = item - some.start
                for output in range(2):
                    above = upstream[m, item, output]
                    d_dense_bias[output] += above
                    for place in range(ends):
                        n = place * LANES + lane
                        for channel in range(FILTERS):
                            value = out[channel, n]
                            value += between[m, k, channel, skip[channel, n] * LANES + lane]
                            d_dense[place * FILTERS + channel, output] += above * value
                            of_out[channel, n] += above * dense[place * FILTERS + channel, output]
            _inner_gradients(last[m, k], second, epsilon, mask, of_out, d_second, of_last)
            _second_conv_gradients(
                between[m, k],
                second[0],
                columns,
                own,
                of_last,
                skip,
                of_out,
                d_second[0],
                of_between,
            )
            mask = _mask_of(first_mask, m, some)
            _inner_gradients(pooled[m, k], first, epsilon, mask, of_between, d_first, of_pooled)
            _first_kernel_gradient(images[some], winners[m, k], of_pooled, d_first[0])
            totals[m] += gradient
    return totals.astype(np.float32)


def outputs(images: np.ndarray, weights: np.ndarray, epsilon: float) -> np.ndarray:
    """Outputs before the softmax, ``[networks, n, 2]``, of several networks at once.

    Args:
        images: features ``[n, height, width, 1]``.
        weights: ``all_weights`` of each, ``[networks, weights]``.
    """
    room = new_room(1, LANES, *images.shape[1:3])
    return _forward(images, weights, np.float32(epsilon), *NO_MASKS, room)


def all_weights(network: keras.Model) -> tuple[np.ndarray, np.ndarray]:
    """Weights in one vector, with the constants of units that train fewer than four of theirs.

    Returns:
        float32 ``[weights]``, and which of them are trained, bool ``[weights]``.
    """
    weights, trained = [], []
    for layer in network.layers:
        if isinstance(layer, GrowingCosine):
            for name in PARAMETERS:
                weights.append(np.ravel(getattr(layer, name)))
                trained.append([name in layer.trained])
        else:
            for variable in layer.trainable_variables:
                weights.append(variable.numpy().ravel())
                trained.append(np.ones(weights[-1].size, bool))
    return np.concatenate(weights).astype(np.float32), np.concatenate(trained)


def compiled_call(network: keras.Model) -> Callable:
    """``network.stateless_call`` for several sets of its weights at once; it ``is_supported``.

    Returns:
        ``call(weights, others, features, training)``: ``weights`` are ``[networks, flat weights]``
        and ``others`` the other variables of each -> probabilities ``[n, 2]`` and other variables
        of each.
    """
    epsilon = np.float32(network.get_layer("b1_norm").epsilon)
    dropouts = [network.get_layer(f"b{block}_dropout") for block in (1, 2)]
    dropouts = [layer for layer in dropouts if layer.rate]
    constants, trained = all_weights(network)
    # By shapes; used again in every step, for fresh memory costs more than the network.
    rooms = {}

    def room_for(weights, images):
        shape = len(weights), *images.shape[:3]
        if shape not in rooms:
            rooms[shape] = new_room(*shape)
        return rooms[shape]

    def whole(weights):
        complete = np.tile(constants, (len(weights), 1))
        complete[:, trained] = weights
        return complete

    def forward(images, weights, *masks):
        room = room_for(weights, images)
        return _forward(images, whole(weights), epsilon, *(masks or NO_MASKS), room)

    def backward(images, weights, upstream, *masks):
        room, masks = room_for(weights, images), masks or NO_MASKS
        return _backward(images, whole(weights), epsilon, *masks, room, upstream)[:, trained]

    @tf.custom_gradient
    def run(images, weights, *masks):
        result = tf.numpy_function(forward, [images, weights, *masks], tf.float32, stateful=True)
        result.set_shape([weights.shape[0], images.shape[0], 2])

        def gradients(upstream):
            of_weights = tf.numpy_function(
                backward, [images, weights, upstream, *masks], tf.float32, stateful=True
            )
            of_weights.set_shape(weights.shape)
            return None, of_weights, *(None for _ in masks)

        return result, gradients

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
        outputs = tf.unstack(run(features, weights, *masks))
        # Keras' own, which tells a loss the logits: its focal loss then goes by these.
        return [keras.activations.softmax(values) for values in outputs], changed

    return call
