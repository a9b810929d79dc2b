"""The detector as TFLite files in float32: the network behind the features, and the whole of it.

The converter knows no Fourier transform of a signal's frames, so that here it is two products with
constant matrices and, between them, a turn by constant angles (Cooley and Tukey's first step).
"""

import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow.lite.python import schema_py_generated as schema
from tensorflow.lite.tools import flatbuffer_utils
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from atomicvad.device.export.contents import Contents
from atomicvad.layers.features import Features
from atomicvad.quiet import silenced

MODEL, NETWORK = "atomicvad.tflite", "network.tflite"
PIECE = 32  # samples; frames begin and end at whole pieces

EXAMPLE = """\
import numpy as np, tensorflow as tf
detect = tf.lite.Interpreter("atomicvad.tflite").get_signature_runner()
window = np.fromfile("window.i16", "<i2").astype(np.float32)[np.newaxis] / 32768
probabilities = detect(waveform=window)["probabilities"]
print(f"speech {probabilities[0, 1]:.6f}")
"""
ABOUT = """\
Two files, both in float32 and for one window at a time, of built-in operators alone:

- `atomicvad.tflite` takes sound: it contains the front end. Input `waveform`, float32
  `[1, 10080]`: 0.63 s at 16 kHz, mono, in ±1 (16-bit samples / 32768).
- `network.tflite` begins behind the front end. Input `mfcc`, float32 `[1, 64, 64, 1]`:
  64 coefficients (first axis) of 64 frames, as `atomicvad.layers.features` computes them.

The output of both is `probabilities`, float32 `[1, 2]`: of background and of speech; they add up
to 1. The package `ai-edge-litert` has the same `Interpreter` without TensorFlow.

The files are in float32 on purpose. In 8 bits the network decides differently: the project's
REPRODUCING.md says how often, and which tensors cause it.
"""


