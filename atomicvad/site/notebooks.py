"""Executed notebooks as pages of the site: no code, sounds and pictures as files with captions."""

import base64
import hashlib
import html
import io
import re
import struct
from collections.abc import Callable, Collection
from functools import partial
from pathlib import Path
from typing import Any

import nbformat
import soundfile
from nbformat.v4 import new_markdown_cell, new_output

from atomicvad.files import replacing
from atomicvad.report.notebooks import is_on_pages, is_shown

SOUND = re.compile(r'<source\s+src="data:audio/([\w-]+);base64,([^"]+)"[^>]*>')
PICTURE = re.compile(r'src="data:image/png;base64,([^"]+)"')
NOTEBOOK = re.compile(r"[Nn]otebook `\d\d_(\w+)`")
HEADING = re.compile(r"^#{1,4} (.+)$", re.MULTILINE)
SCRIPTS = "\n".join(
    f'<script defer src="_static/{name}"></script>' for name in ("vega.js", "charts.js")
)
SLIDERS = "<p><em>The sliders are in the notebook: <code>make lab</code>.</em></p>"
# From a heading to the caption of its pictures, in Markdown.
Captions = Callable[[str], str]
# From a heading, and the HTML of the picture below it, to the charts that take its place.
Charts = Callable[[str, str], str]


def write_page(
    source: Path,
    target: Path,
    files: Path,
    captions: Captions,
    charts: Charts,
    pages: Collection[str],
) -> None:
    """Write an executed notebook as MyST-NB reads it.

    Args:
        source: the executed notebook.
        target: where the page's notebook goes.
        files: a folder for its sounds and pictures, below the folder of ``target``.
        captions: what stands below a picture.
        charts: what to show in place of a picture, below a heading.
        pages: names of all pages: a notebook that is named becomes a link to its page.
    """
    content = nbformat.read(source, as_version=4)
    content.metadata.pop("widgets", None)
    heading, cells, drawn = "", [], set[str]()
    for cell in filter(is_on_pages, content.cells):
        if cell.cell_type == "markdown":
            found = HEADING.findall(cell.source)
            heading = re.sub(r"[*`_]", "", found[-1]) if found else heading
            cell.source = NOTEBOOK.sub(partial(_page_of, pages), cell.source)
            cells.append(cell)
        elif outputs := _shown(cell.outputs):
            said = _html_of(captions(heading))
            outputs = [_with_files(part, heading, said, files, target.parent) for part in outputs]
            if heading not in drawn and any(
                "text/html" in part.get("data", {}) for part in outputs
            ):
                drawn.add(heading)
                outputs = _with_charts(outputs, heading, said, charts)
            cell.outputs, cell.metadata = outputs, {"tags": ["remove-input"]}
            cells.append(cell)
    if any("data-chart" in str(cell.get("outputs", "")) for cell in cells):
        cells.append(new_markdown_cell(SCRIPTS))
    content.cells = cells
    with replacing(target) as path:
        nbformat.write(content, path)


def _page_of(pages: Collection[str], match: re.Match[str]) -> str:
    """A link with the title of the page as its words; of a notebook without a page, its name."""
    return f"[]({match[1]}.ipynb)" if match[1] in pages else match[0]


def _shown(outputs: list[Any]) -> list[Any]:
    """What of a cell's outputs a page shows: text in one piece, and where its sliders are."""
    found: list[Any] = []
    for output in outputs:
        if str(output.get("data", {}).get("text/plain", "")).startswith("VBox("):
            found.append(_output(SLIDERS))
        elif is_shown(output):
            if found and output.output_type == found[-1].output_type == "stream":
                found[-1].text += output.text
            else:
                found.append(output)
    return found


def _with_charts(outputs: list[Any], heading: str, caption: str, charts: Charts) -> list[Any]:
    """Outputs with the charts of a heading in place of the first picture, or first of all."""
    for output in outputs:
        shown = output.get("data", {}).get("text/html", "")
        if found := re.search(r"<img [^>]*>", shown):
            output["data"]["text/html"] = shown.replace(found[0], charts(heading, found[0]))
            return outputs
    if block := charts(heading, ""):
        return [_figure(block, caption), *outputs]
    return outputs


def _with_files(output: Any, heading: str, caption: str, files: Path, root: Path) -> Any:
    """An output whose sounds (as MP3) and pictures lie beside the page."""
    data = output.get("data", {})
    if "image/png" in data:
        known = output.metadata.get("image/png", {})
        alt = html.escape(known.get("alt", heading))
        width = f' style="width: {known["width"]}px"' if "width" in known else ""
        return _figure(
            f'<img {_picture(data["image/png"], files, root)} alt="{alt}"{width}>', caption
        )
    if "text/html" not in data:
        return output
    shown = SOUND.sub(lambda match: _sound(match[1], match[2], files, root), data["text/html"])
    shown = shown.replace("<audio ", '<audio preload="none" ')
    drawn = PICTURE.sub(lambda match: _picture(match[1], files, root), shown)
    return _figure(drawn, caption) if drawn != shown else _output(shown)


def _figure(content: str, caption: str) -> Any:
    return _output(f"<figure>{content}<figcaption>{caption}</figcaption></figure>")


def _output(content: str) -> Any:
    return new_output("display_data", {"text/html": content})


def _html_of(caption: str) -> str:
    return re.sub("`(.+?)`", r"<code>\1</code>", html.escape(caption))


def _picture(encoded: str, files: Path, root: Path) -> str:
    """Write a picture, which comes as base64; the attributes of an ``img`` that shows it."""
    content = base64.b64decode(encoded)
    path = files / f"{_digest(content)}.png"
    with replacing(path) as temporary:
        temporary.write_bytes(content)
    width, height = struct.unpack(">II", content[16:24])  # of its head; W3C PNG, 11.2.1
    place = path.relative_to(root).as_posix()
    return f'loading="lazy" width="{width}" height="{height}" src="{place}"'


def _sound(kind: str, encoded: str, files: Path, root: Path) -> str:
    """Write a sound, which comes as base64, as MP3; the ``source`` of its player."""
    content = base64.b64decode(encoded)
    path = files / f"{_digest(content)}.mp3"
    if not path.is_file():
        with replacing(path) as temporary:
            if kind == "mpeg":
                temporary.write_bytes(content)
            else:
                samples, rate = soundfile.read(io.BytesIO(content), dtype="float32")
                soundfile.write(temporary, samples, rate, format="MP3")
    return f'<source src="{path.relative_to(root).as_posix()}" type="audio/mpeg">'


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
