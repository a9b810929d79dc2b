"""What several tests share: released checkpoints where they are, and a small prepared profile."""

import os
import select
import shutil
import subprocess
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import pandas as pd
import pytest
import yaml

from atomicvad import config
from atomicvad.config import Settings, settings_from
from atomicvad.files import project_root

TINY = {
    "corpus": "smoke",
    "seeds": [1, 2],
    "windows": {
        "stride_seconds": {"speech": 0.3, "background": 0.3},
        "counts": {"training": 64, "validation": 32, "testing": 32},
    },
    "scenes": {"clips": 1, "clip_seconds": 30},
    "training": {
        "batch_size": 32,
        "epochs": 3,
        "trials": [3, 2],
        "learning_rate": 0.01,
    },
}


@pytest.fixture(scope="session")
def published() -> Path:
    """The folder of released checkpoints and golden vectors."""
    folder = os.environ.get("ATOMICVAD_PUBLISHED")
    if not folder:
        pytest.skip("ATOMICVAD_PUBLISHED is not set: no released checkpoints to compare with")
    return Path(folder)


@pytest.fixture(scope="session")
def root(tmp_path_factory) -> Path:
    """A project root of the tests' own, so that no test touches data/ or results/."""
    folder = tmp_path_factory.mktemp("project")
    patch = pytest.MonkeyPatch()
    patch.setattr(config, "project_root", lambda: folder)
    yield folder
    patch.undo()


@pytest.fixture(scope="session")
def tiny(root: Path) -> Settings:
    """A profile of two seeds that trains in seconds on generated audio."""
    return settings_from(TINY, "tests", "tiny")


@pytest.fixture(scope="session")
def store(tiny: Settings):
    """The prepared data of ``tiny``."""
    from atomicvad.data import prepare

    return prepare(tiny)


class Checkout:
    """A copy of the project in a folder of its own, for tests of real processes."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.environment = os.environ | {"PYTHONPATH": str(folder), "TQDM_DISABLE": "1"}

    def start(self, *arguments: str, **options) -> subprocess.Popen:
        """Start Python in the checkout."""
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT} | options
        command = [sys.executable, *map(str, arguments)]
        return subprocess.Popen(
            command, cwd=self.folder, env=self.environment, text=True, **options
        )

    def command(self, *arguments: str) -> subprocess.Popen:
        """Start the command line in the checkout."""
        script = self.folder / "command.py"
        script.write_text(
            "from atomicvad.cli import main\n\nif __name__ == '__main__':\n    main()\n"
        )
        return self.start(script, *arguments)

    def copy(self, folder: Path) -> "Checkout":
        """The checkout once more, without results."""
        folder.mkdir()
        for name in ("atomicvad", "profiles", "data"):
            shutil.copytree(self.folder / name, folder / name, symlinks=True)
        return Checkout(folder)

    def run_folder(self, seed: int, profile: str = "tiny") -> Path:
        return self.folder / "results" / profile / f"seed-{seed}"


class Nursery:
    """Forks processes that train: TensorFlow takes ten seconds to import, and is imported once."""

    SCRIPT = """
import os, sys, traceback
import atomicvad.training
from atomicvad.config import load_profile
from atomicvad.run import run_seed
for line in sys.stdin:
    child = os.fork()
    if not child:
        sys.stdout = sys.stderr
        try:
            exec(line)
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    print(child, flush=True)
    print(os.waitpid(child, 0)[1], flush=True)
"""

    def __init__(self, checkout: Checkout):
        self.process = checkout.start(
            "-c", self.SCRIPT, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
        )

    def start(self, profile: str, seed: int) -> int:
        """Start training a seed; return the process's number."""
        self.process.stdin.write(f"run_seed(load_profile({profile!r}), {seed})\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def ended(self) -> bool:
        """Whether the process has ended."""
        return bool(select.select([self.process.stdout], [], [], 0)[0])

    def status(self) -> int:
        """How the process ended: 0, an exit code, or minus the signal that killed it."""
        return os.waitstatus_to_exitcode(int(self.process.stdout.readline()))

    def run(self, profile: str, seed: int) -> None:
        self.start(profile, seed)
        assert self.status() == 0

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


@pytest.fixture(scope="session")
def checkout(tmp_path_factory, store) -> Checkout:
    """A checkout with the prepared profile ``tiny``, and its twin ``deterministic``."""
    folder = tmp_path_factory.mktemp("checkout")
    shutil.copytree(project_root() / "atomicvad", folder / "atomicvad")
    shutil.copytree(project_root() / "profiles", folder / "profiles")
    shutil.copytree(store.folder, folder / "data" / "tiny")
    (folder / "profiles" / "tiny.yaml").write_text(yaml.safe_dump(TINY))
    twin = TINY | {"seeds": [1], "training": TINY["training"] | {"deterministic": True}}
    (folder / "profiles" / "deterministic.yaml").write_text(yaml.safe_dump(twin))
    (folder / "data" / "deterministic").symlink_to("tiny")
    return Checkout(folder)


@pytest.fixture(scope="session")
def nursery(checkout: Checkout):
    nursery = Nursery(checkout)
    yield nursery
    nursery.close()


@pytest.fixture(scope="session")
def serial(checkout: Checkout, nursery: Nursery) -> Checkout:
    """The checkout after both seeds of ``tiny`` were trained, one after another."""
    for seed in TINY["seeds"]:
        nursery.run("tiny", seed)
    return checkout


def assert_same_run(folder: Path, reference: Path) -> None:
    """Whether two runs have the same bytes, but for the columns that measure time."""
    for name in ("model.keras", "scores.npz", "metrics.csv"):
        assert (folder / name).read_bytes() == (reference / name).read_bytes(), name
    timed = ["seconds", "windows_per_second"]
    history, expected = (
        pd.read_csv(path / "history.csv", dtype=str).drop(columns=timed)
        for path in (folder, reference)
    )
    pd.testing.assert_frame_equal(history, expected)
