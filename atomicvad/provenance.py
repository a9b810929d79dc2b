"""What a result was made from: fingerprints, stamps and the record of a run."""

import hashlib
import json
import os
import platform
import resource
import subprocess
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from atomicvad.config import Settings
from atomicvad.files import project_root, replacing

PACKAGES = (
    *("tensorflow", "keras", "numpy", "numba", "scipy", "scikit-learn", "pandas"),
    *("soundfile", "soxr", "av"),
)
# What the numbers of a run depend on; not figures, notebooks or the command line.
DATA_CODE = (
    "data/__init__.py",
    "data/audio.py",
    "data/journal.py",
    "data/index.py",
    "data/labels.py",
    "data/manifest.py",
    "data/segments.py",
    "data/scenes.py",
    "data/sources.py",
    "data/testset.py",
    "data/corpora",
)
TRAINING_CODE = (*DATA_CODE, "layers", "model.py", "data", "training.py", "evaluation/metrics.py")
SCORING_CODE = (
    *DATA_CODE,
    "layers",
    "model.py",
    *(f"evaluation/{name}.py" for name in ("windows", "scoring", "protocols", "scores")),
    *(f"evaluation/{name}.py" for name in ("judge", "metrics")),
)


def fingerprint(*parts: Any) -> str:
    """SHA-256 over the canonical JSON of ``parts``."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def code_fingerprint(names: Iterable[str]) -> str:
    """SHA-256 over the source of modules and packages, named from ``atomicvad/``."""
    package = project_root() / "atomicvad"
    files = set()
    for name in names:
        path = package / name
        files |= set(path.rglob("*.py")) if path.is_dir() else {path}
    return fingerprint([(str(f.relative_to(package)), f.read_text()) for f in sorted(files)])


def store_fingerprint(settings: Settings) -> str:
    """What the decoded recordings depend on."""
    code = code_fingerprint(("data/audio.py", "data/journal.py", "data/corpora"))
    return fingerprint(settings.corpus, code)


def data_fingerprint(settings: Settings) -> str:
    """What manifests and scenes depend on: the recordings' content, their settings and the code."""
    table = settings.data_folder / "recordings.csv"  # holds the digest of every recording
    recordings = table.read_text(encoding="utf-8") if table.is_file() else ""
    # Clips of corpora, where the scenes are not mixed.
    clips = [path.read_text() for path in sorted(settings.data_folder.glob("scenes*/clips.csv"))]
    parts = settings.model_dump(
        include={"corpus", "data_seed", "window_samples", "windows", "scenes"}
    )
    return fingerprint(parts, recordings, clips, code_fingerprint(DATA_CODE))


def run_fingerprint(settings: Settings, seed: int) -> str:
    """What the weights of one seed depend on: settings, data and code; not how they are scored."""
    return _run_fingerprints(settings, [seed])[seed]


def _run_fingerprints(settings: Settings, seeds: Iterable[int]) -> dict[int, str]:
    parts = settings.model_dump(exclude={"seeds", "evaluation"}, mode="json")
    data, code = data_fingerprint(settings), code_fingerprint(TRAINING_CODE)
    return {seed: fingerprint(parts, seed, data, code) for seed in seeds}


def scores_fingerprint(settings: Settings, *weights: Path) -> str:
    """What scores on the scenes depend on: the weights in files, the scenes, settings and code."""
    parts = settings.model_dump(include={"features", "window_samples", "evaluation"}, mode="json")
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in weights]
    return fingerprint(parts, digests, data_fingerprint(settings), code_fingerprint(SCORING_CODE))


def is_current(stamp: Path, expected: str) -> bool:
    """Whether ``stamp`` holds the fingerprint ``expected``."""
    return stamp.is_file() and stamp.read_text().strip() == expected


def write_stamp(stamp: Path, value: str) -> None:
    with replacing(stamp) as path:
        path.write_text(value + "\n")


def is_trained(settings: Settings, seed: int) -> bool:
    """Whether a seed's weights are in place and were trained here, from what is here now."""
    return _is_trained(settings, seed, run_fingerprint(settings, seed))


def _is_trained(settings: Settings, seed: int, expected: str) -> bool:
    folder = settings.run_folder(seed)
    return is_current(folder / ".stamp", expected) and (folder / "model.keras").is_file()


def is_scored(settings: Settings, seed: int) -> bool:
    """Whether a seed's table is in place and was made here from the weights that are there."""
    folder = settings.run_folder(seed)
    weights = folder / "model.keras"
    if not (weights.is_file() and (folder / "metrics.csv").is_file()):
        return False
    return is_current(folder / ".scores", scores_fingerprint(settings, weights))


def is_done(settings: Settings, seed: int) -> bool:
    """Whether a seed is trained and scored, here, from what is here now."""
    return is_trained(settings, seed) and is_scored(settings, seed)


def trained_seeds(settings: Settings) -> list[int]:
    """The seeds that are trained, here, from what is here now."""
    expected = _run_fingerprints(settings, settings.seeds)
    return [seed for seed in settings.seeds if _is_trained(settings, seed, expected[seed])]


def _git(*arguments: str) -> str:
    try:
        result = subprocess.run(
            ["git", *arguments], cwd=project_root(), capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return result.stdout.strip()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def package_versions() -> dict[str, str]:
    """Versions of the libraries that numbers depend on."""
    return {name: _version(name) for name in PACKAGES}


def run_record(settings: Settings, seed: int, seconds: dict[str, float]) -> dict[str, Any]:
    """How a run was made: settings, versions, machine, commit, data, time and memory."""
    commit = _git("rev-parse", "HEAD")
    changed = _git("status", "--porcelain", "--", "atomicvad", "notebooks", "profiles")
    return {
        "profile": settings.profile,
        "seed": seed,
        "settings": settings.model_dump(exclude={"profile", "seeds", "evaluation"}, mode="json"),
        "data": data_fingerprint(settings),
        "commit": commit + ("-dirty" if commit and changed else ""),
        "python": platform.python_version(),
        "packages": package_versions(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "seconds": {name: round(value, 1) for name, value in seconds.items()},
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
