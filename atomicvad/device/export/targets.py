"""The targets of an export by name. A new one is a module with such a function, and a line here."""

from collections.abc import Callable
from pathlib import Path

import keras

from atomicvad.device.export.c import write_c
from atomicvad.device.export.contents import Contents
from atomicvad.device.export.numpy import write_numpy
from atomicvad.device.export.onnx import write_onnx
from atomicvad.device.export.tflite import write_tflite
from atomicvad.device.export.wasm import write_wasm_target

# Name -> the function that writes a target's files for a model into an empty folder.
TARGETS: dict[str, Callable[[keras.Model, Path], Contents]] = {
    "c": write_c,
    "numpy": write_numpy,
    "onnx": write_onnx,
    "tflite": write_tflite,
    "wasm": write_wasm_target,
}
