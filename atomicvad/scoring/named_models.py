"""Which model is meant by a name on the command line, and whether it is the paper's."""

import json
import re
import zipfile
from pathlib import Path
from typing import Any

import keras

from atomicvad.config import Settings
from atomicvad.errors import AtomicVADError
from atomicvad.files import WEIGHTS
from atomicvad.model import load_model
from atomicvad.scoring.released_checkpoints import FOLDER, released_checkpoints

RELEASED = re.compile(r"released-(\d+)")
# What arrays do not show: the same weights would mean something else.
SETTINGS = (
    *("spec_type", "sample_rate", "mel_bins", "coefficients", "fft_length", "frame_length"),
    *("hop_length", "floor_db", "pool_size", "epsilon", "batch_shape"),
)


def find_model(name: str, settings: Settings) -> tuple[str, Path]:
    """The name of a folder for a model, and its ``.keras`` file.

    Args:
        name: a path to a ``.keras`` file; a seed of the profile, whose committed weights are meant;
            or ``released-0`` … for a checkpoint in ``$ATOMICVAD_PUBLISHED``.
        settings: of the profile.

    Raises:
        AtomicVADError: none of these.
    """
    if name.endswith(".keras"):
        path = Path(name)
        of_run = path.resolve().parent.name if path.name == WEIGHTS else ""
        return of_run or path.stem, path
    if name.isdecimal():
        path = settings.reference.run_folder(int(name)) / WEIGHTS
        return path.parent.name, path
    if match := RELEASED.fullmatch(name):
        paths = released_checkpoints()
        if int(match[1]) < len(paths):
            return name, paths[int(match[1])]
        raise AtomicVADError(
            f"MODEL: {name}: expected a number below {len(paths)}, of the checkpoints in {FOLDER}"
            if paths
            else f"MODEL: {name}: set {FOLDER} to the folder of the released checkpoints"
        )
    raise AtomicVADError(
        f"MODEL: expected a .keras file, a seed or released-0, released-1 …; got {name!r}"
    )


def paper_model(path: Path) -> keras.Model:
    """The detector of a ``.keras`` file, of the paper's architecture with its settings.

    Raises:
        AtomicVADError: no such file, another architecture, other settings of it, or weights that
            are no numbers.
    """
    model = load_model(path)
    _check_settings(path, model)
    return model


def _check_settings(path: Path, model: keras.Model) -> None:
    with zipfile.ZipFile(path) as archive:
        found = _settings_in(json.loads(archive.read("config.json"))["config"]["layers"])
    for name, expected in _settings_in(model.get_config()["layers"]).items():
        if json.dumps(found.get(name, expected)) != json.dumps(expected):  # lists or tuples
            raise AtomicVADError(
                f"{path}: another architecture: {name}: expected {expected}, got {found[name]}"
            )


def _settings_in(config: Any) -> dict[str, list[Any]]:
    """All values of ``SETTINGS`` in a nested configuration, in its order."""
    found: dict[str, list[Any]] = {}

    def visit(node: Any) -> None:
        if isinstance(node, list):
            for item in node:
                visit(item)
        elif isinstance(node, dict):
            for key, value in node.items():
                if key in SETTINGS and value is not None:
                    found.setdefault(key, []).append(value)
                else:
                    visit(value)

    visit(config)
    # That of the window alone: within the model there may be inputs of parts, or none.
    found["batch_shape"] = found.get("batch_shape", [])[:1]
    return found
