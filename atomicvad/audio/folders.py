"""Audio files in a folder, by their suffixes."""

import os
from collections.abc import Iterable
from pathlib import Path

from atomicvad.files import is_text

SUFFIXES = frozenset(  # what ``decode`` reads; .mat is left out, as MATLAB's tables are called so
    (
        *(".wav", ".wave", ".bwf", ".rf64", ".w64", ".aif", ".aiff", ".aifc", ".au", ".snd"),
        *(".caf", ".flac", ".ogg", ".oga", ".ogv", ".opus", ".spx", ".mp3", ".mp2", ".m4a"),
        *(".m4b", ".m4v", ".mp4", ".mov", ".3gp", ".3g2", ".aac", ".ac3", ".eac3", ".webm"),
        *(".weba", ".mkv", ".mka", ".avi", ".flv", ".wma", ".wmv", ".asf", ".ts", ".m2ts"),
        *(".mts", ".mpg", ".mpeg", ".vob", ".amr", ".ape", ".tta", ".wv", ".g722", ".sph"),
        *(".nist", ".voc", ".paf", ".svx", ".8svx", ".pvf", ".avr", ".htk", ".sds", ".ircam"),
    )
)


def files_below(
    folder: Path,
    suffixes: Iterable[str] = SUFFIXES,
    refused: list[str] | None = None,
    closed: list[OSError] | None = None,
) -> list[str]:
    """Relative paths (with ``/``) of the files with one of ``suffixes`` in ``folder``, sorted.

    Hidden files and folders are ignored, and links to folders are not followed.

    Args:
        folder: is walked through with all that is in it.
        suffixes: in any case.
        refused: is given the names of files and folders that are not UTF-8 or contain control
            characters, which are left out; without it they are found as well.
        closed: is given an error for each folder that cannot be looked into.
    """
    paths, suffixes = [], frozenset(suffix.lower() for suffix in suffixes)

    def is_fine(name: str) -> bool:
        if refused is None or is_text(name):
            return True
        refused.append(name)
        return False

    for parent, folders, files in os.walk(
        folder, onerror=None if closed is None else closed.append
    ):
        shown = sorted(name for name in folders if not name.startswith("."))
        folders[:] = [name for name in shown if is_fine(name)]
        inside = os.path.relpath(parent, folder).replace(os.sep, "/")
        prefix = "" if inside == "." else inside + "/"
        for name in files:
            suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122
            if suffix in suffixes and not name.startswith(".") and is_fine(name):
                paths.append(prefix + name)
    return sorted(paths)
