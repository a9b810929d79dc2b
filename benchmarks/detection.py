"""What detection costs: installing the wheel, first segments, speed and memory beside peers.

    python -m benchmarks.detection

Every detector runs in a process of its own on one core, in turns, and hears the same seven minutes
of the test scenes. The environment is made by uv, from its cache where that has the packages.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
import soundfile
from tqdm.auto import tqdm

from atomicvad.arithmetic import processor
from atomicvad.audio.signal import SAMPLE_RATE
from atomicvad.config import load_profile
from atomicvad.corpora.clips import decoded_clips, read_labels
from atomicvad.files import CLIP_LABELS, project_root
from benchmarks.published import publish

MINUTES, ROUNDS = 7, 5
NEEDED = ("numpy", "soundfile", "soxr", "tqdm", "typer")  # of the wheel
# Prints seconds of scoring, and the process' peak memory in MB.
SCORE = r"""
import re, sys, time
import soundfile
samples, _ = soundfile.read(sys.argv[1], dtype="float32")
{setup}
score(samples[:16000])
started = time.perf_counter()
score(samples)
seconds = time.perf_counter() - started
peak = re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read())
print(seconds, int(peak[1]) / 1024)
"""
OURS = """
import numpy as np
from atomicvad.detection.arrays import mono_floats
from atomicvad.detection.detector import SpeechDetector
detector = SpeechDetector(step={step!r}, model={model!r})
def score(samples):
    detector.push(samples)
    detector.flush()
"""
PEER = """
from atomicvad.scoring.peers import PEERS
run = PEERS[{name!r}].run
def score(samples):
    run(samples)
"""
DETECTORS = {
    "AtomicVAD, one seed, every 10 ms": OURS.format(step="10ms", model="79511"),
    "AtomicVAD, one seed, every 79 ms": OURS.format(step="79ms", model="79511"),
    "AtomicVAD, ten seeds, every 10 ms": OURS.format(step="10ms", model="ensemble"),
    "AtomicVAD, ten seeds, every 79 ms": OURS.format(step="79ms", model="ensemble"),
    "Silero VAD (ONNX Runtime)": PEER.format(name="silero"),
    "TEN VAD": PEER.format(name="ten"),
    "WebRTC VAD (four modes)": PEER.format(name="webrtc"),
}
FIRST = """
import time
started = time.perf_counter()
import atomicvad
imported = time.perf_counter()
found = atomicvad.detect({path!r})
print(imported - started, time.perf_counter() - started, len(found))
"""


def recording(folder: Path) -> Path:
    """A clip of the test scenes as a WAV file."""
    clips = load_profile("open").clips_folder("testing")
    _, waveform = next(iter(decoded_clips(clips, read_labels(clips / CLIP_LABELS))))
    path = folder / "scene.wav"
    soundfile.write(path, waveform[: MINUTES * 60 * SAMPLE_RATE], SAMPLE_RATE)
    return path


def run(code: str, *arguments: object, python: str = sys.executable, cwd: Path) -> list[float]:
    """The numbers that a process on one core prints."""
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    command = [python, "-c", code, *map(str, arguments)]
    if shutil.which("taskset"):
        command = ["taskset", "--cpu-list", "1", *command]
    done = subprocess.run(
        command, cwd=cwd, env=os.environ | one, capture_output=True, text=True, check=True
    )
    return [float(word) for word in done.stdout.split()]


def speeds(path: Path) -> pd.DataFrame:
    """Real-time factor and memory of every detector: the median of ``ROUNDS`` turns."""
    rows = []
    seconds = soundfile.info(path).duration
    for _ in tqdm(range(ROUNDS), desc="speed", unit="round"):
        for name, setup in DETECTORS.items():
            taken, memory = run(SCORE.format(setup=setup), path, cwd=project_root())
            rows.append((name, taken / seconds, memory))
    table = pd.DataFrame(rows, columns=["detector", "real_time_factor", "memory_mb"])
    return table.groupby("detector", sort=False).median().reset_index()


def size(folder: Path) -> float:
    """Megabytes of a folder's files."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


def installed(folder: Path, path: Path) -> dict[str, float]:
    """Seconds and megabytes of a new environment outside the checkout, and to first segments."""
    build = f"from setuptools import build_meta; build_meta.build_wheel({str(folder)!r})"
    subprocess.run(
        [sys.executable, "-c", build], cwd=project_root(), check=True, capture_output=True
    )
    (wheel,) = folder.glob("*.whl")
    minute = folder / "minute.wav"
    samples, rate = soundfile.read(path, frames=60 * SAMPLE_RATE)
    soundfile.write(minute, samples, rate)
    started = time.perf_counter()
    environment = folder / "environment"
    subprocess.run(["uv", "venv", "--quiet", environment], check=True, cwd=folder)
    python = environment / "bin" / "python"
    install = ["uv", "pip", "install", "--quiet", "--compile-bytecode", "--python", python, wheel]
    subprocess.run(install, check=True, cwd=folder)
    seconds = time.perf_counter() - started
    first = FIRST.format(path=str(minute))
    runs = [run(first, python=str(python), cwd=folder) for _ in range(ROUNDS)]
    imported, total, found = (sorted(column)[ROUNDS // 2] for column in zip(*runs, strict=True))
    packages = next(environment.glob("lib/python*/site-packages"))
    numpy = sum(size(part) for part in packages.glob("numpy*"))
    return {
        "wheel (MB)": wheel.stat().st_size / 1e6,
        "install with cached packages (s)": seconds,
        "installed, NumPy included (MB)": size(packages),
        "installed without NumPy (MB)": size(packages) - numpy,
        "import (s)": imported,
        "import to segments of one minute (s)": total,
        "segments in it": found,
    }


def markdown(costs: dict[str, float], table: pd.DataFrame) -> str:
    """What REPRODUCING.md says."""
    lines = ["| detector | real-time factor | times real time | memory (MB) |", "|---" * 4 + "|"]
    lines += [
        f"| {row.detector} | {row.real_time_factor:.5f} | {1 / row.real_time_factor:.0f} | "
        f"{row.memory_mb:.0f} |"
        for row in table.itertuples()
    ]
    said = [f"| {name} | {value:.3g} |" for name, value in costs.items()]
    return "\n".join(["| installing the wheel | |", "|---|---|", *said, "", *lines])


def main() -> None:
    """Measure, and write ``results/detection.csv`` and the block in REPRODUCING.md."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = recording(folder)
        table = speeds(path)
        costs = installed(folder, path)
    rows = [(name, value, name.partition("(")[2].rstrip(")")) for name, value in costs.items()]
    for row in table.itertuples():
        rows.append((f"{row.detector}: real-time factor", row.real_time_factor, "ratio"))
        rows.append((f"{row.detector}: memory", row.memory_mb, "MB"))
    block = f"On {processor()}, Python {platform.python_version()}, one core.\n\n"
    publish(
        pd.DataFrame(rows, columns=["name", "value", "unit"]),
        "detection",
        block + markdown(costs, table),
        digits=6,
    )
    print(json.dumps(costs, indent=1))
    print(table.to_string(index=False))


if __name__ == "__main__":
    main()
