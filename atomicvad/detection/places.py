"""Which recordings arguments mean, and where what is found in them is written."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from atomicvad.audio.folders import files_below
from atomicvad.errors import AtomicVADError


@dataclass(frozen=True)
class Recording:
    """An audio file that an argument means.

    Attributes:
        path: as the user would write it.
        inside: the path below the folder that was given; of a file that was given, its name.
    """

    path: Path
    inside: PurePath


def find_recordings(arguments: Sequence[Path]) -> tuple[list[Recording], list[str]]:
    """The files among ``arguments`` and below the folders among them, each once, in order.

    Returns:
        The recordings, and a line for each folder without any, or that cannot be looked into.
    """
    found: dict[str, Recording] = {}
    problems = []
    for argument in arguments:
        insides, is_folder = [PurePath(argument.name)], os.path.isdir(argument)  # noqa: PTH112
        if is_folder:
            closed: list[OSError] = []
            insides = [PurePath(name) for name in files_below(argument, closed=closed)]
            problems += [f"{error.filename}: {error.strerror}" for error in closed]
            if not (insides or closed):
                problems.append(f"{argument}: no audio files in it")
        for inside in insides:
            path = argument / inside if is_folder else argument
            found.setdefault(os.path.abspath(path), Recording(path, inside))  # noqa: PTH100
    return list(found.values()), problems


def names_of_outputs(recordings: Sequence[Recording]) -> list[str]:
    """Paths without a suffix for what belongs to each recording; no two are the same.

    A recording's name without its suffix, below the folders that were walked through. Where two
    would be the same, both keep their suffix (``a.wav``, ``a.mp3``); where that is not enough, also
    the folders below the one that all recordings have in common. ``A`` counts as ``a``, as some
    file systems have it.
    """
    paths = [os.path.abspath(one.path) for one in recordings]  # noqa: PTH100
    common = os.path.dirname(os.path.commonpath(paths)) if paths else ""  # noqa: PTH120
    if len(paths) > 1:
        common = os.path.commonpath([os.path.dirname(path) for path in paths])  # noqa: PTH120
    choices = [
        (str(one.inside.with_suffix("")), str(one.inside), os.path.relpath(path, common))
        for one, path in zip(recordings, paths, strict=True)
    ]
    levels = [0] * len(choices)
    while True:
        names = [choice[level] for choice, level in zip(choices, levels, strict=True)]
        counts = Counter(name.casefold() for name in names)
        clashing = [
            number
            for number, name in enumerate(names)
            if counts[name.casefold()] > 1 and levels[number] < 2
        ]
        if not clashing:
            return names
        for number in clashing:
            levels[number] += 1


@dataclass(frozen=True)
class Place:
    """Where output goes: a file for all recordings, a folder with one for each, or stdout.

    Attributes:
        out: the file or folder; ``None``: stdout.
        is_folder: whether ``out`` is a folder, or will be.
    """

    out: Path | None
    is_folder: bool

    @classmethod
    def of(cls, out: str | None) -> "Place":
        """What a user means: ``NAME.SUFFIX`` is a file, unless there is a folder of that name."""
        if out in (None, "-"):
            return cls(None, False)
        path = Path(out)
        is_folder = os.path.isdir(path) or out.endswith("/")  # noqa: PTH112
        is_folder = is_folder or not (path.suffix or os.path.isfile(path))  # noqa: PTH113
        return cls(path, is_folder)

    def paths(self, names: Sequence[str], suffix: str) -> list[Path]:
        """A file a recording: in the folder, else beside the file, else in the current folder."""
        folder = Path() if self.out is None else self.out if self.is_folder else self.out.parent
        return [folder / (name + suffix) for name in names]


def require_free(paths: Sequence[Path], recordings: Sequence[Recording], overwrite: bool) -> None:
    """Refuse to write where something is.

    Raises:
        AtomicVADError: a path is that of a recording, or is there already without ``overwrite``.
    """
    heard = {os.path.realpath(one.path) for one in recordings}
    for path in paths:
        if os.path.realpath(path) in heard:
            raise AtomicVADError(f"{path}: is a recording; expected another output file")
        if os.path.lexists(path) and not overwrite:
            raise AtomicVADError(f"{path}: already exists; --overwrite replaces it")
