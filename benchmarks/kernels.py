"""What each kernel saves: the same numbers from the kernel and from libraries, on one core."""

import os
import tempfile
from collections.abc import Callable

import numpy as np
import scipy.fft
import tensorflow as tf

from atomicvad.kernels.features import CompiledFeatures
from atomicvad.kernels.fft import FFT_LENGTH, WORKSPACE, power_spectra
from atomicvad.kernels.keras_call import compiled_call
from atomicvad.kernels.masks import hide
from atomicvad.kernels.random import MIX, uniform
from atomicvad.kernels.waveform import Plan, compose_all
from atomicvad.layers.features import Features
from atomicvad.model import build_network, flat_weights, split_weights
from atomicvad.sections import WaveformSettings
from atomicvad.training.augment import make_sounds
from benchmarks.timing import Row, in_turns

WINDOWS, LENGTH, HOP, FRAMES = 64, 10080, 160, 64
SPEED = 1.125  # in whole 1/65536, as the kernel counts positions
Functions = dict[str, Callable[[], np.ndarray]]


def kernel_against_library() -> list[Row]:
    """Microseconds per window of each kernel and of what libraries offer instead."""
    generator, rows = np.random.default_rng(0), []
    stages = {
        "power": powers(generator),
        "features": features(generator),
        "waveform": waveforms(generator, 1.0),
        "waveform_at_another_speed": waveforms(generator, SPEED),
        "masks": masks(generator),
        "uniform": uniforms(),
        "forward": forwards(generator),
        "forward_and_backward": steps(generator),
    }
    for stage, functions in stages.items():
        if stage not in ("power", "uniform"):  # another order, other numbers
            expected, *results = (np.asarray(function()) for function in functions.values())
            for result in results:
                np.testing.assert_allclose(result, expected, atol=2e-3 * abs(expected).max())
        rows += [
            (f"kernel_{stage}_{name}", 1e6 * seconds / WINDOWS, "us/window")
            for name, seconds in in_turns(functions, rounds=31).items()
        ]
    return rows


