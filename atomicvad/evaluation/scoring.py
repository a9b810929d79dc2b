"""From windows to logits, fast on a CPU: features once, then as many networks as there are.

A logit is the difference of the two outputs before the softmax, so that scores near 1 stay apart.
"""

from collections.abc import Callable

import keras
import numba
import numpy as np
import tensorflow as tf
from scipy.special import expit

from atomicvad.errors import AtomicVADError
from atomicvad.evaluation.windows import in_batches, window_starts
from atomicvad.layers.activations import GrowingCosine
from atomicvad.layers.compiled_features import CompiledFeatures

AT_ONCE = 16  # windows whose features stay in the cache while all networks look at them
_compiled = numba.njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract", "nsz"})


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
    networks = [network_logits(model.layers[2]) for model in models]

    def score(windows: np.ndarray) -> np.ndarray:
        logits = np.empty((len(windows), len(networks)), np.float32)
        for first in range(0, len(windows), AT_ONCE):
            part = slice(first, first + AT_ONCE)
            images = features(np.ascontiguousarray(windows[part]))
            for column, network in enumerate(networks):
                logits[part, column] = network(images)
        return logits

    return score


def network_logits(network: keras.Model) -> Callable[[np.ndarray], np.ndarray]:
    """Features ``[n, 64, 64, 1]`` -> logits ``[n]``; compiled for the paper's architecture."""
    get = network.get_layer
    usual = isinstance(get("b1_activation"), GrowingCosine) and isinstance(
        get("b1_norm"), keras.layers.LayerNormalization
    )
    if not (usual and network.input_shape[1:] == (64, 64, 1)):
        predict = tf.function(lambda x: network(x, training=False), reduce_retracing=True)

        def plain(images):
            outputs = np.log(np.maximum(predict(images).numpy().astype(np.float64), 1e-30))
            return outputs[:, 1] - outputs[:, 0]

        return plain

    taps = np.ascontiguousarray(get("b1_conv").kernel.numpy()[:, :, 0].transpose(0, 2, 1))
    first, second = (_block(network, name) for name in ("b1", "b2"))
    depthwise = np.ascontiguousarray(get("b2_conv").kernel.numpy()[:, :, :, 0].transpose(2, 0, 1))
    dense = get("probabilities")
    weights, bias = dense.kernel.numpy(), dense.bias.numpy()
    difference, offset = weights[:, 1] - weights[:, 0], bias[1] - bias[0]
    return lambda images: _logits(images, taps, first, depthwise, second, difference, offset)


def _block(network: keras.Model, name: str) -> tuple[np.ndarray, ...]:
    """Weights of a block after its convolution's kernel, as ``_inner`` takes them."""
    layer = lambda part: network.get_layer(f"{name}_{part}")  # noqa: E731
    norm, expand, reduce, unit = map(layer, ("norm", "expand", "reduce", "activation"))
    scalars = [float(np.ravel(getattr(unit, key))[0]) for key in ("w1", "b1", "w2", "b2")]
    return (
        layer("conv").bias.numpy(),
        np.stack([norm.gamma.numpy(), norm.beta.numpy()]),
        np.float32(norm.epsilon),
        expand.kernel.numpy()[0, 0],
        expand.bias.numpy(),
        np.array(scalars),
        reduce.kernel.numpy()[0, 0],
        reduce.bias.numpy(),
    )


@_compiled
def _larger(a, b):
    return a if a > b else b


@_compiled
def _add_taps(line, taps, s0, s1, s2):
    """Add a row's share of three filters' responses; in two parts, which the registers hold."""
    a0, a1, a2, a3 = taps[0, 0], taps[0, 1], taps[0, 2], taps[0, 3]
    a4, a5, a6 = taps[0, 4], taps[0, 5], taps[0, 6]
    b0, b1, b2, b3 = taps[1, 0], taps[1, 1], taps[1, 2], taps[1, 3]
    b4, b5, b6 = taps[1, 4], taps[1, 5], taps[1, 6]
    c0, c1, c2, c3 = taps[2, 0], taps[2, 1], taps[2, 2], taps[2, 3]
    c4, c5, c6 = taps[2, 4], taps[2, 5], taps[2, 6]
    for x in range(64):
        v0, v1, v2, v3 = line[x], line[x + 1], line[x + 2], line[x + 3]
        s0[x] = s0[x] + a0 * v0 + a1 * v1 + a2 * v2 + a3 * v3
        s1[x] = s1[x] + b0 * v0 + b1 * v1 + b2 * v2 + b3 * v3
        s2[x] = s2[x] + c0 * v0 + c1 * v1 + c2 * v2 + c3 * v3
    for x in range(64):
        v4, v5, v6 = line[x + 4], line[x + 5], line[x + 6]
        s0[x] = s0[x] + a4 * v4 + a5 * v5 + a6 * v6
        s1[x] = s1[x] + b4 * v4 + b5 * v5 + b6 * v6
        s2[x] = s2[x] + c4 * v4 + c5 * v5 + c6 * v6


