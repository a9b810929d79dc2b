"""The detector's C gives the same outputs on every core, and what it costs there is measured.

Compilers and emulators come from the system, or out of Debian's packages; a test skips where they
cannot be had.
"""

import os
import shutil
import subprocess
import tomllib
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from atomicvad.device.emulate import toolchain
from atomicvad.device.emulate.build import FORMS, build
from atomicvad.device.emulate.cores import CORES
from atomicvad.device.emulate.host import HostDetector, run_sanitized
from atomicvad.device.emulate.measure import measure, run
from atomicvad.device.emulate.qemu_run import BOARDS, run_qemu
from atomicvad.device.emulate.run import is_armv6m
from atomicvad.device.emulate.signals import stream_signals, window_signals
from atomicvad.device.export.firmware import write_firmware
from atomicvad.device.export.wasm import MODULE, run_wasm, write_wasm, write_wasm_folder
from atomicvad.errors import AtomicVADError
from atomicvad.files import DEVICE, DEVICE_FUNCTIONS, WEIGHTS, project_root
from atomicvad.runs.device import measure_device

pytest.importorskip("elftools", reason="the extra `device` is not installed")
pytest.importorskip("unicorn", reason="the extra `device` is not installed")

SIGNALS = {"window": window_signals(), "stream": stream_signals()}
CASES = [(core, form) for core in CORES for form in FORMS]


@pytest.fixture(scope="module")
def sources() -> Path:
    """A small program with the detector's interface."""
    return Path(__file__).with_name("stand_in")


@pytest.fixture(scope="module")
def host(sources, tmp_path_factory) -> dict[str, np.ndarray]:
    """What each form gives on this computer."""
    needs("cc")
    detector = HostDetector(sources, tmp_path_factory.mktemp("host"))
    return {
        "window": detector.windows(SIGNALS["window"]),
        "stream": detector.stream(SIGNALS["stream"]),
    }


@cache
def missing(name: str) -> str:
    """Why a compiler or an emulator cannot be had; empty where it can."""
    try:
        toolchain.host_compiler() if name == "cc" else toolchain.find(name)
    except AtomicVADError as error:
        return str(error)
    return ""


def needs(*names: str) -> None:
    """Skip a test whose compilers or emulators cannot be had."""
    for name in names:
        if reason := missing(name):
            pytest.skip(reason)


def built(sources: Path, core: str, form: str, folder: Path):
    needs(CORES[core].target)
    return build(sources, CORES[core], form, folder)


def changed(sources: Path, folder: Path, old: str, new: str) -> Path:
    """A copy of the sources with other code in it."""
    shutil.copytree(sources, folder)
    path = folder / "atomicvad.c"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return folder


@pytest.mark.parametrize(("core", "form"), CASES)
def test_a_core_gives_the_hosts_outputs(core, form, sources, host, tmp_path):
    if core == "cortex-m55":
        needs("qemu", "cc")
    program = built(sources, core, form, tmp_path)
    first, second = (run(program, SIGNALS[form]) for _ in range(2))
    assert first.outputs.dtype == np.int16
    np.testing.assert_array_equal(first.outputs, host[form])
    np.testing.assert_array_equal(first.instructions, second.instructions)
    assert first.instructions.min() > 1000 and len(first.instructions) == len(SIGNALS[form])
    assert sum(first.by_function.values()) == first.instructions.sum()
    assert "" not in first.by_function and first.by_function["mix"] > 0  # which is inlined
    assert first.stack == second.stack and first.stack % 4 == 0


@pytest.mark.parametrize("form", FORMS)
def test_without_instructions_for_signal_processing(form, sources, host, tmp_path):
    needs("arm-none-eabi")
    options = ("-DAVAD_NO_DSP",)
    program = build(sources, CORES["cortex-m4"], form, tmp_path, options=options)
    np.testing.assert_array_equal(run(program, SIGNALS[form]).outputs, host[form])


@pytest.mark.parametrize(("core", "form"), [("cortex-m0plus", "stream"), ("cortex-m4", "window")])
def test_two_emulators_count_the_same(core, form, sources, tmp_path):
    needs("qemu", "cc")
    program = built(sources, core, form, tmp_path)
    ours, other = run(program, SIGNALS[form]), run_qemu(program, SIGNALS[form].tobytes())
    np.testing.assert_array_equal(ours.outputs, other.outputs)
    np.testing.assert_array_equal(ours.instructions, other.instructions)
    assert (ours.stack, ours.by_function) == (other.stack, other.by_function)


