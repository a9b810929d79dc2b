"""The network's architecture; model files written and read."""

import json
import re
import tempfile
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
from keras import layers

from atomicvad.config import Settings
from atomicvad.errors import AtomicVADError
from atomicvad.files import WEIGHTS, replacing
from atomicvad.layers.activations import activation
from atomicvad.layers.features import Features
from atomicvad.sections import PAPER_BLOCKS, BlockSettings

_KERAS = {
    "backend": (keras.config.backend(), "tensorflow"),
    "floatx": (keras.config.floatx(), "float32"),
    "image_data_format": (keras.config.image_data_format(), "channels_last"),
}
for _name, (_here, _expected) in _KERAS.items():
    if _here != _expected:  # Keras was loaded before this package could choose
        raise AtomicVADError(
            f"keras: {_name}: expected {_expected}, got {_here}; import atomicvad before keras"
        )

# Whatever zipfile, json and h5py raise for files that are something else.
UNREADABLE = (
    *(OSError, LookupError, TypeError, ValueError, AttributeError, RuntimeError),
    *(zipfile.BadZipFile, zlib.error),
)


def core_block(
    inputs: Any,
    name: str,
    block: BlockSettings,
    activation_name: str = "ggcu",
    normalization: str = "layer",
    dropout: float = 0.2,
    seed: int = 0,
    unit_seed: int = 2,
    **activation_options: float,
) -> Any:
    """Depthwise convolution, pooling, normalisation, 1x1, activation, dropout, 1x1.

    Maps ``[batch, height, width, channels]`` to ``[batch, ceil(height / pool),
    ceil(width / pool), filters]``. ``normalization`` is ``"layer"`` or ``"batch"``;
    ``unit_seed`` is the activation's.
    """
    glorot = keras.initializers.GlorotUniform
    if inputs.shape[-1] == 1:
        # On one channel this equals a depthwise convolution with the same weights, and is faster.
        x = layers.Conv2D(
            block.multiplier,
            block.kernel,
            padding="same",
            kernel_initializer=glorot(seed),
            name=f"{name}_conv",
        )(inputs)
    else:
        x = layers.DepthwiseConv2D(
            block.kernel,
            depth_multiplier=block.multiplier,
            padding="same",
            depthwise_initializer=glorot(seed),
            name=f"{name}_conv",
        )(inputs)
    x = layers.MaxPooling2D(block.pool, padding="same", name=f"{name}_pool")(x)
    if normalization == "layer":
        x = layers.LayerNormalization(epsilon=1e-3, name=f"{name}_norm")(x)
    elif normalization == "batch":
        x = layers.BatchNormalization(name=f"{name}_norm")(x)
    else:
        raise ValueError(f"normalization: expected 'layer' or 'batch', got {normalization!r}")
    expand = glorot(seed + 1)
    x = layers.Conv2D(block.hidden, 1, kernel_initializer=expand, name=f"{name}_expand")(x)
    unit = activation(
        activation_name, seed=unit_seed, name=f"{name}_activation", **activation_options
    )
    x = unit(x)
    x = layers.Dropout(dropout, seed=seed + 6, name=f"{name}_dropout")(x)
    reduce = glorot(seed + 7)
    return layers.Conv2D(block.filters, 1, kernel_initializer=reduce, name=f"{name}_reduce")(x)


def build_network(
    input_shape: tuple[int | None, ...] = (64, 64, 1),
    activation_name: str = "ggcu",
    normalization: str = "layer",
    dropout: float = 0.2,
    seed: int = 0,
    blocks: Sequence[BlockSettings] = PAPER_BLOCKS,
    **activation_options: float,
) -> keras.Model:
    """Features ``[batch, 64, 64, 1]`` -> probabilities ``[batch, 2]`` of (background, speech).

    By default 298 parameters as in the paper. The input of the second block, max-pooled, is added
    to its output; a 1x1 projection is inserted only where the channels differ. With ``one_seed``
    among the activation's options both units start from the same four scalars.
    """
    inputs = keras.Input(input_shape, name="features")
    x = inputs
    for number, block in enumerate(blocks, start=1):
        block_input = x
        x = core_block(
            block_input,
            f"b{number}",
            block,
            activation_name=activation_name,
            normalization=normalization,
            dropout=dropout,
            seed=seed + 100 * number,
            unit_seed=seed if activation_options.get("one_seed") else seed + 100 * number + 2,
            **activation_options,
        )
        if number > 1:
            skip = layers.MaxPooling2D(block.pool, padding="same", name=f"skip{number}_pool")(
                block_input
            )
            if skip.shape[-1] != x.shape[-1]:
                skip = layers.Conv2D(
                    x.shape[-1],
                    1,
                    kernel_initializer=keras.initializers.GlorotUniform(seed + 100 * number + 8),
                    name=f"skip{number}_project",
                )(skip)
            x = layers.Add(name=f"skip{number}_add")([skip, x])
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(
        2,
        activation="softmax",
        kernel_initializer=keras.initializers.GlorotUniform(seed + 900),
        dtype="float32",
        name="probabilities",
    )(x)
    return keras.Model(inputs, x, name="network")


def build_model(
    network: keras.Model | None = None, features: Features | None = None, samples: int = 10080
) -> keras.Model:
    """The whole detector: waveform ``[batch, samples]`` (16 kHz, ±1) -> ``[batch, 2]``.

    Without arguments: the paper's model with initial weights of seed 0.
    """
    features = features or Features(name="mfcc")
    network = network or build_network()
    waveforms = keras.Input((samples,), dtype="float32", name="waveforms")
    return keras.Model(waveforms, network(features(waveforms)), name="atomicvad")


