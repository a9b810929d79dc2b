"""What 8 bits would cost the network: a figure and a warning, no target of an export.

The paper's device runs in int8. Quantised after training, this network gives other decisions: its
features span a thousand decibels, and a step of 8 bits is then four of them. Whole networks are
measured in TensorFlow Lite's interpreter; single tensors are quantised one at a time in Keras, with
all else in float32.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from keras import ops
from sklearn.metrics import roc_auc_score

from atomicvad.config import Settings
from atomicvad.data.manifest import read_split
from atomicvad.data.store import AudioStore
from atomicvad.device.export.tflite import frozen_network, run_tflite
from atomicvad.kernels.features import fast_features
from atomicvad.quiet import silenced
from atomicvad.scoring.models import seed_models
from atomicvad.training.batches import WindowSet

COLUMNS = ("seed", "quantised", "windows", "flips", "share", "auroc", "auroc_float")
WHOLE = "whole network"
LEVELS = 255  # steps of 8 bits
CALIBRATION = 512  # windows of training from which ranges are taken
BATCH = 256

# What is quantised at a time: layers, and whether their input is, too (a table of 256 entries).
TENSORS = {
    "MFCC": (("features",), False),
    "MFCC, a scale per coefficient": (("features",), False),
    "first convolution": (("b1_conv",), False),
    "normalisation": (("b1_norm", "b2_norm"), False),
    "cosine units as tables": (("b1_activation", "b2_activation"), True),
}
PER_COEFFICIENT = "MFCC, a scale per coefficient"

Scale = tuple[np.ndarray, np.ndarray]  # step and zero's level


def int8_costs(
    settings: Settings, seeds: Sequence[int], split: str = "testing", windows: int = 3000
) -> pd.DataFrame:
    """Changed decisions and AUROC of windows after quantisation to 8 bits, seed by seed.

    Args:
        settings: a profile with prepared data and trained seeds.
        seeds: of the profile.
        split: whose manifests are measured on; ranges come from training.
        windows: so many of the split, half of them speech, evenly out of the manifests.

    Returns:
        ``COLUMNS``: a row for ``WHOLE`` and one for each of ``TENSORS``; ``flips`` are decisions
        at 0.5 that differ from float32, ``share`` their share of the windows.

    Raises:
        AtomicVADError: a seed without weights, or a malformed manifest.
    """
    models = seed_models(settings, seeds)
    features = fast_features(models[0].layers[1])
    calibration, _ = split_windows(settings, "training", CALIBRATION)
    measured, speech = split_windows(settings, split, windows)
    ranges, images = features(calibration), features(measured)
    rows = []
    for seed, model in zip(seeds, models, strict=True):
        network = model.layers[2]
        exact = _speech(network, images)
        for name, probabilities in _quantised(network, ranges, images):
            flips = int(((probabilities >= 0.5) != (exact >= 0.5)).sum())
            aurocs = (roc_auc_score(speech, p) for p in (probabilities, exact))
            rows.append((seed, name, len(images), flips, flips / len(images), *aurocs))
    return pd.DataFrame(rows, columns=COLUMNS)


def split_windows(settings: Settings, split: str, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Float32 windows ``[count, samples]`` of a split, half of them speech, and which these are."""
    store = AudioStore(settings.data_folder)
    found = WindowSet(read_split(settings.data_folder, split, store), store, settings)
    chosen = np.concatenate(
        [
            of_class[np.linspace(0, len(of_class) - 1, min(count // 2, len(of_class)), dtype=int)]
            for of_class in (found.backgrounds, found.voices)
        ]
    )
    samples = store.gather(found.starts[chosen], settings.window_samples)
    return samples.astype(np.float32) / np.float32(32768), found.speech[chosen]


def _quantised(
    network: keras.Model, ranges: np.ndarray, images: np.ndarray
) -> Iterator[tuple[str, np.ndarray]]:
    """Names of what is quantised, and the probabilities of speech that come out of it."""
    yield WHOLE, run_tflite(int8_network(network, ranges), images)
    for name in TENSORS:
        yield name, _speech(quantise_tensors(network, name, ranges), images)


def _speech(network: keras.Model, images: np.ndarray) -> np.ndarray:
    """Probabilities of speech ``[windows]``, in float32."""
    batches = (images[first : first + BATCH] for first in range(0, len(images), BATCH))
    return np.concatenate([network(batch, training=False).numpy()[:, 1] for batch in batches])


def int8_network(network: keras.Model, ranges: np.ndarray) -> bytes:
    """TensorFlow Lite's full quantisation after training, ``[1, 64, 64, 1]`` -> ``[1, 2]``.

    All operators but cosine and sign, which have no 8-bit form; input and output stay float32.

    Args:
        ranges: features ``[windows, 64, 64, 1]`` from which the converter takes ranges.
    """

    def representative() -> Iterator[list[np.ndarray]]:
        for image in ranges:
            yield [image[np.newaxis]]

    with silenced():
        converter = tf.lite.TFLiteConverter.from_concrete_functions(
            [frozen_network(network)], tf.Module()
        )
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = representative
        return bytes(converter.convert())


def quantise_tensors(network: keras.Model, name: str, ranges: np.ndarray) -> keras.Model:
    """The network with one of ``TENSORS`` on 256 levels, the rest as it is.

    Args:
        ranges: features ``[windows, 64, 64, 1]``; levels span what a tensor takes on them.
    """
    layers, with_input = TENSORS[name]
    axes = (0, 2, 3) if name == PER_COEFFICIENT else None
    scales = {
        layer: [_scale(values, axes) for values in _values(network, layer, ranges)]
        for layer in layers
    }

    def call(layer: keras.layers.Layer, *inputs: Any, **options: Any) -> Any:
        if layer.name not in scales:
            return layer(*inputs, **options)
        before, after = scales[layer.name]
        if with_input:
            inputs = (on_levels(inputs[0], before),)
        return on_levels(layer(*inputs, **options), after)

    inputs = network.inputs[0]
    if layers == ("features",):
        return keras.Model(inputs, network(on_levels(inputs, scales["features"][1])))
    return keras.models.clone_model(network, clone_function=lambda layer: layer, call_function=call)


def _values(network: keras.Model, layer: str, images: np.ndarray) -> list[np.ndarray]:
    """What goes into a layer and what comes out of it, for ``images``."""
    if layer == "features":
        return [images, images]
    found = network.get_layer(layer)
    values = keras.Model(network.inputs[0], [found.input, found.output])(images, training=False)
    return [value.numpy() for value in values]


def _scale(values: np.ndarray, axes: tuple[int, ...] | None) -> Scale:
    """Step and zero's level of 256 levels over ``values`` and zero, as TensorFlow Lite has them."""
    low = np.minimum(values.min(axis=axes, keepdims=True), 0)
    high = np.maximum(values.max(axis=axes, keepdims=True), 0)
    step = np.maximum((high - low) / LEVELS, 1e-12)
    return step, np.rint(-low / step)


def on_levels(values: Any, scale: Scale) -> Any:
    """The nearest of 256 levels for every value; shapes as of ``_scale``."""
    step, zero = scale
    return (ops.clip(ops.round(values / step) + zero, 0, LEVELS) - zero) * step
