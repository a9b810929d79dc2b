"""What JupyterLab calls after it has saved a notebook (``make lab``), so that git stays quiet."""

import os
import subprocess
from typing import Any


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
        whole = ["git", *command, "--", name]
        return not subprocess.run(whole, cwd=folder, capture_output=True, check=False).returncode

    try:
        if git("diff", "--quiet"):
            git("add", "--update")
    except OSError:  # there is no git
        return
