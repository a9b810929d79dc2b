"""The whole detector as one ONNX file, front end included, of standard operators alone.

The graph is written operator by operator: Keras' own exporter stops at the Fourier transform.
Its values are those of ``layers.features`` and ``kernels``, to float32's rounding.
"""

from pathlib import Path
from typing import Any

import keras
import numpy as np

from atomicvad.device.export.contents import Contents, optional
from atomicvad.layers.features import Features
from atomicvad.sections import PAPER_BLOCKS, BlockSettings

MODEL = "atomicvad.onnx"
OPSET, IR_VERSION = 17, 8  # the first with STFT and LayerNormalization
SMALLEST_POWER = 1e-10  # as in ``Features``
DESCRIPTION = """\
AtomicVAD, a voice activity detector of 298 parameters, front end included.
waveform: 0.63 s of 16 kHz mono in -1...1 (16-bit samples / 32768), one window a row.
probabilities: of background and of speech.
logit: of speech, the logarithm of the ratio of both; speech is where it is not below 0."""

EXAMPLE = """\
import numpy as np, onnxruntime
session = onnxruntime.InferenceSession("atomicvad.onnx")
window = np.fromfile("window.i16", "<i2").astype(np.float32)[np.newaxis] / 32768
probabilities, logit = session.run(["probabilities", "logit"], {"waveform": window})
print(f"speech {probabilities[0, 1]:.6f} logit {logit[0]:.6f}")
"""
ABOUT = """\
`atomicvad.onnx` takes sound and gives probabilities: it contains the front end. Opset 17, with
standard operators alone.

| | name | type | what |
|---|---|---|---|
| input | `waveform` | float32 `[batch, 10080]` | 0.63 s at 16 kHz, mono, in ±1 (16-bit / 32768) |
| output | `probabilities` | float32 `[batch, 2]` | of background and of speech; they add up to 1 |
| output | `logit` | float32 `[batch]` | of speech: the logarithm of the ratio of both |

The windows of a batch are independent. In a browser or Node.js, with `onnxruntime-web`:

```js
const session = await ort.InferenceSession.create("atomicvad.onnx");
const waveform = new ort.Tensor("float32", samples, [1, 10080]); // a Float32Array in ±1
const { probabilities, logit } = await session.run({ waveform });
```
"""


class _Graph:
    """Nodes and constants of a graph in the order in which they are added."""

    def __init__(self) -> None:
        self.onnx = optional("onnx")
        self.nodes: list[Any] = []
        self.constants: dict[str, np.ndarray] = {}

    def constant(self, name: str, value: Any, dtype: Any = np.float32) -> str:
        """Keep an array as ``name``; returns the name."""
        self.constants[name] = np.asarray(value, dtype, order="C")
        return name

    def add(self, operator: str, *inputs: str, name: str, **attributes: Any) -> str:
        """One node whose output is ``name``; returns the name."""
        node = self.onnx.helper.make_node(operator, list(inputs), [name], **attributes)
        self.nodes.append(node)
        return name

    def cast(self, value: str, kind: str, name: str) -> str:
        """``value`` in another type of ``TensorProto``."""
        return self.add("Cast", value, name=name, to=getattr(self.onnx.TensorProto, kind))


def _front_end(graph: _Graph, layer: Features, waveform: str, samples: int) -> str:
    """MFCC ``[batch, 1, coefficient, frame]`` of ``waveform``.

    The transform computes in float64: in float32 the bins far below a window's loudest would carry
    its rounding, and that would be the largest error of all.
    """
    edge = layer.fft_length // 2
    integers = {"dtype": np.int64}
    x = graph.add(
        "Pad",
        waveform,
        graph.constant("edges", [0, edge, 0, edge], **integers),
        name="padded",
        mode="reflect",
    )
    shape = graph.constant("signal_shape", [-1, samples + 2 * edge, 1], **integers)
    x = graph.add("Reshape", x, shape, name="signal")
    window = graph.constant("window", layer.window)
    spectrum = graph.add(
        "STFT",
        graph.cast(x, "DOUBLE", "exact_signal"),
        graph.constant("hop", layer.hop_length, **integers),
        graph.cast(window, "DOUBLE", "exact_window"),
        graph.constant("fft_length", layer.fft_length, **integers),
        name="spectrum",  # [batch, frame, bin, (real, imaginary)]
        onesided=1,
    )
    x = graph.add("Mul", spectrum, spectrum, name="squares")
    parts = graph.constant("parts", [3], **integers)
    x = graph.add("ReduceSum", x, parts, name="power", keepdims=0)
    x = graph.cast(x, "FLOAT", "single_power")
    x = graph.add("MatMul", x, graph.constant("mel_filters", layer.mel), name="mel_power")
    x = graph.add("Max", x, graph.constant("smallest", SMALLEST_POWER), name="audible")
    x = graph.add("Log", x, name="logarithm")
    x = graph.add("Mul", x, graph.constant("to_decibels", 10 / np.log(10)), name="decibels")
    loudest = graph.add("ReduceMax", x, name="loudest", axes=[1, 2], keepdims=1)
    floor = graph.add("Sub", loudest, graph.constant("range_db", layer.floor_db), name="floor")
    x = graph.add("Max", x, floor, name="floored")
    x = graph.add("MatMul", x, graph.constant("dct", layer.dct), name="mfcc")
    x = graph.add("Transpose", x, name="coefficients", perm=[0, 2, 1])
    return graph.add("Unsqueeze", x, graph.constant("channel", [1], **integers), name="features")


