"""The folder of an export: files of a target, README, example, and a window with its result.

The same weights give the same bytes: no dates, versions or paths stand in it.
"""

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np
from scipy.special import expit

from atomicvad.config import Settings
from atomicvad.device.export.contents import Contents, sample_window
from atomicvad.device.export.models import exportable_model
from atomicvad.device.export.targets import TARGETS
from atomicvad.errors import AtomicVADError
from atomicvad.model import flat_weights
from atomicvad.scoring.logits import logit_score
from atomicvad.scoring.named_models import find_model

WINDOW, EXPECTED, README = "window.i16", "expected.json", "README.md"

TEXT = """\
# {title}

AtomicVAD is a voice activity detector of 298 parameters. It takes a window of 0.63 s (10,080
samples at 16 kHz, mono) and returns the probability of speech in it.

{about}
## From windows to decisions

A window is speech if the probability of speech is at least 0.5, that is, if its logit is 0 or
above. A higher threshold gives fewer false alarms and more misses; choose one on recordings of your
own. Along a recording, windows usually begin 1,260 samples (79 ms) apart, and a segment's score is
the median of its windows. Each window is scored independently of earlier ones. (A stream, where
there is one, keeps a state and decides every 10 ms; the median of neighbouring decisions is
steadier, but later.)

## Try it

`{example_name}`, with the other files beside it:

```{language}
{example}```

`{window}` is a window of {samples} samples, little-endian 16-bit integers: two sawtooths that rise
and fade over noise, computed in integers. `{expected}` is the expected result; logits in floating
point agree to within 1e-4, those in integers exactly:

```json
{result}```

## How it was made

It was made by `atomicvad export MODEL --target {target} --out DIR` of the AtomicVAD companion, from
weights with the SHA-256

    {digest}

(the trainable ones in the order of the layers, as little-endian float32). The same weights give the
same bytes. Licence: MIT.
"""


def export(
    names: Sequence[str], target: str, out: Path, settings: Settings
) -> list[tuple[str, Path]]:
    """Write a folder for every model into ``out``, which appears whole or not at all.

    Args:
        names: of models, see ``scoring.named_models.find_model``.
        target: one of ``TARGETS``.
        out: a folder that does not exist yet, or is empty.
        settings: the profile whose seeds ``names`` may name.

    Returns:
        Each model's file and the folder that was made of it.

    Raises:
        AtomicVADError: an unknown target or model, two models of the same name, a model that
            cannot be exported, or a folder with something in it.
    """
    if target not in TARGETS:
        raise AtomicVADError(f"--target: expected {' or '.join(TARGETS)}; got {target!r}")
    found: dict[str, Path] = {}
    out = out.resolve()
    for name in names:
        folder, path = find_model(name, settings)
        if folder in found:
            raise AtomicVADError(
                f"MODEL: {path} and {found[folder]}: both would be written to {out / folder}"
            )
        found[folder] = path
    if not (parent := next(folder for folder in out.parents if folder.exists())).is_dir():
        raise AtomicVADError(f"--out: {parent}: expected a folder, found a file")
    if out.exists() and not (out.is_dir() and not any(out.iterdir())):
        raise AtomicVADError(
            f"--out: {out}: expected a new or empty folder; nothing is overwritten"
        )
    models = {folder: exportable_model(path) for folder, path in found.items()}
    with _replacing_folder(out) as temporary:
        for folder, model in models.items():
            try:
                write_folder(model, target, temporary / folder)
            except AtomicVADError as error:
                raise AtomicVADError(f"{found[folder]}: {error}") from None
    return [(str(path), out / folder) for folder, path in found.items()]


def write_folder(model: keras.Model, target: str, folder: Path) -> None:
    """The files of one model for one target, in the new folder ``folder``.

    Args:
        model: of ``models.exportable_model``.
    """
    folder.mkdir()
    contents = TARGETS[target](model, folder)
    window = sample_window()
    (folder / WINDOW).write_bytes(window.astype("<i2").tobytes())
    result = json.dumps(contents.expected or expected_result(model, window), indent=2) + "\n"
    (folder / EXPECTED).write_text(result, encoding="utf-8")
    for name, text in contents.examples.items():
        (folder / name).write_text(text, encoding="utf-8")
    readme = _readme(contents, target, result, model)
    (folder / README).write_text(readme, encoding="utf-8")


def expected_result(model: keras.Model, window: np.ndarray) -> dict[str, float]:
    """Probability and logit of speech of one window, int16 ``[samples]``, by our own scoring."""
    logit = logit_score(model)(window[np.newaxis].astype(np.float32) / np.float32(32768))[0, 0]
    return {"logit": round(float(logit), 5), "probability": round(float(expit(logit)), 6)}


def _readme(contents: Contents, target: str, result: str, model: keras.Model) -> str:
    name, example = next(iter(contents.examples.items()))
    weights = flat_weights(model.layers[2]).astype("<f4")
    return TEXT.format(
        title=contents.title,
        about=contents.about,
        example_name=name,
        language={".py": "python", ".c": "c", ".js": "js", ".mjs": "js"}.get(Path(name).suffix, ""),
        example=example,
        window=WINDOW,
        samples=f"{model.input_shape[1]:,}",
        expected=EXPECTED,
        result=result,
        target=target,
        digest=hashlib.sha256(weights.tobytes()).hexdigest(),
    )


@contextmanager
def _replacing_folder(path: Path) -> Iterator[Path]:
    """Yield a new folder beside ``path``; move it into place, or remove it on any failure."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{uuid.uuid4().hex[:8]}-{path.name}")
    temporary.mkdir()
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
