"""Work that is computed ahead: in order, a bounded number of items, and none left behind."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from atomicvad.parallel import computed_ahead


def test_results_come_in_order_and_few_are_under_way():
    taken, done = 0, []

    def slow(item):
        assert item < taken + 4
        time.sleep(0.002 * (item % 3))
        done.append(item)
        return item * item

    with ThreadPoolExecutor(3) as pool:
        for number, pair in enumerate(computed_ahead(pool, slow, range(20), 3)):
            assert pair == (number, number * number)
            taken += 1
    assert sorted(done) == list(range(20)) and taken == 20


def test_a_failure_comes_where_it_belongs_and_stops_the_rest():
    with ThreadPoolExecutor(1) as pool:
        results = computed_ahead(pool, lambda item: 1 / item, [1, 2, 0, 4], 4)
        assert [next(results), next(results)] == [(1, 1), (2, 0.5)]
        with pytest.raises(ZeroDivisionError):
            next(results)


def test_a_closed_iterator_drops_what_has_not_begun():
    begun, gate = [], threading.Event()

    def wait(item):
        begun.append(item)
        if item:
            gate.wait(10)

    with ThreadPoolExecutor(1) as pool:
        results = computed_ahead(pool, wait, range(100), 8)
        next(results)
        results.close()
        gate.set()
    assert len(begun) <= 2
