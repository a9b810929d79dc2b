"""What detection does by default, chosen on validation scenes (MODEL_CARD.md).

Without NumPy, for which help would have to wait.
"""

import json
import math
from functools import cache
from pathlib import Path
from typing import Any

DATA = Path(__file__).with_name("data")
DEFAULTS = DATA / "defaults.json"


@cache
def defaults() -> dict[str, Any]:
    """The model, and by step smoothing, thresholds and durations."""
    return dict(json.loads(DEFAULTS.read_text(encoding="utf-8")))


def offset_threshold(threshold: float, distance: float) -> float:
    """The probability that lies ``distance`` logits below a ``threshold`` between 0 and 1.

    >>> round(offset_threshold(0.5, 1), 3)
    0.269
    """
    odds = threshold / (1 - threshold) * math.exp(-distance)
    return odds / (1 + odds)
