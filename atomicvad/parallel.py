"""How work is divided: threads of the libraries, a GPU's memory, results computed ahead.

TensorFlow is imported by the functions that need it, so that this module costs nothing elsewhere.
"""

import contextlib
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from concurrent.futures import Executor, ProcessPoolExecutor, wait
from multiprocessing import get_context, parent_process, resource_tracker
from multiprocessing.synchronize import Barrier
from typing import TYPE_CHECKING, TypeVar

from atomicvad.errors import AtomicVADError
from atomicvad.interrupts import interrupts_wait

if TYPE_CHECKING:
    from atomicvad.sections import Mode, TrainingSettings

Item = TypeVar("Item")
Result = TypeVar("Result")
FEW_FILES = 200  # for which no process is started
# Read by TensorFlow, and by OpenMP and OpenBLAS, when they are loaded.
THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")


def computed_ahead(
    pool: Executor, function: Callable[[Item], Result], items: Iterable[Item], count: int
) -> Iterator[tuple[Item, Result]]:
    """Pairs of an item and ``function(item)`` in the order of ``items``, computed by a pool.

    At most ``count`` are under way or waiting. What has not begun is dropped when the iterator is
    closed or ``function`` fails; by a ``process_pool``, when its block is left.
    """
    waiting: deque = deque()
    try:
        for item in items:
            waiting.append((item, pool.submit(function, item)))
            if len(waiting) >= count:
                first, future = waiting.popleft()
                yield first, future.result()
        for first, future in waiting:
            yield first, future.result()
    finally:
        # A process pool cancels them itself: its thread would fail at one that was cancelled
        # elsewhere when the processes are ended (github.com/python/cpython/issues/107219).
        if not isinstance(pool, ProcessPoolExecutor):
            for _, future in waiting:
                future.cancel()


@contextlib.contextmanager
def process_pool(
    workers: int, method: str = "forkserver", prepare: Callable[[], object] = int
) -> Iterator[ProcessPoolExecutor]:
    """A pool of processes that Ctrl-C does not reach: they end with the process that owns them.

    All have started before the block begins, and have ended after it: one that is still starting
    while its owner ends would print a traceback. What is under way is waited for: a process that
    was killed while it sends a result would leave its owner waiting for the rest.

    Args:
        workers: the number of processes.
        method: how they start, as ``multiprocessing`` names it.
        prepare: called once in each of them.
    """
    context = get_context(method)
    all_started, pool = context.Barrier(workers), None
    try:
        with interrupts_wait():
            resource_tracker.ensure_running()  # it would unblock the signal
            before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # children inherit
            try:
                # None is idle before all have started, so that each submission starts one.
                pool = ProcessPoolExecutor(workers, context, _begin, (prepare, all_started))
                wait([pool.submit(int) for _ in range(workers)])
            except BaseException:
                all_started.abort()
                raise
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
        yield pool
    finally:
        if pool:
            with interrupts_wait():
                pool.shutdown(cancel_futures=True)


def _begin(prepare: Callable[[], object], all_started: Barrier) -> None:
    threading.Thread(target=_end_with_owner, daemon=True).start()
    prepare()
    all_started.wait()


def _end_with_owner() -> None:
    """End a process whose owner was killed: nobody would take what it finds, or end it."""
    if owner := parent_process():
        owner.join()
        os.kill(os.getpid(), signal.SIGTERM)


def limit_threads(
    environment: MutableMapping[str, str] = os.environ, count: int | None = None
) -> None:
    """Set how many threads each library takes; before they are imported.

    Without ``count``, one, unless ``environment`` has another number: a core for the training
    step, one for its batches or for another seed. More threads would wait for each other.
    """
    for name in THREADS:
        if count is None:
            environment.setdefault(name, "1")
        else:
            environment[name] = str(count)


def set_up_tensorflow() -> None:
    """Set the threads of TensorFlow's operations, as ``limit_threads`` does, and a GPU's memory.

    Both must be set before TensorFlow's first operation; later, they stay as they are.
    """
    import tensorflow as tf

    with contextlib.suppress(RuntimeError):
        threads = int(os.environ.get(THREADS[0], "1"))
        tf.config.threading.set_intra_op_parallelism_threads(threads)
    grow_gpu_memory("auto")


def grow_gpu_memory(mode: "Mode") -> None:
    """Let every visible GPU take memory as it is needed (``auto``: where that can still be set).

    Raises:
        AtomicVADError: ``mode`` is forced, and a GPU is in use already.
    """
    import tensorflow as tf

    for gpu in tf.config.get_visible_devices("GPU"):
        try:
            tf.config.experimental.set_memory_growth(gpu, bool(mode))
        except RuntimeError as error:
            if mode != "auto":
                raise AtomicVADError(f"training.memory_growth: {gpu.name}: {error}") from None


def choose_gpu(training: "TrainingSettings") -> None:
    """Let TensorFlow see the GPUs that ``training`` names, and take as much of their memory.

    Raises:
        AtomicVADError: no GPU has that number, or what is asked for is not so and can no longer be
            set, because TensorFlow is in use.
    """
    import tensorflow as tf

    chosen = tf.config.list_physical_devices("GPU")
    if training.gpu == "none":
        chosen = []
    elif training.gpu != "all":
        if training.gpu >= len(chosen):
            raise AtomicVADError(
                f"training.gpu: expected the number of one of {len(chosen)} GPUs (from 0), "
                f"or all or none; got {training.gpu}"
            )
        chosen = [chosen[training.gpu]]
    try:
        if tf.config.get_visible_devices("GPU") != chosen:
            tf.config.set_visible_devices(chosen, "GPU")
        if training.gpu_memory_mb is None:
            grow_gpu_memory(training.memory_growth)
            return
        limit = tf.config.LogicalDeviceConfiguration(memory_limit=training.gpu_memory_mb)
        for gpu in chosen:
            tf.config.set_logical_device_configuration(gpu, [limit])
    except RuntimeError as error:
        raise AtomicVADError(f"training.gpu: {error}") from None


def has_gpu() -> bool:
    """Whether TensorFlow sees a GPU that it may use."""
    import tensorflow as tf

    return bool(tf.config.get_visible_devices("GPU"))
