"""Every emulated core, WebAssembly and this computer against the specification, to the bit.

``python -m benchmarks.cores``: 200 windows and 1,000 hops of a stream, for the reference's seeds
and the released checkpoints where they are. About 10 minutes on two cores; nothing is written.
"""

import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from tqdm import tqdm

from atomicvad.config import load_profile
from atomicvad.device.emulate.build import build
from atomicvad.device.emulate.cores import CORES
from atomicvad.device.emulate.host import HostDetector
from atomicvad.device.emulate.measure import run
from atomicvad.device.emulate.signals import window_signals
from atomicvad.device.export.c import write_sources
from atomicvad.device.export.models import exportable_model
from atomicvad.device.export.wasm import run_wasm, write_wasm_folder
from atomicvad.device.integer.detector import pushed_logits, window_logits
from atomicvad.device.integer.tables import HOP, WINDOW
from atomicvad.device.integer.weights import integer_weights
from atomicvad.errors import AtomicVADError
from atomicvad.files import WEIGHTS
from atomicvad.scoring.released_checkpoints import released_checkpoints

WINDOWS, HOPS = 200, 1000


def signals() -> dict[str, np.ndarray]:
    """Those of ``make device``, louder and quieter, shifted, with noise: int16."""
    random, base = np.random.default_rng(7), window_signals().astype(float)
    rows = [*base]
    while len(rows) < WINDOWS:
        row = np.roll(base[len(rows) % len(base)], random.integers(WINDOW))
        rows.append(
            row * 10 ** random.uniform(-2, 0.5)
            + random.normal(0, 10 ** random.uniform(0, 3), WINDOW)
        )
    windows = np.clip(np.rint(rows), -32768, 32767).astype(np.int16)
    return {"window": windows, "stream": windows[::3].reshape(-1)[: HOPS * HOP].reshape(-1, HOP)}


def outputs(folder: Path, samples: dict[str, np.ndarray]) -> Iterator[tuple[str, str, np.ndarray]]:
    """Processor, form and logits."""
    host = HostDetector(folder, folder)
    yield "this computer", "window", host.windows(samples["window"])
    yield "this computer", "stream", host.stream(samples["stream"])
    write_wasm_folder(folder, folder / "wasm")
    for form, heard in samples.items():
        yield "WebAssembly", form, run_wasm(folder / "wasm", form, heard)
        for name, core in CORES.items():
            yield name, form, run(build(folder, core, form, folder / name / form), heard).outputs


def differences(path: Path) -> list[str]:
    """Where a model's logits are not the specification's."""
    samples, weights = signals(), integer_weights(exportable_model(path).get_weights())
    expected = {
        "window": window_logits(samples["window"], weights),
        "stream": pushed_logits(samples["stream"], weights),
    }
    with tempfile.TemporaryDirectory() as folder:
        write_sources(weights, Path(folder))
        return [
            f"{path}, {name}, {form}"
            for name, form, found in outputs(Path(folder), samples)
            if not np.array_equal(found, expected[form])
        ]


def main() -> None:
    """Compare, and say so.

    Raises:
        AtomicVADError: where logits differ.
    """
    settings = load_profile("open").reference
    paths = [settings.run_folder(seed) / WEIGHTS for seed in settings.seeds]
    paths += released_checkpoints()
    with ProcessPoolExecutor(2) as pool:
        found = list(tqdm(pool.map(differences, paths), total=len(paths), unit="model"))
    if wrong := [text for texts in found for text in texts]:
        raise AtomicVADError(f"other logits than the specification's: {'; '.join(wrong)}")
    print(
        f"{len(paths)} models, {WINDOWS} windows and {HOPS:,} hops each: the same bits on this "
        f"computer, in WebAssembly and on {', '.join(core.title for core in CORES.values())}"
    )


if __name__ == "__main__":
    main()
