"""Kernels are compiled once, and again where they must be; how they came changes no number."""

import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from processes import Checkout

from atomicvad.files import project_root
from atomicvad.kernels.keras_call import compiled_call
from atomicvad.model import build_network, flat_weights, split_weights

# Prints a hash of everything that kernels give.
USE_OF_KERNELS = """
import hashlib
import tempfile
import numpy as np
from atomicvad.kernels import features, gradient, masks, network, random, waveform
from atomicvad.layers.features import Features
from atomicvad.sections import WaveformSettings
from atomicvad.training import augment

def show(name, *arrays):
    for array in arrays:
        assert np.isfinite(array).all(), name
        print(name, array.shape, hashlib.sha256(np.ascontiguousarray(array)).hexdigest())

draw = np.random.default_rng(0).standard_normal
numbers = np.arange(20)
seeds = np.stack([numbers, 7 * numbers], axis=1)
show("uniform", random.uniform(seeds, random.MIX, 12), random.uniform(-seeds, random.SPEED, 1))
for shape in ((64, 64), (40, 51)):
    for mask in (masks.spec_augment, masks.spec_cutout):
        spectrograms = draw((20, *shape, 1), np.float32)
        mask(spectrograms, seeds, where=numbers % 3 > 0)
        show(mask.__name__, spectrograms)
mfcc = features.CompiledFeatures(Features())
response = np.exp(draw((20, 1, 257), np.float32))
waveforms, images = np.empty((20, 10080), np.float32), np.empty((20, 64, 64, 1), np.float32)
starts, gains = 1000 * numbers, (numbers % 2).astype(np.float32) / 8
with tempfile.TemporaryFile() as file:
    file.write((3000 * draw(40000)).astype(np.int16).tobytes())
    file.flush()
    for speed in (np.ones(20), 1 + numbers % 3 / 8):
        plan = waveform.Plan(
            *(starts, speed, starts[::-1].copy(), speed[::-1].copy()),
            *(gains, numbers % 3 - 1, gains, starts, gains, gains, starts, gains),
            40 * (numbers % 5 - 2),
        )
        source = file.fileno(), augment.make_sounds(WaveformSettings()), plan
        assert waveform.compose_all(*source, waveforms)
        show("waveforms", waveforms)
        show("features", mfcc(waveforms), mfcc(waveforms, response))
        rest = response[:, 0], mfcc.front, mfcc.dct, 10080, images[..., 0]
        assert waveform.compose_features(*source, *rest)
        show("composed features", images)
epsilon = np.float32(1e-3)
for height, width in ((64, 64), (40, 51)):
    windows = images[:, :height, :width].copy() / 100
    weights = draw((2, 298), np.float32)
    rest = *network.NO_MASKS, network.new_workspace(2, 20, height, width)
    outputs = network.forward(windows, weights, epsilon, *rest)
    gradients = gradient.backward(windows, weights, epsilon, *rest, outputs)
    show("network", outputs, gradients)
    show("outputs", network.outputs(windows, weights, epsilon))
"""

# A kernel of ``network`` whose padding comes from ``first_pools``.
USE_OF_A_CALLEE = """
import numpy as np
from atomicvad.kernels.network import max_pool
pooled, winners = np.empty(32, np.float32), np.empty(32, np.int32)
max_pool(np.repeat(np.arange(11, dtype=np.float32), 16)[np.newaxis], 7, pooled, winners)
print(pooled[::16])
"""


@pytest.fixture
def copied(tmp_path) -> Checkout:
    """The package's sources in a folder of their own."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(project_root() / "atomicvad", tmp_path / "atomicvad", ignore=ignored)
    return Checkout(tmp_path)


def printed(checkout: Checkout, code: str) -> str:
    """What Python code prints in a process of its own."""
    process = checkout.start("-c", code, stderr=subprocess.PIPE)
    output, errors = process.communicate()
    assert process.returncode == 0, errors
    return output


def replace(path: Path, old: str, new: str) -> None:
    """Change a source file."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.timeout(1200)
