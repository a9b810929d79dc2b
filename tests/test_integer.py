"""The integer detector: near the one in floating point, and the same bits in NumPy and C."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import keras
import numpy as np
import pytest
from test_emulate import needs

from atomicvad.audio.signal import to_int16
from atomicvad.config import load_profile
from atomicvad.corpora.generated import generate
from atomicvad.device.emulate.build import FORMS, build
from atomicvad.device.emulate.cores import CORES
from atomicvad.device.emulate.host import HostDetector, run_sanitized
from atomicvad.device.emulate.measure import run
from atomicvad.device.emulate.signals import stream_signals, window_signals
from atomicvad.device.emulate.toolchain import host_compiler
from atomicvad.device.export.c import write_sources
from atomicvad.device.export.wasm import MODULE, run_wasm, write_wasm_folder
from atomicvad.device.integer import front_end, network, tables, weights
from atomicvad.device.integer.detector import (
    NOT_READY,
    STREAM_FRAMES,
    WARM_UP,
    mfcc_logits,
    pushed_logits,
    stream_logits,
    stream_mfcc,
    window_logits,
    window_mfcc,
)
from atomicvad.device.integer.weights import integer_weights
from atomicvad.errors import AtomicVADError
from atomicvad.files import WEIGHTS
from atomicvad.layers.features import Features
from atomicvad.model import build_model, build_network, load_model
from atomicvad.scoring.logits import logit_score
from atomicvad.scoring.released_checkpoints import released_checkpoints

PROFILE = load_profile("open")
SEEDS = [PROFILE.reference.run_folder(seed) / WEIGHTS for seed in PROFILE.seeds]
MODELS = SEEDS + released_checkpoints()
TIME = np.arange(tables.WINDOW)
LOUD = 32767


def adversarial_windows() -> np.ndarray:
    """Windows at the limits of 16 bits, which make sums large: int16 ``[n, 10080]``."""
    random = np.random.default_rng(3)
    squares = [np.where(TIME // n % 2, LOUD, -LOUD - 1) for n in (1, 2, 3, 5, 8, 20, 80, 400)]
    coins = [np.where(random.random(len(TIME)) < 0.5, LOUD, -LOUD - 1) for _ in range(6)]
    tones = [
        np.where(np.cos(2 * np.pi * k * TIME / 512) < 0, -LOUD - 1, LOUD) for k in range(1, 256, 16)
    ]
    clicks = [LOUD * (TIME % period == 0) for period in (160, 997, 10000)]
    faint = [random.integers(-1, 2, len(TIME)) for _ in range(3)]
    steady = [np.full(len(TIME), value) for value in (0, 1, -1, LOUD, -LOUD - 1)]
    bursts = [np.where(TIME // 2520 % 2, row, 0) for row in (*coins[:2], squares[0])]
    levels = [random.normal(0, 10 ** (n / 8), len(TIME)) for n in range(38)]
    rows = np.array([*squares, *coins, *tones, *clicks, *faint, *steady, *bursts, *levels])
    return np.clip(np.rint(rows), -LOUD - 1, LOUD).astype(np.int16)


def generated_windows() -> np.ndarray:
    """Windows of generated voices, noises and chords at several levels, int16 ``[n, 10080]``."""
    parts = []
    for number, sound in enumerate(("speech", "speech", "pink", "gusts", "chords", "clicks")):
        for level in (1.0, 0.1, 0.01):
            waveform = level * generate(sound, (9, number), seconds=12)
            parts.append(to_int16(waveform[: 19 * tables.WINDOW]).reshape(-1, tables.WINDOW))
    return np.concatenate(parts)


@pytest.fixture(scope="module")
def windows() -> np.ndarray:
    return np.concatenate([adversarial_windows(), generated_windows()])


@pytest.fixture(scope="module")
def mfcc(windows) -> np.ndarray:
    """MFCC of ``windows``, which are the same for all models."""
    parts = np.array_split(windows, 8)
    return np.concatenate([window_mfcc(part) for part in parts])


@pytest.fixture(scope="module")
def logits(mfcc) -> Callable[[Path], np.ndarray]:
    """Logits of ``windows`` by a model's integers, which two tests look at."""
    return cache(lambda path: mfcc_logits(mfcc, integer_weights(load_model(path).get_weights())))


