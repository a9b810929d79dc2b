"""Several seeds at a time, each in a process of its own."""

import json
import subprocess
import sys
import time

from benchmarks.timing import Row, seconds
from benchmarks.training import Fit, open_profile, training_batches

STEPS = 500
READY_AFTER = 60  # seconds until all processes have started; then they train together


def rate_from(start: float) -> float:
    """Windows per second of one seed, measured from the time ``start`` (of ``time.time``) on."""
    settings = open_profile()
    fit = Fit(training_batches(settings), settings)
    fit.steps(50)
    if time.time() > start:
        raise RuntimeError("a process came too late to be measured with the others")
    time.sleep(start - time.time())
    return STEPS * settings.training.batch_size / seconds(lambda: fit.steps(STEPS))


def seeds(count: int) -> list[Row]:
    """Windows per second of ``count`` seeds together."""
    start = time.time() + READY_AFTER
    command = [
        sys.executable,
        "-c",
        f"import benchmarks.parallel as p; print(p.rate_from({start}))",
    ]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(count)]
    rates = [json.loads(process.communicate()[0]) for process in running]
    return [(f"seeds_in_parallel_{count}", sum(rates), "windows/s")]
