"""The detector in a page: files for any web site, which also work from a folder.

The scripts are classic ones: browsers load no modules from a folder, and start no workers from one,
so that the worker, the audio thread's part, WebAssembly and the weights lie in the one script as
text. Nothing is fetched after it but the example, a script too.
"""

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from atomicvad.audio.signal import SAMPLE_RATE
from atomicvad.detection.defaults import defaults
from atomicvad.detection.detect import waveforms
from atomicvad.detection.detector import SpeechDetector
from atomicvad.detection.example import example
from atomicvad.detection.models import ENSEMBLE, find_model, seeds
from atomicvad.device.core.values import packed
from atomicvad.device.engine import LEAD
from atomicvad.device.integer.detector import WARM_UP
from atomicvad.files import replacing
from atomicvad.site.units import learned_units

FILES = Path(__file__).with_name("try_it_files")
MODULE = FILES / "several.wasm"  # tools/try_it.py makes it
SCRIPT, STYLE, PAGE = "try_it.js", "try_it.css", "index.html"
RECORDER = "recorder.js"
WORKER = ("core.js", "scorer.js", "resampler.js", "worker.js")
MAIN = (
    *("core.js", "segmenter.js", "detector.js", "wave.js", "sources.js", "drawing.js"),
    *("unit.js", "view.js", "page.js"),
)
WHOLE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>AtomicVAD: try it</title>
<link rel="icon" href="data:,">
<style>
:root {{ color-scheme: light dark; }}
body {{ margin: 0 auto; padding: 0.5rem; max-width: 61rem; font-family: system-ui, sans-serif; }}
</style>
</head>
<body>
<main>
<h1>AtomicVAD</h1>
{block}</main>
</body>
</html>
"""


def write_try_it(folder: Path) -> None:
    """Write script, style and example for ``block``, and a page of them alone, ``index.html``.

    The detector is what ``atomicvad.detect`` uses by default: ten seeds, every 10 ms.

    Args:
        folder: for these files; made if need be.
    """
    for name, content in {
        SCRIPT: script(),
        STYLE: _read(STYLE),
        PAGE: WHOLE.format(block=block(".")),
        "example-ogg.js": _example_script(example().read_bytes()),
        "example-mp3.js": _example_script(_mp3(example())),
    }.items():
        with replacing(folder / name) as temporary:
            temporary.write_text(content, encoding="utf-8")


def block(base: str) -> str:
    """The HTML that a page includes.

    Args:
        base: where the files of ``write_try_it`` lie, as the page addresses them.
    """
    return _read("try_it.html").replace("BASE/", f"{base}/")


def script() -> str:
    """All scripts as one, with what they need."""
    assets = {
        "module": _base64(MODULE.read_bytes()),
        "weights": _base64(b"".join(map(packed, find_model(ENSEMBLE).integers()))),
        "worker": _joined(WORKER),
        "recorder": _joined((RECORDER,)),
        "options": options(),
        "units": learned_units(),
    }
    return (
        '(() => {\n"use strict";\n'
        f"const assets = {json.dumps(assets)};\n"
        "assets.address = document.currentScript.src;\n"
        f"{_joined(MAIN)}}})();\n"
    )


def options() -> dict[str, Any]:
    """What the detector of the page is set to: the defaults of a stream."""
    chosen = dict(defaults()["steps"]["10ms"])
    threshold = chosen.pop("thresholds")[ENSEMBLE]
    return {
        "seeds": seeds(),
        "smoothing": chosen.pop("smoothing"),
        "lead": LEAD,
        "waiting": WARM_UP - LEAD,
        "delay": SpeechDetector(model=ENSEMBLE).delay,
        "rules": chosen | {"threshold": threshold},
    }


def _read(name: str) -> str:
    return (FILES / name).read_text(encoding="utf-8")


def _joined(names: tuple[str, ...]) -> str:
    return "".join(map(_read, names))


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _example_script(content: bytes) -> str:
    return f'globalThis.atomicvadExample = "{_base64(content)}";\n'


def _mp3(path: Path) -> bytes:
    """A recording as MP3, for browsers that do not decode Ogg Vorbis."""
    waveform = np.concatenate(list(waveforms(path, None, None)))
    file = io.BytesIO()
    soundfile.write(file, waveform, SAMPLE_RATE, format="MP3")
    return file.getvalue()
