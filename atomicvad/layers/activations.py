"""The family of growing cosine units, and activations by name.

The paper's generalised unit (GGCU) is ``(w1 x + b1) cos(w2 x + b2)`` with four trainable scalars.
Fixing some of them gives the older members of the family.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

Shape = tuple[int | None, ...]

PARAMETERS = ("w1", "w2", "b1", "b2")  # the order in the released files


@keras.saving.register_keras_serializable("atomicvad")
class GrowingCosine(keras.layers.Layer):
    """``(w1 x + b1) cos(w2 x + b2)``, element by element; the shape does not change.

    Weights start Glorot-uniform, biases uniform in ±0.1, as in the released code.
    Parameters that a member of the family does not train stay at w = 1, b = 0.

    Args:
        trained: which of ``w1, w2, b1, b2`` are trained.
        l1, l2: regularisation of all four; the defaults are those of the released code.
        seed: of the initialisers; ``None`` draws one.
        one_seed: whether all four initialisers have that seed, as in the released code, so that w1
            and w2 start alike and b1 and b2 do; else each has one of its own.
    """

    def __init__(
        self,
        trained: Sequence[str] = PARAMETERS,
        l1: float = 1e-5,
        l2: float = 1e-4,
        seed: int | None = None,
        one_seed: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        unknown = set(trained) - set(PARAMETERS)
        if unknown:
            raise ValueError(f"trained: expected some of {PARAMETERS}, got {sorted(unknown)}")
        self.trained = tuple(trained)
        self.l1, self.l2 = l1, l2
        self.seed, self.one_seed = seed, one_seed

    def build(self, input_shape: Shape) -> None:
        """Create the trained scalars, each a weight of shape ``[1]``."""
        for number, name in enumerate(PARAMETERS):
            if name not in self.trained:
                setattr(self, name, float(name.startswith("w")))
                continue
            apart = 0 if self.one_seed else number
            seed = None if self.seed is None else self.seed + apart
            if name.startswith("w"):
                initializer = keras.initializers.GlorotUniform(seed=seed)
            else:
                initializer = keras.initializers.RandomUniform(-0.1, 0.1, seed=seed)
            weight = self.add_weight(
                name=name,
                shape=(1,),
                initializer=initializer,
                regularizer=keras.regularizers.L1L2(self.l1, self.l2),
            )
            setattr(self, name, weight)

    def call(self, inputs: Any) -> Any:
        """Apply the unit to every element."""
        return (self.w1 * inputs + self.b1) * ops.cos(self.w2 * inputs + self.b2)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The shape of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """The arguments from which Keras rebuilds the layer."""
        return super().get_config() | {
            "trained": list(self.trained),
            "l1": self.l1,
            "l2": self.l2,
            "seed": self.seed,
            "one_seed": self.one_seed,
        }


FAMILY = {
    "ggcu": ("w1", "b1", "w2", "b2"),
    "agcu": ("w1", "b1"),
    "pgcu": ("w2", "b2"),
    "gcu": (),
}


def activation(
    identifier: str, seed: int | None = None, name: str | None = None, **options: Any
) -> keras.layers.Layer:
    """A layer for ``identifier``: one of the growing-cosine family, or any activation of Keras.

    ``options`` (``l1``, ``l2``, ``one_seed``) are used by the family only.

    Raises:
        ValueError: an unknown name.
    """
    key = identifier.lower()
    if key in FAMILY:
        return GrowingCosine(FAMILY[key], seed=seed, name=name, **options)
    try:
        return keras.layers.Activation(keras.activations.get(key), name=name)
    except ValueError:
        known = ", ".join(FAMILY)
        raise ValueError(
            f"activation: expected {known} or one of Keras', got {identifier!r}"
        ) from None