def powers(generator: np.random.Generator) -> Functions:
    """Power spectra of windowed frames: window by window as the cache holds them, or together."""
    samples = generator.standard_normal((WINDOWS, (FRAMES - 1) * HOP + FFT_LENGTH), np.float32)
    window, workspace = Features().window, np.empty(WORKSPACE, np.float32)
    power = np.empty((FFT_LENGTH // 4 + 1, 2, FRAMES), np.float32)

    def ours():
        for line in samples:
            power_spectra(line, window, HOP, workspace, power)
        return power

    def by_library(transform):
        for line in samples:
            frames = np.lib.stride_tricks.sliding_window_view(line, FFT_LENGTH)[::HOP]
            spectrum = transform(frames * window)
            power = spectrum.real**2 + spectrum.imag**2
        return power

    @tf.function
    def in_tensorflow(samples):
        spectrum = tf.signal.rfft(tf.signal.frame(samples, FFT_LENGTH, HOP) * window)
        return tf.math.real(spectrum) ** 2 + tf.math.imag(spectrum) ** 2

    in_graph = tf.constant(samples)
    return {
        "ours": ours,
        "scipy": lambda: by_library(scipy.fft.rfft),
        "numpy": lambda: by_library(np.fft.rfft),
        "tensorflow": lambda: in_tensorflow(in_graph),
    }


def features(generator: np.random.Generator) -> Functions:
    """MFCC, float32 ``[windows, coefficients, frames, 1]``."""
    samples = generator.standard_normal((WINDOWS, LENGTH), np.float32)
    layer, in_graph = Features(), tf.constant(samples)
    ours, in_tensorflow = CompiledFeatures(layer), tf.function(layer)
    return {"ours": lambda: ours(samples), "tensorflow": lambda: in_tensorflow(in_graph)}


def waveforms(generator: np.random.Generator, speed: float) -> Functions:
    """Windows read and played; half of them mixed and with noise; levelled."""
    numbers = np.arange(WINDOWS)
    half, speeds = (numbers % 2).astype(np.float32), np.full(WINDOWS, speed)
    starts, sounds = numbers * LENGTH, make_sounds(WaveformSettings())
    zeros = np.zeros(WINDOWS, np.float32)
    plan = Plan(
        *(starts, speeds, starts[::-1].copy(), speeds, half),
        *(np.full(WINDOWS, -1), zeros, starts, zeros),  # no rooms, no rumble
        *(half / 8 + 0.1, starts, half / 64, np.zeros(WINDOWS, np.int64)),
    )
    file = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the functions below
    stored = 3000 * generator.standard_normal((WINDOWS + 1) * LENGTH)
    file.write(stored.astype(np.int16).tobytes())
    file.flush()
    waveforms = np.empty((WINDOWS, LENGTH), np.float32)

    def ours():
        assert compose_all(file.fileno(), sounds, plan, waveforms)
        return waveforms

    def played(start, speed):
        count = LENGTH if speed == 1 else int(speed * (LENGTH - 1)) + 2
        samples = np.frombuffer(os.pread(file.fileno(), 2 * count, 2 * start), np.int16)
        samples = samples * np.float32(1 / 32768)
        if speed == 1:
            return samples
        return np.interp(speed * np.arange(LENGTH), np.arange(count), samples).astype(np.float32)

    def composed(one):
        waveform = played(one.starts, one.speeds)
        if one.ratios:
            background = played(one.background_starts, one.background_speeds)
            ratio = np.sqrt(np.mean(waveform**2) / max(np.mean(background**2), 1e-8))
            waveform += one.ratios * ratio * background
        waveform *= one.levels / np.sqrt(np.mean(waveform**2) + 1e-12)
        np.clip(waveform, -1, 1, out=waveform)
        if one.noise_gains:
            noise = sounds.noise[one.noise_starts : one.noise_starts + LENGTH]
            waveform += one.noise_gains * noise
        return waveform

    def numpy():
        return np.stack([composed(Plan(*values)) for values in zip(*plan, strict=True)])

    return {"ours": ours, "numpy": numpy}


def masks(generator: np.random.Generator) -> Functions:
    """Nine rectangles of each spectrogram hidden, as many as SpecAugment's and SpecCutout's."""
    spectrograms = np.ones((WINDOWS, 64, FRAMES, 1), np.float32)
    items = np.arange(WINDOWS)
    boxes = np.tile(np.array([0, 0, 25, 15]), (WINDOWS, 9, 1))
    boxes[..., :2] = generator.integers(0, (64 - 25, FRAMES - 15), (WINDOWS, 9, 2))

    def ours():
        hide(spectrograms, items, boxes, np.float32(0))
        return spectrograms

    def numpy():
        for item, (top, left, height, width) in zip(
            np.repeat(items, 9), boxes.reshape(-1, 4), strict=True
        ):
            spectrograms[item, top : top + height, left : left + width] = 0
        return spectrograms

    return {"ours": ours, "numpy": numpy}


def uniforms() -> Functions:
    """Twelve numbers of each window; one generator for all gives none that depend on a seed."""
    seeds = np.stack([np.zeros(WINDOWS, np.int64), np.arange(WINDOWS)], axis=1)
    generator = np.random.default_rng(0)
    return {
        "ours": lambda: uniform(seeds, MIX, 12),
        "numpy": lambda: np.stack(
            [np.random.default_rng(seed).random(12, np.float32) for seed in seeds]
        ),
        "numpy, one stream": lambda: generator.random((WINDOWS, 12), np.float32),
    }


def network_calls(generator: np.random.Generator):
    """The network's call by kernels and by Keras' layers, and what they are called with."""
    network = build_network(seed=0)

    def layers(weights, others, features, training):
        call, vector = network.stateless_call, split_weights(network, weights[0])
        probabilities, others = call(vector, others[0], features, training=training)
        return [probabilities], [others]

    weights = tf.constant(flat_weights(network)[np.newaxis])
    others = [[variable.value for variable in network.non_trainable_variables]]
    windows = tf.constant(generator.standard_normal((WINDOWS, 64, FRAMES, 1), np.float32))
    return {"ours": compiled_call(network), "keras": layers}, weights, others, windows


def forwards(generator: np.random.Generator) -> Functions:
    """Probabilities, float32 ``[windows, 2]``."""
    calls, weights, others, windows = network_calls(generator)

    def predict(call):
        function = tf.function(lambda *inputs: call(*inputs, training=False)[0][0], autograph=False)
        return lambda: function(weights, others, windows)

    return {name: predict(call) for name, call in calls.items()}


def steps(generator: np.random.Generator) -> Functions:
    """Gradients of a training step with dropout, float32 ``[1, weights]``."""
    calls, weights, others, windows = network_calls(generator)

    def step(call):
        def gradients(weights, others, windows):
            with tf.GradientTape() as tape:
                tape.watch(weights)
                (probabilities,), _ = call(weights, others, windows, training=True)
                loss = tf.reduce_mean(tf.math.log(probabilities[:, 1]))
            return tape.gradient(loss, weights)

        function = tf.function(gradients, autograph=False)
        return lambda: function(weights, others, windows)

    return {name: step(call) for name, call in calls.items()}
