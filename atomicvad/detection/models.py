"""Models that detect: the ten seeds that come with the package, their mean, or a file."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from atomicvad.detection.defaults import DATA, defaults, offset_threshold
from atomicvad.detection.floating import FloatEngine
from atomicvad.detection.scorer import Scorer, StreamScorer, WindowScorer
from atomicvad.detection.segmenter import Rules
from atomicvad.device.engine import Engine
from atomicvad.device.integer.weights import IntegerWeights, integer_weights
from atomicvad.device.weights import SHAPES, read_weights, split
from atomicvad.errors import AtomicVADError, number

Step = Literal["10ms", "79ms"]
Arithmetic = Literal["integer", "float"]
WEIGHTS, ONNX = DATA / "weights.npz", DATA / "atomicvad.onnx"
ENSEMBLE = "ensemble"


@dataclass(frozen=True)
class Model:
    """One or several sets of weights whose scores are averaged.

    Attributes:
        name: a seed, ``ensemble``, or a path.
        members: the 26 arrays of each.
    """

    name: str
    members: tuple[tuple[np.ndarray, ...], ...]

    def integers(self) -> list[IntegerWeights]:
        """The weights as integers.

        Raises:
            AtomicVADError: weights that the integer detector cannot hold.
        """
        try:
            return [integer_weights(arrays) for arrays in self.members]
        except AtomicVADError as error:
            raise AtomicVADError(f"{self.name}: {error}") from None

    def scorer(self, step: Step, arithmetic: Arithmetic = "integer") -> Scorer:
        """A new scorer for one signal.

        Raises:
            AtomicVADError: no such step or arithmetic, or weights that integers cannot hold.
        """
        smoothing = defaults()["steps"][check_step(step)]["smoothing"]
        if arithmetic == "integer":
            engine = Engine(self.integers())
            of_step = StreamScorer if step == "10ms" else WindowScorer
            return of_step(engine, smoothing)
        if arithmetic != "float" or step != "79ms":
            raise AtomicVADError(
                f"arithmetic: expected integer, or float where step is 79ms; got {arithmetic!r}"
            )
        return WindowScorer(FloatEngine(self.members), smoothing)

    def rules(self, step: Step, **changes: float | None) -> Rules:
        """The rules for this model by default, with changes.

        A threshold of one's own keeps the distance to the threshold for offsets, in logits.

        Raises:
            AtomicVADError: a value outside its range.
        """
        chosen = dict(defaults()["steps"][check_step(step)])
        thresholds = chosen.pop("thresholds")
        chosen.pop("smoothing")
        own = thresholds.get(self.name)
        threshold = float(np.median(list(thresholds.values()))) if own is None else own
        distance = chosen.pop("offset_distance")
        given = {name: number(value, name) for name, value in changes.items() if value is not None}
        threshold = given.pop("threshold", threshold)
        if 0 < threshold < 1:
            chosen["offset_threshold"] = offset_threshold(threshold, distance)
        else:  # an error that Rules describes
            chosen["offset_threshold"] = threshold
        return Rules(**{**chosen, "threshold": threshold, **given})


def check_step(step: str) -> str:
    """``step``, if there is such a form of the detector.

    Raises:
        AtomicVADError: there is none.
    """
    if step not in get_args(Step):
        raise AtomicVADError(f"step: expected 10ms or 79ms, got {step!r}")
    return step


@cache
def _packaged() -> dict[str, tuple[np.ndarray, ...]]:
    """The weights of the seeds that come with the package."""
    with np.load(WEIGHTS) as archive:
        table = archive["weights"]
        return {str(seed): split(row) for seed, row in zip(archive["seeds"], table, strict=True)}


def seeds() -> list[str]:
    """The names of the seeds that come with the package."""
    return list(_packaged())


def find_model(model: str | int | Path | None = None) -> Model:
    """The model of a name.

    Args:
        model: a seed (``43185``), ``ensemble`` (all ten, averaged), or a file: ``.npz`` as
            ``atomicvad export --target numpy`` writes it, or ``.keras`` (needs
            ``atomicvad[reproduce]``). By default what MODEL_CARD.md recommends.

    Raises:
        AtomicVADError: no such model, or a file that holds none.
    """
    name = str(defaults()["model"] if model is None else model)
    if name == ENSEMBLE:
        return Model(name, tuple(_packaged().values()))
    if name in _packaged():
        return Model(name, (_packaged()[name],))
    path = Path(name)
    if path.suffix == ".npz":
        return Model(name, (read_weights(path),))
    if path.suffix == ".keras":
        return Model(name, (_read_keras(path),))
    raise AtomicVADError(
        f"model: expected {', '.join(seeds())}, {ENSEMBLE}, or a file .npz or .keras; got {name!r}"
    )


def _read_keras(path: Path) -> tuple[np.ndarray, ...]:
    try:
        from atomicvad.model import load_model
    except ModuleNotFoundError as error:
        raise AtomicVADError(
            f"{path}: reading a Keras file needs {error.name}: pip install 'atomicvad[reproduce]', "
            "or convert it where that is installed: atomicvad export MODEL --target numpy"
        ) from None
    arrays = tuple(np.asarray(array) for array in load_model(path).get_weights())
    if tuple(array.shape for array in arrays) != SHAPES:
        raise AtomicVADError(f"{path}: expected the paper's architecture, got another")
    return arrays
