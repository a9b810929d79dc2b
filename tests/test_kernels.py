"""Kernels are compiled once, and again where they must be; how they came changes no number."""

import shutil
import subprocess
import sys

from processes import Checkout

from atomicvad.files import project_root
from atomicvad.layers import kernels

USE_OF_KERNELS = """
import hashlib
import tempfile
import numpy as np
from atomicvad.data import augment
from atomicvad.layers import compiled_features, compiled_network, features
front = compiled_features.CompiledFeatures(features.Features())
draw = np.random.default_rng(0).standard_normal
some = np.arange(16) % 2
places, speeds, gains = 1000 * np.arange(16), 1 + some / 8, some.astype(np.float32) / 8
plan = augment.Plan(places, speeds, places[::-1].copy(), speeds, gains, gains, places, gains)
images = np.empty((16, 64, 64, 1), np.float32)
with tempfile.TemporaryFile() as file:
    file.write((3000 * draw(40000)).astype(np.int16).tobytes())
    file.flush()
    assert augment.compose_features(
        file.fileno(),
        augment.noise_tape(),
        plan,
        np.ones((16, 257), np.float32),
        front.front,
        front.dct,
        10080,
        images[..., 0],
    )
weights, epsilon = draw((2, 298), np.float32), np.float32(1e-3)
room = compiled_network.new_room(2, *images.shape[:3])
rest = (*compiled_network.NO_MASKS, room)
outputs = compiled_network._forward(images / 100, weights, epsilon, *rest)
gradients = compiled_network._backward(images / 100, weights, epsilon, *rest, outputs)
for array in (images, outputs, gradients):
    assert np.isfinite(array).all()
    print(hashlib.sha256(array).hexdigest())
"""


def test_a_kernel_whose_callee_was_edited_is_compiled_anew(tmp_path):
    """numba itself looks at the caller's file alone, and would go on with the old callee."""
    layers = tmp_path / "layers"
    layers.mkdir()
    shutil.copy(kernels.__file__, layers)
    (tmp_path / "data").mkdir()
    (tmp_path / "data/augment.py").touch()
    kernel = "from kernels import compiled\n{}\n@compiled\ndef {}:\n    return {}\n"
    (layers / "caller.py").write_text(kernel.format("from callee import f", "g()", "f() + 1"))
    for value in (1, 2):
        (layers / "callee.py").write_text(kernel.format("", "f()", value))
        command = [sys.executable, "-c", "import caller; print(caller.g())"]
        result = subprocess.run(command, cwd=layers, capture_output=True, text=True, check=True)
        assert result.stdout == f"{value + 1}\n"


def test_kernels_give_the_same_bytes_compiled_or_kept(tmp_path):
    """In a process that compiles them, in one that finds them, and in the project itself."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(project_root() / "atomicvad", tmp_path / "atomicvad", ignore=ignored)
    (tmp_path / "use.py").write_text(USE_OF_KERNELS)
    found = []
    for folder in (tmp_path, tmp_path, project_root()):
        process = Checkout(folder).start(tmp_path / "use.py", stderr=subprocess.PIPE)
        output, errors = process.communicate()
        assert process.returncode == 0, errors
        found.append(output)
    assert list(tmp_path.glob("atomicvad/layers/__pycache__/*.nbc"))
    assert found[0] == found[1] == found[2]
