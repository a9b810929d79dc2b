"""A seed has the same bytes whatever the processor's wider instructions and the libraries' choice.

A tiny profile with every augmentation is trained and scored in processes of its own: as it is, with
AVX-512 hidden, with the libraries' choice narrowed, and in an emulated processor of another maker.
"""

import os
import shutil
from pathlib import Path

import pytest
import yaml
from conftest import TINY
from processes import Checkout, assert_same_run

from atomicvad import arithmetic
from atomicvad.files import project_root

PROFILE = TINY | {
    "seeds": [1],
    "waveform": {
        "speech_speed": [0.85, 1.2],
        "background_speed": [0.6, 1.7],
        "mix_probability": 0.7,
        "level_db": [-50, -15],
        "filter_probability": 0.4,
    },
    "training": TINY["training"] | {"epochs": 2, "trials": [2]},
}
TRAIN = """
from atomicvad.config import load_profile
from atomicvad.runs.seed import run_seed
from atomicvad.arithmetic import arithmetic
run_seed(load_profile("processors"), 1)
print("arithmetic:", arithmetic())
"""
AVX512 = ("AVX512F", "AVX512CD", "AVX512BW", "AVX512DQ", "AVX512VL")
EMULATOR = project_root() / ".venv" / "emulator" / "run"

pytestmark = pytest.mark.skipif(
    not arithmetic.can_be_pinned(), reason="this is no x86-64 processor with AVX2"
)


@pytest.fixture(scope="module")
def natively(checkout: Checkout, tmp_path_factory) -> Checkout:
    """The profile as it is trained here."""
    (checkout.folder / "profiles" / "processors.yaml").write_text(yaml.safe_dump(PROFILE))
    shutil.copytree(checkout.folder / "data" / "tiny", checkout.folder / "data" / "processors")
    trained = checkout.copy(tmp_path_factory.mktemp("natively") / "checkout")
    assert "arithmetic: x86-64-v3" in train(trained)
    return trained


def train(checkout: Checkout, *before: str | Path, **environment: str) -> str:
    """Train the profile in a process of its own; return what it prints."""
    return checkout.run(TRAIN, *before, environment=checkout.environment | environment)


def assert_same_bytes(found: Checkout, expected: Checkout) -> None:
    folders = [checkout.run_folder(1, "processors") for checkout in (found, expected)]
    assert_same_run(*folders)
    assert (folders[0] / "testing.csv").read_bytes() == (folders[1] / "testing.csv").read_bytes()


CHOICES = {
    # No AVX-512, and NumPy's oldest loops; then those for the newest processors, whatever this has.
    "narrowed": {
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=" + ",".join(f"-{name}" for name in AVX512),
        "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",
        "OPENBLAS_CORETYPE": "Prescott",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
    },
    "widest": {
        "NPY_DISABLE_CPU_FEATURES": "",
        "OPENBLAS_CORETYPE": "",
        "ONEDNN_MAX_CPU_ISA": "ALL",
    },
}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("environment", CHOICES.values(), ids=CHOICES)
def test_what_libraries_choose_changes_no_byte(natively, tmp_path, environment):
    trained = natively.copy(tmp_path / "checkout")
    train(trained, **environment)
    assert_same_bytes(trained, natively)


@pytest.mark.timeout(1800)
def test_another_makers_processor_changes_no_byte(natively, tmp_path):
    """TensorFlow's softmax and gradients of logarithms begin with an approximation of each maker's.

    QEMU computes it in its own way as well, so what uses it shows here.
    """
    if not EMULATOR.is_file():
        pytest.skip("no emulator: tools/emulator.py could not fetch it")
    trained = natively.copy(tmp_path / "checkout")
    train(trained, EMULATOR)
    assert_same_bytes(trained, natively)


def test_the_variables_are_set_and_others_choices_kept(monkeypatch):
    assert {name: os.environ.get(name) for name in arithmetic.PINS} == arithmetic.PINS
    assert arithmetic.arithmetic() == "x86-64-v3"
    environment = {"OPENBLAS_CORETYPE": "Zen"}
    arithmetic.pin(environment)
    assert environment == arithmetic.PINS | {"OPENBLAS_CORETYPE": "Zen"}
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Zen")
    assert arithmetic.arithmetic() == "native"


def test_a_processor_without_the_instructions_is_left_alone(monkeypatch):
    monkeypatch.setattr(arithmetic, "_processor_facts", lambda: {"flags": "fpu sse2"})
    environment: dict[str, str] = {}
    arithmetic.pin(environment)
    assert environment == {} and arithmetic.arithmetic() == "native"


def test_the_processor_has_a_name():
    assert len(arithmetic.processor()) > 2
