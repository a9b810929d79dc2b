"""The weights of one or several models as arrays, and in files of NumPy."""

import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from atomicvad.errors import AtomicVADError
from atomicvad.files import replacing

SHAPES = (  # of a model's 26 arrays, in the order of Keras' get_weights
    *((7, 7, 1, 3), (3,), (3,), (3,), (1, 1, 3, 8), (8,), (1,), (1,), (1,), (1,)),
    *((1, 1, 8, 2), (2,), (3, 3, 2, 1), (2,), (2,), (2,), (1, 1, 2, 8), (8,)),
    *((1,), (1,), (1,), (1,), (1, 1, 8, 2), (2,), (8, 2), (2,)),
)
COUNT = 298


def flat(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """The 26 arrays of a model as float32 ``[298]``."""
    return np.concatenate([np.ravel(array) for array in arrays]).astype(np.float32)


def split(weights: np.ndarray) -> tuple[np.ndarray, ...]:
    """Weights ``[298]`` as the 26 arrays of a model."""
    ends = np.cumsum([int(np.prod(shape)) for shape in SHAPES])
    parts = np.split(weights, ends[:-1])
    return tuple(part.reshape(shape) for part, shape in zip(parts, SHAPES, strict=True))


def save_weights(arrays: Sequence[np.ndarray], path: Path) -> None:
    """Write the weights of a model as ``weights`` of an archive of NumPy."""
    with replacing(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, weights=flat(arrays))


def read_weights(path: Path) -> tuple[np.ndarray, ...]:
    """The 26 arrays of a model that ``save_weights`` wrote.

    Raises:
        AtomicVADError: no such file, or one that does not hold 298 finite numbers.
    """
    try:
        with np.load(path) as archive:
            weights = np.asarray(archive["weights"], np.float32)
    except FileNotFoundError:
        raise AtomicVADError(f"{path}: no such file") from None
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile):
        raise AtomicVADError(f"{path}: expected an array `weights` of {COUNT} numbers") from None
    if weights.shape != (COUNT,) or not np.isfinite(weights).all():
        raise AtomicVADError(
            f"{path}: weights: expected {COUNT} finite numbers, got an array {list(weights.shape)}"
        )
    return split(weights)