def test_a_kernel_is_compiled_anew_where_its_callee_was_edited_and_only_there(copied):
    """numba itself looks at the caller's file alone, and would go on with the old callee."""

    def kept():
        """When each file of compiled code was written."""
        return {path: path.stat().st_mtime_ns for path in folder.glob("__pycache__/*.nb[ci]")}

    folder = copied.folder / "atomicvad/kernels"
    callee = folder / "first_pools.py"
    assert printed(copied, USE_OF_A_CALLEE) == "[ 5. 10.]\n"
    compiled = kept()
    assert compiled
    docstring = '"""Places that "same" pooling adds before a length.'
    replace(callee, docstring, f"{docstring}\n\n    They are never the larger part.\n    ")
    assert printed(copied, USE_OF_A_CALLEE) == "[ 5. 10.]\n"
    assert kept() == compiled
    replace(callee, "- length) // 2\n", "- length)\n")
    assert printed(copied, USE_OF_A_CALLEE) == "[ 3. 10.]\n"
    assert all(time > compiled[path] for path, time in kept().items())


@pytest.mark.timeout(1200)
def test_kernels_give_the_same_bytes_compiled_or_kept(copied):
    """In a process that compiles them, in one that finds them, and in the project itself."""
    outputs = [
        printed(checkout, USE_OF_KERNELS) for checkout in (copied, copied, Checkout(project_root()))
    ]
    assert list(copied.folder.glob("atomicvad/kernels/__pycache__/*.nbc"))
    assert outputs[0] == outputs[1] == outputs[2]


class Calls:
    """Probabilities of two networks, and gradients, for windows of one shape."""

    def __init__(self, dropout: float):
        generator = np.random.default_rng(0)
        self.network = build_network(dropout=dropout, seed=3)
        self.compiled = compiled_call(self.network)
        weights = np.outer([1, 0.9], flat_weights(self.network))
        self.weights = tf.constant(weights + 0.1 * generator.standard_normal(weights.shape))
        self.weights = tf.cast(self.weights, tf.float32)
        windows = 3 * generator.standard_normal((2, 20, 64, 64, 1))
        self.first, self.second = tf.cast(windows, tf.float32)

    def plain(self, weights, others, features, training):
        """The call in Keras' layers."""
        results = [
            self.network.stateless_call(
                split_weights(self.network, vector), values, features, training=training
            )
            for vector, values in zip(tf.unstack(weights), others, strict=True)
        ]
        return tuple(zip(*results, strict=True))

    def loss(self, call, weights, windows):
        """Another one for each window; dropout begins at the same state in every call."""
        others = [[variable.value for variable in self.network.non_trainable_variables]] * 2
        probabilities, _ = call(weights, others, windows, training=True)
        return tf.reduce_sum(tf.stack(probabilities)[..., 1] * tf.range(20.0))

    def alone(self, call, windows):
        """The gradient with a tape of its own."""
        with tf.GradientTape() as tape:
            tape.watch(self.weights)
            loss = self.loss(call, self.weights, windows)
        return tape.gradient(loss, self.weights)

    def together(self, call):
        """Gradients of two losses, and of their sum, whose forward calls came first."""
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(self.weights)
            first = self.loss(call, self.weights, self.first)
            second = self.loss(call, self.weights, self.second)
            total = first + second
        return [tape.gradient(loss, self.weights) for loss in (first, second, total, first)]


@pytest.fixture(scope="module", params=[0.0, 0.3], ids=["plain", "dropout"])
def calls(request) -> Calls:
    return Calls(request.param)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("wrap", [lambda call: call, tf.function], ids=["eager", "graph"])
def test_two_forward_calls_under_one_tape_have_their_own_gradients(calls, wrap):
    """The results of the first one, which its gradient needs, are overwritten by the second."""
    first, second = (
        wrap(calls.alone)(calls.compiled, windows).numpy()
        for windows in (calls.first, calls.second)
    )
    assert abs(first - second).max() > 0.1
    expected = first, second, first + second, first
    for gradient, alone in zip(wrap(calls.together)(calls.compiled), expected, strict=True):
        np.testing.assert_array_equal(gradient, alone)
    for gradient, plain in zip(expected, wrap(calls.together)(calls.plain), strict=True):
        np.testing.assert_allclose(gradient, plain, atol=2e-3 * abs(plain.numpy()).max())


@pytest.mark.timeout(1200)
def test_calls_from_several_threads_have_their_own_gradients(calls):
    windows = [calls.first, calls.second] * 4
    expected = [calls.alone(calls.compiled, batch) for batch in windows[:2]] * 4
    with ThreadPoolExecutor(4) as pool:
        gradients = list(pool.map(lambda batch: calls.alone(calls.compiled, batch), windows))
    for gradient, alone in zip(gradients, expected, strict=True):
        np.testing.assert_array_equal(gradient, alone)
