"""Real processes at work in a copy of the project, to be started, killed and compared."""

import os
import select
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd


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

    def command(self, *arguments: str, **options) -> subprocess.Popen:
        """Start the command line in the checkout."""
        script = self.folder / "command.py"
        script.write_text(
            "from atomicvad.cli.main import main\n\nif __name__ == '__main__':\n    main()\n"
        )
        return self.start(script, *arguments, **options)

    def run(
        self, code: str, *before: str | Path, environment: dict[str, str] | None = None, **options
    ) -> str:
        """Run Python code in the checkout, to its end; return what it prints.

        Args:
            before: a program that runs Python, such as an emulator.
        """
        process = subprocess.run(
            [*map(str, before), sys.executable, "-c", code],
            cwd=self.folder,
            env=self.environment if environment is None else environment,
            capture_output=True,
            text=True,
            check=False,
            **options,
        )
        assert process.returncode == 0, process.stderr[-3000:]
        return process.stdout

    def copy(self, folder: Path) -> "Checkout":
        """The checkout once more, without results."""
        folder.mkdir()
        for name in ("atomicvad", "profiles", "data"):
            shutil.copytree(self.folder / name, folder / name, symlinks=True)
        return Checkout(folder)

    def run_folder(self, seed: int, profile: str = "tiny") -> Path:
        return self.folder / "runs" / profile / f"seed-{seed}"


class Nursery:
    """Forks processes that train: TensorFlow takes ten seconds to import, and is imported once."""

    SCRIPT = """
import os, sys, traceback
from atomicvad.config import load_profile
from atomicvad.runs.seed import run_seed
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
        self.log = checkout.folder / "nursery.log"
        with open(self.log, "w") as log:
            self.process = checkout.start("-c", self.SCRIPT, stdin=subprocess.PIPE, stderr=log)

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
        """Train a seed to its end."""
        self.start(profile, seed)
        assert self.status() == 0, self.log.read_text()[-2000:]

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def keep_some_peers(folder: Path) -> None:
    """Leave four peers in a copy of the project: one in NumPy, three with native libraries.

    Starting every library there is takes longer than what is looked at; ``test_peers`` runs the
    others.
    """
    with open(folder / "atomicvad" / "scoring" / "peers" / "__init__.py", "a") as file:
        file.write(
            'PEERS = {name: PEERS[name] for name in ("energy", "webrtc", "silero", "microvad")}\n'
        )


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
