"""The compiled detector and NumPy: the same bits, however samples are divided."""

import sys
import sysconfig
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_loader

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atomicvad.audio.signal import to_int16
from atomicvad.corpora.generated import generate
from atomicvad.detection.models import find_model, seeds
from atomicvad.device import engine
from atomicvad.device.core import values
from atomicvad.device.core.headers import TABLES, tables_header
from atomicvad.device.emulate.toolchain import host_compiler
from atomicvad.device.engine import LEAD, Engine
from atomicvad.device.export.c import CORE
from atomicvad.device.integer.detector import NOT_READY, WARM_UP, pushed_logits, window_logits
from atomicvad.device.integer.tables import HOP, WINDOW

MODELS = find_model("ensemble").integers()


def signal(seconds: float = 6) -> np.ndarray:
    """Speech, noise, digital silence and full scale, one after another."""
    kinds = [("speech", 0.3), ("pink", 0.01), ("speech", 3.0)]
    parts = [
        level * generate(kind, (3, number), seconds=seconds / 4)
        for number, (kind, level) in enumerate(kinds)
    ]
    loud = np.random.default_rng(1).choice([-1.0, 1.0], int(4000 * seconds))
    return to_int16(np.concatenate([*parts, np.zeros(3000), loud]))


def test_it_is_compiled_here():
    """Where the tests run there is a compiler; else the others would compare NumPy with itself."""
    assert engine.is_compiled()


def test_windows_are_the_specification():
    samples = signal()
    compiled, plain = Engine(MODELS, True), Engine(MODELS, False)
    found = compiled.windows(samples, 1260)
    np.testing.assert_array_equal(found, plain.windows(samples, 1260))
    windows = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::1260]
    np.testing.assert_array_equal(found[:, 3], window_logits(windows, MODELS[3]))
    assert found.shape == (len(windows), 10) and np.ptp(found) > 100


def test_streams_are_the_specification():
    samples = signal()
    samples = samples[: len(samples) // HOP * HOP]
    found = Engine(MODELS, True).stream().push(samples)
    np.testing.assert_array_equal(found, Engine(MODELS, False).stream().push(samples))
    for number in (0, 9):
        expected = pushed_logits(samples.reshape(-1, HOP), MODELS[number])
        np.testing.assert_array_equal(found[:, number], expected)
    assert (found[:WARM_UP] == NOT_READY).all() and (found[WARM_UP:] != NOT_READY).all()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems link modules in other ways")
def test_compilers_without_vectors_give_the_same_bits(tmp_path, monkeypatch):
    """The FFT then takes one frame at a time, instead of one in each lane."""
    samples = signal(3)
    samples = samples[: len(samples) // HOP * HOP]
    usual = Engine(MODELS[:2], True)
    expected = usual.windows(samples, 630), usual.stream().push(samples)
    library = tmp_path / "_compiled.so"
    options = ("-O1", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", "-DAVAD_NO_LANES")
    folders = ("-I", sysconfig.get_path("include"), "-I", CORE / "runtime")
    host_compiler().run("cc", *options, *folders, CORE / "python.c", "-o", library)
    loader = ExtensionFileLoader("_compiled", str(library))
    module = module_from_spec(spec_from_loader("_compiled", loader))
    loader.exec_module(module)
    monkeypatch.setattr(engine, "_compiled", module)
    other = Engine(MODELS[:2], True)
    np.testing.assert_array_equal(other.windows(samples, 630), expected[0])
    np.testing.assert_array_equal(other.stream().push(samples), expected[1])


@pytest.mark.parametrize("compiled", [True, False])
@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 90), min_size=1, max_size=8))
def test_a_stream_is_the_same_in_pieces(compiled, hops):
    samples = signal(3)[: sum(hops) * HOP]
    hops = [h for h in hops if sum(hops) * HOP <= len(samples)] or [0]
    samples = samples[: sum(hops) * HOP]
    whole = Engine(MODELS[:2], compiled).stream().push(samples)
    stream, at, parts = Engine(MODELS[:2], compiled).stream(), 0, []
    for count in hops:
        parts.append(stream.push(samples[at : at + count * HOP]))
        at += count * HOP
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_two_streams_at_once_do_not_meet():
    """Weights are chosen for each call, and memory belongs to its stream."""
    samples = signal(3)[: 120 * HOP]
    alone = [Engine([model]).stream().push(samples) for model in MODELS[:2]]
    streams = [Engine([model]).stream() for model in MODELS[:2]]
    found = [[], []]
    for at in range(0, len(samples), HOP):
        for number, stream in enumerate(streams):
            found[number].append(stream.push(samples[at : at + HOP]))
    for parts, expected in zip(found, alone, strict=True):
        np.testing.assert_array_equal(np.concatenate(parts), expected)


def test_weights_are_laid_out_as_the_core_reads_them():
    assert len(values.packed(MODELS[0])) == engine._compiled.WEIGHTS_BYTES


@pytest.mark.parametrize(
    "arguments",
    [
        ("windows", np.zeros(WINDOW - 1, np.int16), 1260, "weights", np.zeros((1, 1), np.int16)),
        ("windows", np.zeros(WINDOW, np.int16), 0, "weights", np.zeros((1, 1), np.int16)),
        ("windows", np.zeros(WINDOW, np.int16), 1, np.zeros(8, np.uint8), np.zeros(1, np.int16)),
        ("push", np.zeros(HOP, np.int16), "weights", np.zeros(8, np.uint8), np.zeros(1, np.int16)),
        ("push", np.zeros(HOP + 1, np.int16), "weights", "stream", np.zeros(1, np.int16)),
        ("start", np.zeros(7, np.uint8)),
    ],
)
def test_buffers_of_other_sizes_are_refused(arguments):
    """Nothing outside a buffer is read or written, whatever Python hands over."""
    one = Engine(MODELS[:1], True)
    known = {"weights": one.packed, "stream": one.stream().streams}
    name, *rest = arguments
    rest = [known[part] if isinstance(part, str) else part for part in rest]
    with pytest.raises(ValueError, match="expected"):
        getattr(engine._compiled, name)(*rest)


def test_integer_weights_are_far_from_rounding_either_way():
    """The same integers on every processor: no value lies within 1e-7 of the middle of two."""
    closest = []
    original = np.rint

    def watched(value, *args, **kwargs):
        distance = np.abs(np.abs(np.asarray(value, float)) % 1 - 0.5)
        closest.append(float(np.min(distance / np.maximum(np.abs(value), 1), initial=1)))
        return original(value, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(np, "rint", watched)
        for seed in seeds():
            find_model(seed).integers()
    assert len(closest) > 100 and min(closest) > 1e-13


def test_the_committed_tables_are_those_of_the_formulas():
    assert (CORE / TABLES).read_text() == tables_header()


def test_a_first_decision_is_about_the_first_hop():
    assert WARM_UP - LEAD == 36