def _pooling(block: BlockSettings, size: int) -> dict[str, list[int]]:
    """Attributes of a pooling whose last window may hang over, as with ``padding="same"``."""
    missing = -size % block.pool
    before, after = missing // 2, missing - missing // 2
    pool = [block.pool, block.pool]
    return {"kernel_shape": pool, "strides": pool, "pads": [before, before, after, after]}


def _block(graph: _Graph, network: keras.Model, number: int, x: str, size: int) -> str:
    """A block: ``x`` is ``[batch, channel, size, size]``, its output ``[batch, y, x, channel]``."""
    name, block = f"b{number}", PAPER_BLOCKS[number - 1]

    def weights(layer: str, part: int) -> str:
        value = network.get_layer(f"{name}_{layer}").get_weights()[part]
        return graph.constant(f"{name}_{layer}_{part}", value)

    kernel, bias = network.get_layer(f"{name}_conv").get_weights()
    group = kernel.shape[2]  # a channel in gives ``multiplier`` channels out
    kernel = kernel.reshape(*kernel.shape[:2], 1, -1).transpose(3, 2, 0, 1)
    x = graph.add(
        "Conv",
        x,
        graph.constant(f"{name}_kernel", kernel),
        graph.constant(f"{name}_bias", bias),
        name=f"{name}_conv",
        group=group,
        pads=[block.kernel // 2] * 4,
    )
    x = graph.add("MaxPool", x, name=f"{name}_pool", **_pooling(block, size))
    x = graph.add("Transpose", x, name=f"{name}_last", perm=[0, 2, 3, 1])
    epsilon = network.get_layer(f"{name}_norm").epsilon
    scale, shift = weights("norm", 0), weights("norm", 1)
    x = graph.add("LayerNormalization", x, scale, shift, name=f"{name}_norm", epsilon=epsilon)
    x = _one_by_one(graph, network, f"{name}_expand", x)
    unit = network.get_layer(f"{name}_activation")
    w1, w2, b1, b2 = (
        graph.constant(f"{name}_{part}", getattr(unit, part).numpy())
        for part in ("w1", "w2", "b1", "b2")
    )
    growing = graph.add("Mul", x, w1, name=f"{name}_w1x")
    growing = graph.add("Add", growing, b1, name=f"{name}_growing")
    angle = graph.add("Mul", x, w2, name=f"{name}_w2x")
    angle = graph.add("Add", angle, b2, name=f"{name}_angle")
    cosine = graph.add("Cos", angle, name=f"{name}_cosine")
    x = graph.add("Mul", growing, cosine, name=f"{name}_unit")
    return _one_by_one(graph, network, f"{name}_reduce", x)


def _one_by_one(graph: _Graph, network: keras.Model, name: str, x: str) -> str:
    """A 1x1 convolution of ``[batch, y, x, channel]``: a product with its matrix."""
    kernel, bias = network.get_layer(name).get_weights()
    matrix = graph.constant(f"{name}_matrix", kernel[0, 0])
    x = graph.add("MatMul", x, matrix, name=f"{name}_product")
    return graph.add("Add", x, graph.constant(f"{name}_bias", bias), name=name)


def _network(graph: _Graph, network: keras.Model, x: str, size: int) -> None:
    """From the features to ``probabilities`` and ``logit``."""
    second = PAPER_BLOCKS[1]
    first = _block(graph, network, 1, x, size)
    first = graph.add("Transpose", first, name="b1", perm=[0, 3, 1, 2])
    size = -(-size // PAPER_BLOCKS[0].pool)
    x = _block(graph, network, 2, first, size)
    skip = graph.add("MaxPool", first, name="skip_pool", **_pooling(second, size))
    skip = graph.add("Transpose", skip, name="skip", perm=[0, 2, 3, 1])
    x = graph.add("Add", skip, x, name="sum")
    x = graph.add("Flatten", x, name="flat")
    matrix, bias = network.get_layer("probabilities").get_weights()
    x = graph.add(
        "Gemm",
        x,
        graph.constant("dense_matrix", matrix),
        graph.constant("dense_bias", bias),
        name="outputs",
    )
    graph.add("Softmax", x, name="probabilities", axis=-1)
    sign = graph.constant("difference", [-1, 1])
    graph.add("MatMul", x, sign, name="logit")


def onnx_model(model: keras.Model) -> Any:
    """The detector as an ``onnx.ModelProto``: ``waveform`` -> ``probabilities``, ``logit``.

    Args:
        model: of ``export.models``: the paper's architecture with finite weights.

    Raises:
        AtomicVADError: the package ``onnx`` is not installed.
    """
    samples, graph = model.input_shape[1], _Graph()
    features, network = model.layers[1], model.layers[2]
    x = _front_end(graph, features, "waveform", samples)
    _network(graph, network, x, network.input_shape[1])
    helper, onnx = graph.onnx.helper, graph.onnx
    tensor = onnx.TensorProto.FLOAT
    proto = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "atomicvad",
            [helper.make_tensor_value_info("waveform", tensor, ["batch", samples])],
            [
                helper.make_tensor_value_info("probabilities", tensor, ["batch", 2]),
                helper.make_tensor_value_info("logit", tensor, ["batch"]),
            ],
            [onnx.numpy_helper.from_array(value, name) for name, value in graph.constants.items()],
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="atomicvad",
        doc_string=DESCRIPTION,
    )
    helper.set_model_props(proto, {"sample_rate": "16000", "window_samples": str(samples)})
    onnx.checker.check_model(proto, full_check=True)
    return proto


def write_onnx(model: keras.Model, folder: Path) -> Contents:
    """Write ``atomicvad.onnx`` into ``folder``; returns what its README says of it."""
    (folder / MODEL).write_bytes(onnx_model(model).SerializeToString(deterministic=True))
    return Contents("AtomicVAD in ONNX", ABOUT, {"example.py": EXAMPLE})
