"""Work that runs ahead of where it is needed, its results in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor


def ahead(pool: Executor, function: Callable, items: Iterable, count: int) -> Iterator:
    """``map(function, items)`` by a pool, with at most ``count`` results under way or waiting.

    What has not begun is dropped when the iterator is closed or ``function`` fails.
    """
    waiting = deque()
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) >= count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
