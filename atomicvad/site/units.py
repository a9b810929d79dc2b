"""The growing cosine units that the seeds have learned, and the density of their inputs."""

from typing import Any

import numpy as np

from atomicvad.detection.detect import waveforms
from atomicvad.detection.example import example
from atomicvad.detection.floating import mfcc, unit_inputs
from atomicvad.detection.models import ENSEMBLE, find_model
from atomicvad.device.integer.tables import WINDOW

BINS = 60
WITHIN = 0.002  # of the inputs lie below the range that is shown, and as many above
SCALARS = ("w1", "w2", "b1", "b2")
FIRST_SCALAR = (6, 18)  # where they begin among the 26 arrays, by block


def learned_units() -> list[list[dict[str, Any]]]:
    """By block and seed: the four scalars, and the density of the unit's inputs in the example.

    Returns:
        For each: ``w1``, ``b1``, ``w2``, ``b2``; ``first`` and ``last``, the range of inputs that
        is shown, the same for all seeds; ``density``, counts of ``BINS`` bins of equal width.
    """
    waveform = np.concatenate(list(waveforms(example(), None, None)))
    windows = waveform[: len(waveform) // WINDOW * WINDOW].reshape(-1, WINDOW)
    features = mfcc(windows)
    members = find_model(ENSEMBLE).members
    inputs = [unit_inputs(features, member) for member in members]
    return [
        _of_block([member[at : at + 4] for member in members], [x[n].ravel() for x in inputs])
        for n, at in enumerate(FIRST_SCALAR)
    ]


def _of_block(scalars: list[Any], inputs: list[np.ndarray]) -> list[dict[str, Any]]:
    ends = np.quantile(np.stack(inputs), [WITHIN, 1 - WITHIN])
    first, last = np.floor(ends[0]), np.ceil(ends[1])
    return [
        {name: round(float(value[0]), 4) for name, value in zip(SCALARS, unit, strict=True)}
        | {
            "first": float(first),
            "last": float(last),
            "density": np.histogram(heard, BINS, (first, last))[0].tolist(),
        }
        for unit, heard in zip(scalars, inputs, strict=True)
    ]