def test_instructions_of_a_higher_core_stop_a_lower_one(sources, tmp_path):
    """So what runs as a Cortex-M0+ has none of Cortex-M4's."""
    program = built(sources, "cortex-m4", "stream", tmp_path)
    with pytest.raises(AtomicVADError, match=r"Cortex-M0\+: no instruction of this core, at"):
        run(replace(program, core=CORES["cortex-m0plus"]), SIGNALS["stream"])


def test_memory_is_what_the_code_says(sources, tmp_path):
    before = built(sources, "cortex-m4", "stream", tmp_path / "before")
    other = changed(sources, tmp_path / "sources", "kept[16]", "kept[116]")
    table = other / "atomicvad_tables.h"
    table.write_text(table.read_text().replace("table[257]", "table[457]"))
    after = built(other, "cortex-m4", "stream", tmp_path / "after")
    assert before.state == 1500 * 4 + 4
    assert after.flash - before.flash in range(380, 420)  # 200 numbers more, of 16 bits
    stacks = [run(program, SIGNALS["stream"]).stack for program in (before, after)]
    assert stacks[1] - stacks[0] in range(390, 417)  # 100 numbers more, of 32 bits


def test_nothing_comes_from_a_library(sources, tmp_path):
    other = changed(sources, tmp_path / "sources", "product >> 4", "product / (x | 1)")
    with pytest.raises(AtomicVADError, match=r"Cortex-M0\+ needs __aeabi_idiv: expected no"):
        built(other, "cortex-m0plus", "window", tmp_path / "build")


def test_a_warning_of_the_compiler_is_an_error(sources, tmp_path):
    other = changed(
        sources, tmp_path / "sources", "int32_t sum = 1;", "int16_t sum = samples[0] * 2;"
    )
    with pytest.raises(AtomicVADError, match=r"gcc: .*atomicvad\.c:.*Werror=conversion"):
        built(other, "cortex-m4", "window", tmp_path / "build")


@pytest.mark.parametrize("form", FORMS)
def test_sanitizers_find_nothing(form, sources, host, tmp_path):
    found = run_sanitized(sources, tmp_path, form, SIGNALS[form])
    np.testing.assert_array_equal(found, host[form])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "(int32_t)((uint32_t)sum * 31u + (uint32_t)(product >> 4) + (uint32_t)x)",
            "sum * 31 + (product >> 4) + x",
            "signed integer overflow",
        ),
        ("samples[4 * i]", "samples[5 * i]", "global-buffer-overflow"),
    ],
)
def test_sanitizers_find_what_is_wrong(old, new, message, sources, tmp_path):
    needs("cc")
    other = changed(sources, tmp_path / "sources", old, new)
    with pytest.raises(AtomicVADError, match=message):
        run_sanitized(other, tmp_path, "window", SIGNALS["window"])


def test_instructions_of_armv6m():
    """From the manuals' encodings: bl, adds; then add.w, cbz, it; a nop is no it."""
    assert is_armv6m((0xF000, 0xF800)) and is_armv6m((0x1840, 0)) and is_armv6m((0xBF00, 0))
    assert not any(map(is_armv6m, [(0xEB00, 0x0001), (0xB100, 0), (0xBF08, 0), (0xF000, 0x8000)]))


@pytest.mark.parametrize("form", FORMS)
def test_webassembly_gives_the_hosts_outputs(form, sources, host, tmp_path):
    needs("wasm32")
    if not shutil.which("node"):
        pytest.skip("no node here")
    write_wasm_folder(sources, tmp_path)
    np.testing.assert_array_equal(run_wasm(tmp_path, form, SIGNALS[form]), host[form])


def test_webassembly_has_the_same_bytes_again(sources, tmp_path):
    needs("wasm32")
    paths = [tmp_path / "a" / MODULE, tmp_path / "b" / MODULE]
    for path in paths:
        write_wasm(sources, path)
    first, second = (path.read_bytes() for path in paths)
    assert first == second and first.startswith(b"\0asm") and len(first) <= 14_000


