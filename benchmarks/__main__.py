"""``python -m benchmarks``: run all parts one after another, each in a process of its own."""

import json
import os
import subprocess
import sys

import pandas as pd
from tqdm import tqdm

from atomicvad.files import project_root, replacing
from atomicvad.parallel import limit_threads
from benchmarks.timing import Row

PARTS = {
    "machine": "machine.rates()",
    "end to end": "training.end_to_end(training.open_profile())",
    "plain pipeline": "training.plain(training.open_profile())",
    "stages": "training.stages(training.open_profile())",
    "what stages need": "training.needed(training.open_profile())",
    "kernels and libraries": "kernels.kernel_against_library()",
    "batch sizes": "training.batch_sizes(training.open_profile())",
    "two seeds": "parallel.seeds(2)",
    "memory": "memory.peak_of_open()",
    "memory, 1 GB": "memory.peak(training.open_profile(), 1)",
    "memory, 4 GB": "memory.peak(training.open_profile(), 4)",
    "paper's epoch": "paper.epoch()",
    "scoring": "evaluation.evaluation_rows()",
    "corpora": "data.bench()",
}
ALL_CORES = ("plain pipeline",)  # parts in which TensorFlow sets the number of threads


def rows_of(part: str) -> list[Row]:
    """The rows of a part, run in a fresh process so that parts do not influence each other."""
    call = PARTS[part]
    module = call.split(".")[0]
    code = f"from benchmarks import {module}, training; import json; "
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    if part in ALL_CORES:
        # Some processors need this for oneDNN's convolutions; without them the plain pipeline is
        # several times slower.
        environment["TF_ENABLE_ONEDNN_OPTS"] = "1"
    else:
        limit_threads(environment)
    result = subprocess.run(
        [sys.executable, "-c", code + f"print(json.dumps({call}))"],
        cwd=project_root(),
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(result.stdout.splitlines()[-1])


def main() -> None:
    """Measure every part and write the table."""
    rows, failed = [], []
    for part in tqdm(PARTS, desc="benchmarks", unit="part"):
        try:
            rows += rows_of(part)
        except subprocess.CalledProcessError:  # it has printed why; the other parts go on
            failed.append(part)
    rate = {name: value for name, value, _ in rows}
    if rate.keys() >= {"fit_windows_per_second", "plain_windows_per_second"}:
        ratio = rate["fit_windows_per_second"] / rate["plain_windows_per_second"]
        rows.append(("fit_over_plain", ratio, "ratio"))
    table = pd.DataFrame(rows, columns=["name", "value", "unit"])
    with replacing(project_root() / "results" / "benchmarks.csv") as path:
        table.to_csv(path, index=False, float_format="%.6g")
    if failed:
        sys.exit(f"error: not measured: {', '.join(failed)}")


main()
