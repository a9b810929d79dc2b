"""Timing of functions that are compared: they run in turns, and the median is taken."""

import statistics
import time
from collections.abc import Callable

Row = tuple[str, float, str]  # name, value, unit


def seconds(function: Callable[[], object]) -> float:
    """Wall time of one call in s."""
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def turns(functions: dict[str, Callable[[], object]], rounds: int = 7) -> dict[str, list[float]]:
    """Wall times of each function in s: one call of each to warm up, then ``rounds`` in turns."""
    for function in functions.values():
        function()
    times: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            times[name].append(seconds(function))
    return times


def in_turns(functions: dict[str, Callable[[], object]], rounds: int = 7) -> dict[str, float]:
    """Median wall time of each function in s, by ``turns``."""
    return {name: statistics.median(times) for name, times in turns(functions, rounds).items()}