def test_the_folder_for_firmware_is_whole(sources, tmp_path):
    write_firmware(sources, tmp_path)
    names = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert {"library.properties", "zephyr/module.yml", "idf_component.yml"} <= names
    assert {"src/atomicvad.c", "src/atomicvad_weights.h", "bare_metal/main.c"} <= names
    version = tomllib.loads((project_root() / "pyproject.toml").read_text())["project"]["version"]
    assert f"version={version}\n" in (tmp_path / "library.properties").read_text()
    assert f'version: "{version}"\n' in (tmp_path / "idf_component.yml").read_text()


@pytest.mark.parametrize("board", ["microbit", "mps2-an386", "mps3-an547"])
def test_its_makefile_runs_a_board(board, sources, host, tmp_path):
    needs("arm-none-eabi", "qemu")
    if not shutil.which("make"):
        pytest.skip("no make here")
    write_firmware(sources, tmp_path)
    folder = tmp_path / "bare_metal"
    (folder / "samples.raw").write_bytes(SIGNALS["stream"].tobytes())
    kits = [toolchain.find(name) for name in ("arm-none-eabi", "qemu")]
    programs = [Path(path).parent for kit in kits for path in kit.programs.values()]
    environment = {
        "PATH": os.pathsep.join([*map(str, programs), os.environ["PATH"]]),
        "LD_LIBRARY_PATH": os.pathsep.join(kit.libraries for kit in kits if kit.libraries),
    }
    command = ["make", "--silent", "run", f"BOARD={board}"]
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    *logits, stack = done.stdout.split("\n")[:-1]
    assert [int(line) for line in logits] == host["stream"].tolist() and stack.startswith("stack ")


def test_a_missing_compiler_is_one_line(monkeypatch, tmp_path):
    def no_network(_packages):
        raise AtomicVADError("cannot be fetched: is there a network?")

    monkeypatch.setattr(toolchain.shutil, "which", lambda _name: None)
    monkeypatch.setattr(toolchain, "fetch", no_network)
    monkeypatch.setenv("ATOMICVAD_CACHE", str(tmp_path))
    for name, package in {"wasm32": "clang lld", "arm-none-eabi": "gcc-arm-none-eabi"}.items():
        with pytest.raises(AtomicVADError, match=f"^{name}: .* not found.*; install .*{package}"):
            toolchain.find(name)
    with pytest.raises(AtomicVADError, match="no C compiler found"):
        toolchain.host_compiler()


def test_sources_that_are_not_there(tmp_path):
    with pytest.raises(AtomicVADError, match=r"expected atomicvad\.c with its headers"):
        build(tmp_path, CORES["cortex-m4"], "stream", tmp_path)


def test_costs_follow_from_what_is_counted(sources):
    needs("arm-none-eabi")
    core = CORES["cortex-m0plus"]
    measured = measure(sources, SIGNALS["window"][:2], SIGNALS["stream"][:40], [core])
    for _, row in measured.costs.iterrows():
        assert row["ram"] == row["state"] + row["stack"] and row["most_instructions"] > 0
        assert row["cycles_high"] == pytest.approx(1.3 * row["instructions"], rel=1e-3)
        assert row["milliseconds_low"] == pytest.approx(row["cycles_low"] / 48e3, rel=1e-3)
        energy = row["cycles_low"] * 53e-6 / 1e6 * 3.0  # A/MHz = A s a megacycle
        assert row["microjoules_low"] == pytest.approx(energy * 1e6, rel=1e-3)
    shares = measured.functions.groupby("form")["share"].sum()
    assert shares.to_numpy() == pytest.approx([1, 1])


def test_the_tables_of_a_run(tiny):
    needs("cc", "arm-none-eabi", "riscv64-unknown-elf", "qemu")
    path = project_root() / "results" / "open" / "seed-43185" / WEIGHTS
    measured = measure_device(tiny, str(path))
    costs = pd.read_csv(tiny.results_folder / DEVICE)
    assert len(costs) == len(CASES) and set(costs["core"]) == {c.title for c in CORES.values()}
    assert set(pd.read_csv(tiny.results_folder / DEVICE_FUNCTIONS)["form"]) == set(FORMS)
    assert measured.outputs.keys() == set(CASES)


def test_boards_are_for_cores():
    assert BOARDS.keys() == {name for name, core in CORES.items() if not core.riscv}
