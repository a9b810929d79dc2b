"""Files of a public git repository at a fixed commit.

A commit's id is a checksum of all that it holds: git recomputes the id of every object it receives,
so whatever the server sends, the files are those of the commit, or there is an error.
"""

import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from atomicvad.errors import AtomicVADError


@contextmanager
def checked_out(url: str, commit: str, patterns: Sequence[str], beside: Path) -> Iterator[Path]:
    """Yield a temporary folder with the files of a commit that match ``patterns``.

    Only these are downloaded, without the repository's history.

    Args:
        url: of the repository.
        commit: its full id.
        patterns: as in ``.gitignore``, from the repository's root (``/tests/data/*.wav``).
        beside: the temporary folder lies in the same folder as this one.

    Raises:
        AtomicVADError: git is missing, the server cannot be reached, or there is no such commit.
    """
    beside.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetching-", dir=beside.parent) as folder:
        for arguments in (
            ("init", "--quiet"),
            ("remote", "add", "origin", url),
            ("fetch", "--quiet", "--depth", "1", "--filter", "blob:none", "origin", commit),
            ("sparse-checkout", "set", "--no-cone", *patterns),
            ("checkout", "--quiet", "--detach", "FETCH_HEAD"),
        ):
            _git(folder, arguments, f"{url} at {commit[:12]}")
        yield Path(folder)


def _git(folder: str, arguments: Sequence[str], what: str) -> None:
    environment = os.environ | {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    command = ["git", "-C", folder, *arguments]
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise AtomicVADError(f"{what}: git is needed to fetch it, and is not installed") from None
    if done.returncode:
        reason = next(iter(done.stderr.strip().splitlines()), "no reason given")
        raise AtomicVADError(f"{what}: git {arguments[0]}: {reason}")


def require_absent(folder: Path) -> None:
    """Nothing is fetched over a folder that is there.

    Raises:
        AtomicVADError: it is there.
    """
    if folder.exists():
        raise AtomicVADError(f"{folder}: already exists; move it away to fetch it again")
