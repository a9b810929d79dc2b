"""The detector for browsers and Node: WebAssembly from the same C, without Emscripten."""

import shutil
import subprocess
import tempfile
from pathlib import Path

import keras
import numpy as np

from atomicvad.device.emulate.sources import WARNINGS, source_in
from atomicvad.device.emulate.toolchain import find
from atomicvad.device.export.c import CORE, LOGITS, expected_logit, write_sources
from atomicvad.device.export.contents import Contents
from atomicvad.device.integer.weights import integer_weights
from atomicvad.errors import AtomicVADError
from atomicvad.files import replacing

MODULE = "atomicvad.wasm"
FILES = Path(__file__).with_name("wasm_files")
SCRIPTS = ("atomicvad.mjs", "example.mjs")
STACK = 1024  # bytes; the detector needs a third of it
# Small: calls instead of copies of functions, and instructions that extend a sign.
SMALL = ("-Oz", "-msign-ext", "-mllvm", "-inline-threshold=-50")
LINKED_SMALL = ("--strip-all", "--compress-relocations", "-O2")
# Fast: vectors of 16 bytes, which browsers have had since 2021, Safari since 2023.
FAST = ("-O2", "-msign-ext", "-msimd128")
SEVERAL_STACK = 8192
ABOUT = """\
| file | what |
|---|---|
| `atomicvad.wasm` | a window, or a stream with a decision every 10 ms |
| `atomicvad.mjs` | loads it: `load(bytes)` gives `window(samples)`, `push(hop)` and `start()` |
| `example.mjs` | `node example.mjs RECORDING [window]`: logits of raw 16-bit samples |

"""
EXAMPLE = """\
import { readFileSync } from "node:fs";
import { load } from "./atomicvad.mjs";
const detector = await load(readFileSync(new URL("atomicvad.wasm", import.meta.url)));
const samples = new Int16Array(new Uint8Array(readFileSync("window.i16")).buffer);
console.log(detector.window(samples));
"""


def write_wasm(sources: Path, path: Path) -> None:
    """Compile the detector, both forms, to a WebAssembly module.

    The module imports nothing and exports its ``memory`` and the functions ``samples`` (where
    10,080 int16 go), ``window``, ``start`` and ``push``. The same sources and compiler give the
    same bytes.

    Args:
        sources: a folder with ``atomicvad.c``, its headers, and the weights.
        path: the file to write.

    Raises:
        AtomicVADError: the sources do not compile, or no clang with wasm-ld.
    """
    detector = source_in(sources)
    tools = find("wasm32")
    flags = ("--target=wasm32", *SMALL, *WARNINGS, "-ffreestanding", "-mbulk-memory")
    with tempfile.TemporaryDirectory() as name:
        objects = []
        for source in (detector, FILES / "module.c"):
            objects.append(Path(name) / f"{source.stem}.o")
            tools.run("clang", *flags, "-I", detector.parent, "-c", source, "-o", objects[-1])
        layout = ("--no-entry", "--stack-first", "-z", f"stack-size={STACK}")
        with replacing(path) as temporary:
            tools.run("wasm-ld", *layout, *LINKED_SMALL, *objects, "-o", temporary)
            temporary.chmod(0o644)


def write_several(path: Path) -> None:
    """Compile a stream of up to ten models to a WebAssembly module; callers set their weights.

    The module is made for speed. What it exports stands in ``wasm_files/several.c``.

    Raises:
        AtomicVADError: it does not compile, or no clang with wasm-ld.
    """
    tools = find("wasm32")
    strict = ("-std=gnu11", "-Wall", "-Wextra", "-Werror", "-ffreestanding", "-mbulk-memory")
    folders = ("-I", CORE, "-I", CORE / "runtime")
    layout = ("--no-entry", "--stack-first", "-z", f"stack-size={SEVERAL_STACK}")
    with tempfile.TemporaryDirectory() as name:
        compiled = Path(name) / "several.o"
        source = FILES / "several.c"
        flags = ("--target=wasm32", *FAST, *strict, *folders)
        tools.run("clang", *flags, "-c", source, "-o", compiled)
        with replacing(path) as temporary:
            tools.run("wasm-ld", *layout, *LINKED_SMALL, compiled, "-o", temporary)
            temporary.chmod(0o644)


def write_wasm_folder(sources: Path, folder: Path) -> None:
    """Write the module, and beside it the JavaScript that loads it and an example.

    Raises:
        AtomicVADError: as ``write_wasm``.
    """
    write_wasm(sources, folder / MODULE)
    for name in SCRIPTS:
        with replacing(folder / name) as temporary:
            shutil.copyfile(FILES / name, temporary)


def write_wasm_target(model: keras.Model, folder: Path) -> Contents:
    """Write the module of a model, the JavaScript that loads it, and an example.

    Raises:
        AtomicVADError: as ``write_wasm``, or weights that the integer detector cannot hold.
    """
    weights = integer_weights(model.get_weights())
    with tempfile.TemporaryDirectory() as name:
        write_sources(weights, Path(name))
        write_wasm_folder(Path(name), folder)
    return Contents(
        "AtomicVAD for browsers and Node",
        f"{ABOUT}{LOGITS}\n\n",
        {"try.mjs": EXAMPLE},
        expected_logit(weights),
    )


def run_wasm(folder: Path, form: str, samples: np.ndarray) -> np.ndarray:
    """Run a folder's example in Node.

    Args:
        folder: what ``write_wasm_folder`` wrote.
        form: ``window`` or ``stream``.
        samples: int16 ``(n, 10080)`` or ``(n, 160)``.

    Returns:
        int16 ``(n,)``: logits in 1/256.

    Raises:
        AtomicVADError: no Node, or the example failed.
    """
    if not (node := shutil.which("node")):
        raise AtomicVADError(
            "node, which runs WebAssembly, is not installed; install the package nodejs"
        )
    with tempfile.TemporaryDirectory() as name:
        recording = Path(name) / "samples.raw"
        recording.write_bytes(np.ascontiguousarray(samples, "<i2").tobytes())
        command = [node, str(folder / "example.mjs"), str(recording), form]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        found = next((line for line in done.stderr.splitlines() if "rror" in line), "?")
        raise AtomicVADError(f"{folder}/example.mjs: {found}")
    return np.array(done.stdout.split(), np.int16)
