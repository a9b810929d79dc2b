"""Executed notebooks as pages of the site: without code, sounds as files, pictures with words."""

import base64
import hashlib
import io
import re
from pathlib import Path
from typing import Any

import nbformat
import soundfile

from atomicvad.files import replacing
from atomicvad.report.notebooks import is_shown

SOUND = re.compile(r'<source\s+src="data:audio/[\w-]+;base64,([^"]+)"[^>]*>')
HEADING = re.compile(r"^#{1,4} (.+)$", re.MULTILINE)


def write_page(source: Path, target: Path, sounds: Path, about: str) -> None:
    """Write an executed notebook as MyST-NB reads it.

    Args:
        source: the executed notebook.
        target: where the page's notebook goes.
        sounds: a folder for its sounds, below the folder of ``target``.
        about: which files and command are behind its pictures; ends every caption.
    """
    content = nbformat.read(source, as_version=4)
    content.metadata.pop("widgets", None)
    heading, cells = "", []
    for cell in content.cells:
        if cell.cell_type == "markdown":
            found = HEADING.findall(cell.source)
            heading = found[-1] if found else heading
            cells.append(cell)
        elif outputs := [part for part in cell.outputs if is_shown(part)]:
            cell.outputs = [_with_files(part, sounds, target.parent) for part in outputs]
            cell.metadata = {"tags": ["remove-input"]} | _caption(cell, heading, about)
            cells.append(cell)
    content.cells = cells
    with replacing(target) as path:
        nbformat.write(content, path)


def _caption(cell: Any, heading: str, about: str) -> dict[str, Any]:
    """The caption and alternative text of a cell's one picture, if it has one."""
    pictures = [part for part in cell.outputs if "image/png" in part.get("data", {})]
    if len(pictures) != 1:
        return {"mystnb": {"image": {"alt": heading}}}
    plain = re.sub(r"[*`_]", "", heading)
    return {"mystnb": {"image": {"alt": plain}, "figure": {"caption": f"{plain}. {about}"}}}


def _with_files(output: Any, sounds: Path, root: Path) -> Any:
    """An output whose sounds lie beside the page, as MP3."""
    html = output.get("data", {}).get("text/html")
    if html and SOUND.search(html):
        output["data"]["text/html"] = SOUND.sub(
            lambda match: _sound(base64.b64decode(match[1]), sounds, root), html
        ).replace("<audio ", '<audio preload="none" ')
    return output


def _sound(content: bytes, sounds: Path, root: Path) -> str:
    name = hashlib.sha256(content).hexdigest()[:16] + ".mp3"
    if not (sounds / name).is_file():
        samples, rate = soundfile.read(io.BytesIO(content), dtype="float32")
        with replacing(sounds / name) as path:
            soundfile.write(path, samples, rate, format="MP3")
    return f'<source src="{(sounds / name).relative_to(root).as_posix()}" type="audio/mpeg">'
