"""Work that runs ahead of where it is needed, its results in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor


def ahead(pool: Executor, function: Callable, items: Iterable, count: int) -> Iterator:
    """Pairs of an item and ``function(item)``, by a pool; at most ``count`` under way or waiting.

    What has not begun is dropped when the iterator is closed or ``function`` fails.
    """
    waiting = deque()
    try:
        for item in items:
            waiting.append((item, pool.submit(function, item)))
            if len(waiting) >= count:
                item, future = waiting.popleft()
                yield item, future.result()
        for item, future in waiting:
            yield item, future.result()
    finally:
        for _, future in waiting:
            future.cancel()
