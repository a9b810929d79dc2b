"""What JupyterLab calls after it has saved a notebook (``make lab``), so that git stays quiet."""

import os
import subprocess
from typing import Any

LONGEST = 30  # s that git may take


def show_to_git(os_path: str, model: dict[str, Any], contents_manager: object) -> None:
    """Let git take note of a notebook of which no more than outputs have changed.

    git holds a file of another size for changed, and does not ask its filter, which leaves outputs
    out (``tools/strip_notebook.sh``). So the file is added once more, if what the filter leaves of
    it is what git has already: nothing is staged by that. A change of one's own stays as it is.

    Args:
        os_path: of the file.
        model: what was saved.
        contents_manager: of Jupyter.
    """
    if model["type"] != "notebook":
        return
    folder, name = os.path.split(os_path)

    def git(*command: str) -> bool:
        done = subprocess.run(
            ["git", "--literal-pathspecs", *command, "--", name],
            cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=LONGEST, check=False,
        )  # fmt: skip
        return not done.returncode

    try:
        if git("diff", "--quiet", "--no-ext-diff"):
            git("add", "--update")
    except (OSError, subprocess.TimeoutExpired):  # there is no git, or it waits for something
        return