def save_model(model: keras.Model, path: Path) -> None:
    """Write ``model`` as a ``.keras`` file whose bytes depend only on the model."""
    with replacing(path) as temporary, tempfile.TemporaryDirectory() as folder:
        saved = Path(folder) / WEIGHTS
        model.save(saved)
        _rewrite(saved, temporary)


def _rewrite(source: Path, target: Path) -> None:
    """Copy a ``.keras`` file without its date and the memory addresses that Keras writes."""
    with zipfile.ZipFile(source) as archive, zipfile.ZipFile(target, "w") as copy:
        for name in sorted(archive.namelist()):
            content = archive.read(name)
            if name == "metadata.json":
                content = json.dumps(json.loads(content) | {"date_saved": ""}).encode()
            elif name == "config.json":
                addresses = re.findall(rb'"shared_object_id": (\d+)', content)
                for number, address in enumerate(dict.fromkeys(addresses)):
                    content = content.replace(address, str(number).encode())
            copy.writestr(zipfile.ZipInfo(name), content)


def _stored_weights(path: Path) -> list[np.ndarray]:
    """The weight arrays of a ``.keras`` file, in the order of its layers."""
    with zipfile.ZipFile(path) as archive:
        config = json.loads(archive.read("config.json"))
        with archive.open("model.weights.h5") as file, h5py.File(file) as weights:
            return _layer_arrays(config["config"]["layers"], weights["layers"])


def _layer_arrays(layer_configs: list[dict[str, Any]], group: h5py.Group) -> list[np.ndarray]:
    # Keras stores a layer under its class name in snake case, numbered by occurrence.
    arrays: list[np.ndarray] = []
    seen: dict[str, int] = {}
    for layer in layer_configs:
        key = keras.src.utils.naming.to_snake_case(layer["class_name"])
        number = seen.get(key, 0)
        seen[key] = number + 1
        stored = group[f"{key}_{number}" if number else key]
        if "layers" in stored:
            arrays += _layer_arrays(layer["config"]["layers"], stored["layers"])
        elif "vars" in stored:
            arrays += [stored["vars"][index][()] for index in sorted(stored["vars"], key=int)]
    return arrays


def load_model(path: Path, model: keras.Model | None = None) -> keras.Model:
    """The detector of a ``.keras`` file: one of this project, or a released checkpoint.

    Only the weight arrays are read and assigned to a model built here, so that no code or pickle
    in the file can run. ``model``: the architecture to fill, the paper's by default.

    Raises:
        AtomicVADError: the file is missing, is no ``.keras`` file, or holds another architecture.
    """
    path = Path(path)
    if not path.is_file():
        raise AtomicVADError(f"{path}: no such weight file")
    try:
        arrays = _stored_weights(path)
    except UNREADABLE as error:
        raise AtomicVADError(f"{path}: not a .keras weight file ({error})") from None
    model = model or build_model()
    expected = [tuple(weight.shape) for weight in model.weights]
    shapes = [array.shape for array in arrays]
    if not all(array.dtype.kind == "f" and np.isfinite(array).all() for array in arrays):
        raise AtomicVADError(f"{path}: some weights are not finite")
    # A depthwise kernel of one channel has the shape of a convolution kernel.
    if shapes != expected:
        raise AtomicVADError(
            f"{path}: weights of another architecture: expected {len(expected)} arrays with "
            f"{model.count_params()} parameters, found {len(shapes)} with "
            f"{sum(array.size for array in arrays)}"
        )
    for weight, array in zip(model.weights, arrays, strict=True):
        weight.assign(array)
    return model


def flat_weights(network: keras.Model) -> np.ndarray:
    """A network's trainable weights in one vector, ``[weights]``."""
    return np.concatenate([variable.numpy().ravel() for variable in network.trainable_variables])


def split_weights(network: keras.Model, weights: Any) -> list[Any]:
    """The vector of ``flat_weights``, split into arrays of the variables' shapes."""
    shapes = [variable.shape for variable in network.trainable_variables]
    ends = np.cumsum([np.prod(shape, dtype=int) for shape in shapes])
    parts = keras.ops.split(weights, ends[:-1].tolist())
    return [keras.ops.reshape(part, shape) for part, shape in zip(parts, shapes, strict=True)]


def build_features(settings: Settings) -> Features:
    """The front end of a profile."""
    return Features(
        sample_rate=settings.sample_rate, name="features", **settings.features.model_dump()
    )


def new_network(settings: Settings, seed: int) -> keras.Model:
    """The profile's network with the initial weights of ``seed``."""
    shape = build_features(settings).compute_output_shape((None, settings.window_samples))
    return build_network(
        shape[1:],
        activation_name=settings.model.activation,
        normalization=settings.model.normalization,
        dropout=settings.model.dropout,
        seed=seed,
        l1=settings.model.l1,
        l2=settings.model.l2,
        one_seed=settings.model.one_seed,
        blocks=settings.model.blocks,
    )


def new_model(settings: Settings, seed: int = 0) -> keras.Model:
    """The profile's detector, from waveforms to probabilities, with initial weights of ``seed``."""
    network = new_network(settings, seed)
    return build_model(network, build_features(settings), settings.window_samples)
