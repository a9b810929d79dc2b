"""Fair times: what is compared takes turns, and the median counts."""

import statistics
import time
from collections.abc import Callable

Row = tuple[str, float, str]


def seconds(function: Callable[[], object]) -> float:
    """Wall time of one call."""
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def turns(functions: dict[str, Callable[[], object]], rounds: int = 7) -> dict[str, list[float]]:
    """Seconds of each of ``functions``, once to warm up, then in turns."""
    for function in functions.values():
        function()
    times = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            times[name].append(seconds(function))
    return times


def in_turns(functions: dict[str, Callable[[], object]], rounds: int = 7) -> dict[str, float]:
    """Median seconds of each of ``functions``, taken by ``turns``."""
    return {name: statistics.median(times) for name, times in turns(functions, rounds).items()}
