"""The 298 weights alone, for ``atomicvad.detect`` where Keras is not installed."""

from pathlib import Path

import keras

from atomicvad.device.export.c import LOGITS, expected_logit
from atomicvad.device.export.contents import Contents
from atomicvad.device.integer.weights import integer_weights
from atomicvad.device.weights import save_weights

NAME = "atomicvad.npz"
ABOUT = f"""\
`{NAME}` holds the array `weights`: 298 numbers, float32, in the order of the layers. The package
`atomicvad` detects with them in integers, with NumPy alone. {LOGITS}

"""
EXAMPLE = f"""\
import atomicvad
for segment in atomicvad.detect("speech.wav", model="{NAME}"):
    print(f"{{segment.start:.2f}} {{segment.end:.2f}}")
"""


def write_numpy(model: keras.Model, folder: Path) -> Contents:
    """Write the weights as an archive of NumPy.

    Raises:
        AtomicVADError: weights that the integer detector cannot hold.
    """
    arrays = model.get_weights()
    expected = expected_logit(integer_weights(arrays))
    save_weights(arrays, folder / NAME)
    return Contents("AtomicVAD for NumPy", ABOUT, {"example.py": EXAMPLE}, expected)