@_compiled
def _convolve_and_pool(padded, taps, sums, best, pooled):
    """Three 7x7 filters over a 64x64 image, then the largest of every 5x5; ``[3, 13 * 13]``."""
    s0, s1, s2 = sums[0], sums[1], sums[2]
    for row in range(13):
        best[:] = -np.inf
        for y in range(5 * row, min(64, 5 * row + 5)):
            sums[:] = 0
            for tap in range(7):
                _add_taps(padded[y + tap], taps[tap], s0, s1, s2)
            for channel in range(3):
                values, highest = sums[channel], best[channel]
                for x in range(64):
                    highest[x] = _larger(values[x], highest[x])
        for channel in range(3):
            line = best[channel]
            for column in range(13):
                x = 5 * column
                value = _larger(_larger(line[x], line[x + 1]), _larger(line[x + 2], line[x + 3]))
                pooled[channel, 13 * row + column] = _larger(value, line[x + 4])


@_compiled
def _cosine(x):
    """To 1e-10, by its series within half a turn: unlike the library's, loops over it vectorise."""
    turns = x * 0.15915494309189535
    r = 6.283185307179586 * (turns - np.floor(turns + 0.5))
    s = r * r
    y = 4.110317623312165e-19
    y = y * s - 1.5619206968586225e-16
    y = y * s + 4.779477332387385e-14
    y = y * s - 1.1470745597729725e-11
    y = y * s + 2.08767569878681e-09
    y = y * s - 2.755731922398589e-07
    y = y * s + 2.48015873015873e-05
    y = y * s - 0.001388888888888889
    y = y * s + 0.041666666666666664
    y = y * s - 0.5
    return y * s + 1.0


@_compiled
def _inner(x, block, out):
    """Normalisation, 1x1, growing cosine unit, 1x1: ``[channels, places]`` -> ``[2, places]``."""
    bias, norm, epsilon, expand, expand_bias, unit, reduce, reduce_bias = block
    channels, places = x.shape
    mean, scale = np.zeros(places, np.float32), np.zeros(places, np.float32)
    for channel in range(channels):
        line = x[channel]
        for place in range(places):
            line[place] += bias[channel]
            mean[place] += line[place] / np.float32(channels)
    for channel in range(channels):
        line = x[channel]
        for place in range(places):
            line[place] -= mean[place]
            scale[place] += line[place] * line[place]
    for place in range(places):
        scale[place] = np.float32(1) / np.sqrt(scale[place] / np.float32(channels) + epsilon)
    for channel in range(channels):
        line = x[channel]
        for place in range(places):
            line[place] = line[place] * scale[place] * norm[0, channel] + norm[1, channel]
    w1, b1, w2, b2 = unit
    hidden = np.empty(places, np.float32)
    for output in range(2):
        out[output, :places] = reduce_bias[output]
    for node in range(len(expand_bias)):
        hidden[:] = expand_bias[node]
        for channel in range(channels):
            weight, line = expand[channel, node], x[channel]
            for place in range(places):
                hidden[place] += weight * line[place]
        r0, r1, o0, o1 = reduce[node, 0], reduce[node, 1], out[0], out[1]
        for place in range(places):
            value = np.float32((w1 * hidden[place] + b1) * _cosine(w2 * hidden[place] + b2))
            o0[place] += r0 * value
            o1[place] += r1 * value


@_compiled
def _second_block(x, kernel, block, dense, offset):
    """The second block with its skip, and the dense layer: ``[2, 13 * 13]`` -> a logit."""
    pooled, skip = np.empty((2, 4), np.float32), np.empty((2, 4), np.float32)
    pooled[:], skip[:] = -np.inf, -np.inf
    padded, line = np.zeros((15, 15), np.float32), np.empty(13, np.float32)
    for channel in range(2):
        padded[1:14, 1:14] = x[channel].reshape(13, 13)
        for y in range(13):
            line[:] = 0
            for i in range(3):
                above, taps = padded[y + i], kernel[channel, i]
                for column in range(13):
                    line[column] += (
                        taps[0] * above[column]
                        + taps[1] * above[column + 1]
                        + taps[2] * above[column + 2]
                    )
            for column in range(13):
                place = 2 * (y // 7) + column // 7
                pooled[channel, place] = _larger(line[column], pooled[channel, place])
                skip[channel, place] = _larger(padded[y + 1, column + 1], skip[channel, place])
    out = np.empty((2, 4), np.float32)
    _inner(pooled, block, out)
    logit = offset
    for place in range(4):
        for channel in range(2):
            logit += dense[2 * place + channel] * (out[channel, place] + skip[channel, place])
    return logit


@_compiled
def _logits(images, taps, first, depthwise, second, dense, offset):
    """Features ``[n, 64, 64, 1]`` -> logits ``[n]``: ``model.build_network`` in one pass."""
    logits = np.empty(len(images), np.float32)
    padded = np.zeros((70, 70), np.float32)
    sums, best = np.empty((3, 64), np.float32), np.empty((3, 65), np.float32)
    pooled, out = np.empty((3, 169), np.float32), np.empty((2, 169), np.float32)
    for item in range(len(images)):
        padded[3:67, 3:67] = images[item, :, :, 0]
        _convolve_and_pool(padded, taps, sums, best, pooled)
        _inner(pooled, first, out)
        logits[item] = _second_block(out, depthwise, second, dense, offset)
    return logits


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
