"""Upper limits of this machine: matrix multiplication, and copying of memory."""

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.timing import Row, in_turns

SIDE = 2048  # of the matrices
COPIED = 1 << 28  # bytes, far more than the caches hold


def rates() -> list[Row]:
    """Rates of one core: float32 arithmetic in GFLOP/s, memory read and written in GB/s."""
    a = np.ones((SIDE, SIDE), np.float32)
    source = np.ones(COPIED // 4, np.float32)
    target, product = np.empty_like(source), np.empty_like(a)
    with threadpool_limits(1):
        taken = in_turns(
            {
                "matmul": lambda: np.matmul(a, a, out=product),
                "copy": lambda: np.copyto(target, source),
            }
        )
    return [
        ("machine_gflops_one_core", 2 * SIDE**3 / taken["matmul"] / 1e9, "GFLOP/s"),
        ("machine_copy_one_core", 2 * COPIED / taken["copy"] / 1e9, "GB/s"),
    ]