def fourier_parts(length: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A Fourier transform of ``length`` samples, without its last bin, in three constants.

    Sample ``PIECE * p + n`` and bin ``q + pieces * m``, where ``pieces = length // PIECE``: first
    transform over ``p``, then turn by ``n q / length``, then transform over ``n``.

    Returns:
        - float32 ``[pieces, 2 * pieces]``: from ``p`` to real and imaginary parts of ``q``;
        - complex64 ``[PIECE, pieces]``: the turn;
        - float32 ``[2 * PIECE, PIECE]``: from real and imaginary parts of ``n`` to those of ``m``,
          of the lower half of the bins.
    """
    pieces, half = length // PIECE, PIECE // 2
    p, n, m = np.arange(pieces), np.arange(PIECE), np.arange(half)
    first = np.exp(-2j * np.pi * np.outer(p, p) / pieces)
    turn = np.exp(-2j * np.pi * np.outer(n, p) / length)
    last = np.exp(-2j * np.pi * np.outer(n, m) / PIECE)
    of_real, of_imaginary = np.hstack([last.real, last.imag]), np.hstack([-last.imag, last.real])
    return (
        np.hstack([first.real, first.imag]).astype(np.float32),
        turn.astype(np.complex64),
        np.vstack([of_real, of_imaginary]).astype(np.float32),
    )


def features_by_products(layer: Features, samples: int) -> Callable[[tf.Tensor], tf.Tensor]:
    """``layer`` for one window, ``[1, samples]`` -> ``[1, coefficient, frame, 1]``.

    The last bin is left out: Nyquist's lies in no mel filter.
    """
    length, frames = layer.fft_length, samples // layer.hop_length + 1
    pieces, edge = length // PIECE, length // 2
    first, turn, last = fourier_parts(length)
    turn_re, turn_im = np.float32(turn.real), np.float32(turn.imag)
    places = np.arange(frames)[:, np.newaxis] * (layer.hop_length // PIECE) + np.arange(pieces)
    window = layer.window.reshape(pieces, PIECE)
    # Bins come out in the order (q, m).
    mel = layer.mel[:-1].reshape(PIECE // 2, pieces, -1).swapaxes(0, 1).reshape(length // 2, -1)

    def features(waveform: tf.Tensor) -> tf.Tensor:
        padded = tf.pad(waveform, [[0, 0], [edge, edge]], "REFLECT")
        x = tf.gather(tf.reshape(padded, [-1, PIECE]), places.astype(np.int32)) * window
        x = tf.reshape(tf.transpose(x, [0, 2, 1]), [-1, pieces])
        x = tf.reshape(tf.matmul(x, first), [frames, PIECE, 2 * pieces])
        re, im = x[:, :, :pieces], x[:, :, pieces:]
        x = tf.concat([re * turn_re - im * turn_im, re * turn_im + im * turn_re], axis=1)
        x = tf.reshape(tf.transpose(x, [0, 2, 1]), [-1, 2 * PIECE])
        x = tf.square(tf.matmul(x, last))
        power = tf.reshape(x[:, : PIECE // 2] + x[:, PIECE // 2 :], [frames, length // 2])
        decibels = layer.decibels(tf.matmul(power, mel)[tf.newaxis])[0]
        return tf.transpose(tf.matmul(decibels, layer.dct))[tf.newaxis, :, :, tf.newaxis]

    return features


def _frozen(function: Callable[[tf.Tensor], tf.Tensor], shape: list[int], name: str) -> Any:
    """A function of one tensor, whose weights are constants."""
    signature = tf.TensorSpec(shape, tf.float32, name=name)
    concrete = tf.function(function, input_signature=[signature]).get_concrete_function()
    return convert_variables_to_constants_v2(concrete)


def frozen_network(network: keras.Model) -> Any:
    """The network for one window, ``mfcc`` ``[1, 64, 64, 1]``, as the converter takes it."""
    shape = [1, *network.input_shape[1:]]
    return _frozen(lambda mfcc: network(mfcc, training=False), shape, "mfcc")


def _converted(frozen: Any, name: str) -> bytes:
    """TFLite of a function of one tensor, ``name``; its bytes depend on the function alone."""
    with silenced():
        converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen], tf.Module())
        content = converter.convert()
    return _plain(content, name)


def _plain(content: bytes, name: str) -> bytes:
    """The model without what the converter writes beside it.

    Names of tensors count how often Keras was called, and the metadata name the converter's
    version: all are taken out but the names of input and output.
    """
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    flatbuffer_utils.strip_strings(model)
    for entry in model.metadata:
        model.buffers[entry.buffer].data = None
    model.metadata = None
    graph = model.subgraphs[0]
    names = {graph.inputs[0]: name, graph.outputs[0]: "probabilities"}
    maps = []
    for index, of_tensor in names.items():
        graph.tensors[index].name = of_tensor
        maps.append([schema.TensorMapT(of_tensor, index)])
    model.signatureDefs = [schema.SignatureDefT(*maps, "serving_default", 0)]
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def tflite_network(model: keras.Model) -> bytes:
    """The network behind the features: ``mfcc`` ``[1, 64, 64, 1]`` -> ``probabilities``."""
    return _converted(frozen_network(model.layers[2]), "mfcc")


def tflite_model(model: keras.Model) -> bytes:
    """The whole detector: ``waveform`` ``[1, 10080]`` -> ``probabilities`` ``[1, 2]``."""
    samples, network = model.input_shape[1], model.layers[2]
    features = features_by_products(model.layers[1], samples)

    def detect(waveform: tf.Tensor) -> tf.Tensor:
        return network(features(waveform), training=False)

    return _converted(_frozen(detect, [1, samples], "waveform"), "waveform")


def run_tflite(content: bytes, inputs: Iterable[np.ndarray]) -> np.ndarray:
    """Probabilities of speech ``[n]`` of ``n`` inputs, each ``[…]`` without the batch's axis."""
    with silenced(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the interpreter moved to another package
        interpreter = tf.lite.Interpreter(model_content=content)
        interpreter.allocate_tensors()
    (given,), (made,) = interpreter.get_input_details(), interpreter.get_output_details()
    probabilities = []
    for values in inputs:
        interpreter.set_tensor(given["index"], values[np.newaxis])
        interpreter.invoke()
        probabilities.append(interpreter.get_tensor(made["index"])[0, 1])
    return np.array(probabilities)


def write_tflite(model: keras.Model, folder: Path) -> Contents:
    """Write both files into ``folder``; returns what its README says of them."""
    (folder / MODEL).write_bytes(tflite_model(model))
    (folder / NETWORK).write_bytes(tflite_network(model))
    return Contents("AtomicVAD in TensorFlow Lite", ABOUT, {"example.py": EXAMPLE})