@pytest.fixture(scope="module")
def stream(windows) -> np.ndarray:
    """A stream that joins loud, silent and spoken parts: int16, 1,260 hops."""
    return np.concatenate([windows[::-19][:15].ravel(), windows[:5].ravel()])


@pytest.fixture(scope="module")
def heard(stream) -> np.ndarray:
    """MFCC of ``stream``, which are the same for all models."""
    return stream_mfcc(stream)


def test_features_are_the_layers_to_a_step(windows, mfcc):
    """Where features are large, an integer step is a thirtieth of what the paper's MFCC call 1."""
    expected = np.asarray(Features()(windows.astype(np.float32) / 32768))[..., 0]
    found = mfcc.transpose(0, 2, 1).astype(float)
    found[:, 0] += front_end.BIAS
    errors = np.abs(found / front_end.UNITS - expected)
    # Float32 itself is coarse for pure tones: quiet bins beside a loud one.
    assert np.median(errors) < 0.012 and np.quantile(errors, 0.999) < 0.3


@pytest.mark.parametrize("path", MODELS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_decisions_are_those_in_floating_point(path, windows, logits):
    model = load_model(path)
    audible = windows[len(adversarial_windows()) :]
    expected = logit_score(model)(audible.astype(np.float32) / 32768)[:, 0]
    found = logits(path)[-len(audible) :] / 256
    differs = (found >= 0) != (expected >= 0)
    assert np.abs(expected[differs]).max(initial=0) < 0.1 and differs.mean() < 0.02
    assert np.median(np.abs(found - expected)) < 0.02 and np.abs(found - expected).max() < 0.6


def slow_stream_logit(samples: np.ndarray, integers: weights.IntegerWeights) -> int:
    """The decision of a stream after exactly ``samples``, without rings and without NumPy's tricks.

    Every sum is written out; the two layers that normalise are those of ``network``.
    """
    frames = [samples[start : start + 400] for start in range(0, len(samples) - 399, 160)]
    columns = [
        front_end.coefficients(front_end.band_logarithms(*front_end.spectra(frame[np.newaxis])))[0]
        for frame in frames
    ]
    assert len(columns) == STREAM_FRAMES
    image = np.zeros((70, STREAM_FRAMES), np.int64)
    image[3:67] = np.array(columns).T
    block = np.zeros((15, 15, 2), np.int64)  # row, column; zeros around
    for row in range(13):
        for column in range(13):
            sums = []
            for r in range(5 * row, min(5 * row + 5, 64)):
                for c in range(5 * column, 5 * column + 5):
                    total = (image[r : r + 7, c : c + 7] * integers.first).sum((1, 2))
                    sums.append(total + (integers.first_edge[r] if r < 4 else 0))
            block[row + 1, column + 1] = network.first_block(np.max(sums, 0), integers)
    inner = block[1:-1, 1:-1]
    second = np.zeros_like(inner)
    for row in range(13):
        for column in range(13):
            for channel in range(2):
                patch = block[row : row + 3, column : column + 3, channel]
                total = (patch * integers.second[channel]).sum() + integers.second_bias[channel]
                second[row, column, channel] = (total + 2**15) >> 16
    parts = (slice(0, 7), slice(7, 13))
    cells = np.array([second[r, c].max((0, 1)) for r in parts for c in parts])
    skip = np.array([inner[r, c].max((0, 1)) for r in parts for c in parts])
    return int(network.logits(cells, skip, integers))


def test_a_stream_decides_what_a_slow_reference_computes_anew(stream, heard):
    integers = integer_weights(load_model(SEEDS[0]).get_weights())
    found = stream_logits(heard, integers)
    assert len(found) == len(stream) // tables.HOP - WARM_UP
    for decision in (0, 1, 7, 401, len(found) - 1):
        end = (WARM_UP + decision + 1) * tables.HOP
        heard = 160 * (STREAM_FRAMES - 1) + 400
        assert found[decision] == slow_stream_logit(stream[end - heard : end], integers)


@pytest.fixture(scope="module")
def compiler() -> None:
    try:
        host_compiler()
    except AtomicVADError as error:
        pytest.skip(str(error))


@pytest.mark.usefixtures("compiler")
@pytest.mark.parametrize("path", MODELS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_c_gives_the_bits_of_the_specification(path, windows, logits, stream, heard, tmp_path):
    """Both forms, on all windows and 1,260 hops."""
    integers = integer_weights(load_model(path).get_weights())
    write_sources(integers, tmp_path)
    host = HostDetector(tmp_path, tmp_path)
    np.testing.assert_array_equal(host.windows(windows), logits(path))
    decisions = host.stream(stream.reshape(-1, tables.HOP))
    assert (decisions[:WARM_UP] == NOT_READY).all()
    np.testing.assert_array_equal(decisions[WARM_UP:], stream_logits(heard, integers))


@pytest.mark.usefixtures("compiler")
def test_no_undefined_behaviour_at_the_limits(windows, stream, tmp_path):
    """Under UBSan and ASan, no sum overflows; the bits stay."""
    integers = integer_weights(load_model(SEEDS[1]).get_weights())
    write_sources(integers, tmp_path)
    chosen = windows[::6]
    np.testing.assert_array_equal(
        run_sanitized(tmp_path, tmp_path, "window", chosen), window_logits(chosen, integers)
    )
    run_sanitized(tmp_path, tmp_path, "stream", stream.reshape(-1, tables.HOP))


@pytest.mark.usefixtures("compiler")
def test_random_windows_of_every_kind(tmp_path):
    """Lengths of runs, levels and offsets drawn at random."""
    random = np.random.default_rng(11)
    integers = integer_weights(load_model(SEEDS[2]).get_weights())
    write_sources(integers, tmp_path)
    host = HostDetector(tmp_path, tmp_path)
    runs = random.integers(1, 200, (100, tables.WINDOW)).cumsum(1) % tables.WINDOW
    values = random.normal(0, 1, (100, tables.WINDOW)) * 10 ** random.uniform(0, 5, (100, 1))
    rows = np.take_along_axis(values, runs // random.integers(1, 500, (100, 1)), 1)
    drawn = np.clip(rows + random.normal(0, 3000, (100, 1)), -LOUD - 1, LOUD).astype(np.int16)
    np.testing.assert_array_equal(host.windows(drawn), window_logits(drawn, integers))


def extreme_weights(seed: int) -> keras.Model:
    """A model whose weights are drawn on scales from a thousandth to a thousand."""
    random = np.random.default_rng(seed)
    model = build_model(build_network(seed=seed))
    scales = 10 ** random.uniform(-3, 3, len(model.weights))
    units = {6, 7, 8, 9, 18, 19, 20, 21}
    for number, (weight, scale) in enumerate(zip(model.weights, scales, strict=True)):
        if number not in units:
            weight.assign(np.asarray(weight) * scale + random.normal(0, 0.01, weight.shape))
    return model


@pytest.mark.parametrize("seed", range(12))
def test_no_sum_can_leave_32_bits(seed, windows, mfcc):
    """The scales follow from the weights: bounds hold for weights that nobody trained."""
    try:
        integers = integer_weights(extreme_weights(seed).get_weights())
    except AtomicVADError as error:
        assert "turns" in str(error)
        return
    limit = 2**31
    first = np.abs(integers.first).sum((1, 2)) * weights.COEFFICIENT
    assert (first + np.abs(integers.first_bias) < limit).all()
    for rows, biases in (
        (integers.reduce, integers.reduce_bias),
        (integers.second.reshape(2, 9), integers.second_bias),
        (np.concatenate([integers.output.ravel(), integers.skip.ravel()])[None], None),
    ):
        offsets = np.abs([integers.output_bias] if biases is None else biases)
        assert (np.abs(rows).sum(1) * LOUD + offsets + 2**15 < limit).all()
        assert np.abs(rows).max() <= LOUD
    for unit in (integers.first_unit, integers.second_unit):
        largest = np.linalg.norm(unit.weights, axis=1) * 2**weights.NORMAL_BITS
        assert (np.abs(unit.weights).sum(1) * 2**15 + np.abs(unit.biases) < limit).all()
        assert (unit.biases + largest < 2**weights.UNIT_BITS).all()
    sums = network.first_convolution(np.pad(mfcc[:40], [(0, 0), (3, 3), (0, 0)]), integers)
    assert np.abs(sums).max() < limit
    assert np.abs(mfcc).max() <= LOUD


@pytest.mark.usefixtures("compiler")
@pytest.mark.parametrize("factor", [1e-7, 1e-3, 30.0])
def test_small_and_large_weights_behave(factor, tmp_path):
    """C keeps the specification's bits, and nothing is undefined, far from trained weights."""
    model = load_model(SEEDS[4])
    for number, weight in enumerate(model.weights):
        if number not in {6, 7, 8, 9, 18, 19, 20, 21}:  # the units' scalars
            weight.assign(np.asarray(weight) * factor)
    try:
        integers = integer_weights(model.get_weights())
    except AtomicVADError as error:
        assert factor > 1 and "turns" in str(error)
        return
    write_sources(integers, tmp_path)
    chosen = adversarial_windows()[::7]
    np.testing.assert_array_equal(
        run_sanitized(tmp_path, tmp_path, "window", chosen), window_logits(chosen, integers)
    )


def test_weights_that_no_table_holds_are_refused():
    model = build_model(build_network(seed=1))
    model.weights[24].assign(np.asarray(model.weights[24]) * 1e9)
    with pytest.raises(AtomicVADError, match="logits may reach"):
        integer_weights(model.get_weights())
    model = build_model(build_network(seed=1))
    model.weights[7].assign([1e4])  # w2 of the first unit
    with pytest.raises(AtomicVADError, match="turns"):
        integer_weights(model.get_weights())
    model.weights[7].assign([np.nan])
    with pytest.raises(AtomicVADError, match="not finite"):
        integer_weights(model.get_weights())


def test_the_table_of_a_unit_is_near_the_unit():
    """Between its 257 points a table errs by less than 2e-4 of the largest output."""
    places = np.linspace(0, 2**weights.UNIT_BITS - 1, 1001).astype(np.int64)
    for path in MODELS:
        model = load_model(path)
        integers = integer_weights(model.get_weights())
        for unit, first in ((integers.first_unit, 6), (integers.second_unit, 18)):
            w1, w2, b1, b2 = (float(np.asarray(model.weights[first + n])[0]) for n in range(4))
            inputs = unit.least + (unit.greatest - unit.least) * places / 2**weights.UNIT_BITS
            exact = (w1 * inputs + b1) * np.cos(w2 * inputs + b2)
            alone = replace(unit, weights=np.zeros((len(places), 1), np.int64), biases=places)
            found = network.unit_outputs(np.zeros(1, np.int64), alone) * unit.height / LOUD
            assert np.abs(found - exact).max() < 2e-4 * unit.height


@pytest.fixture(scope="module")
def device_case(tmp_path_factory) -> tuple[Path, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Sources of a seed, samples of both forms, and the specification's logits of them."""
    folder = tmp_path_factory.mktemp("sources")
    integers = integer_weights(load_model(SEEDS[3]).get_weights())
    write_sources(integers, folder)
    samples = {"window": window_signals()[::4], "stream": stream_signals()[:150]}
    expected = {
        "window": window_logits(samples["window"], integers),
        "stream": pushed_logits(samples["stream"], integers),
    }
    return folder, samples, expected


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", CORES)
def test_every_core_gives_the_bits_of_the_specification(name, form, device_case, tmp_path):
    folder, samples, expected = device_case
    needs(CORES[name].target, *(["qemu", "cc"] if name == "cortex-m55" else []))
    found = run(build(folder, CORES[name], form, tmp_path), samples[form])
    np.testing.assert_array_equal(found.outputs, expected[form])


def test_webassembly_gives_the_bits_of_the_specification(device_case, tmp_path):
    folder, samples, expected = device_case
    needs("wasm32")
    if not shutil.which("node"):
        pytest.skip("no node here, which runs WebAssembly")
    write_wasm_folder(folder, tmp_path)
    for form, logits in expected.items():
        np.testing.assert_array_equal(run_wasm(tmp_path, form, samples[form]), logits)
    assert (tmp_path / MODULE).stat().st_size <= 14_000
