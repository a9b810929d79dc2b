"""How a run was made: settings, versions, machine, commit, data, time and memory."""

import platform
import resource
import subprocess
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import joblib

from atomicvad.arithmetic import arithmetic, processor
from atomicvad.config import Settings
from atomicvad.data.manifest import training_content
from atomicvad.files import project_root
from atomicvad.stamps import fingerprint

PACKAGES = (
    *("tensorflow", "keras", "numpy", "numba", "scipy", "scikit-learn", "pandas"),
    *("soundfile", "soxr", "av"),
)


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
        "data": fingerprint(training_content(settings.data_folder)),
        "commit": commit + ("-dirty" if commit and changed else ""),
        "python": platform.python_version(),
        "packages": package_versions(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
        "arithmetic": arithmetic(),
        "cores": joblib.cpu_count(),
        "seconds": {name: round(value, 1) for name, value in seconds.items()},
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
