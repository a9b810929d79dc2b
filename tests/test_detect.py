"""Speech in recordings and streams, as a user of the package meets it."""

import io
from itertools import pairwise

import keras
import numpy as np
import onnxruntime
import pytest
import soundfile
import soxr

import atomicvad
from atomicvad import SpeechDetector, detect, scores
from atomicvad.config import load_profile
from atomicvad.corpora.generated import generate
from atomicvad.detection.defaults import defaults
from atomicvad.detection.detector import resampling_delay, segments_of
from atomicvad.detection.models import ONNX, find_model, seeds
from atomicvad.device.weights import flat, save_weights
from atomicvad.errors import AtomicVADError
from atomicvad.files import WEIGHTS
from atomicvad.model import load_model
from atomicvad.scoring.logits import logit_score

# Looked up here: other tests move the project.
PROFILE = load_profile("open")
PATHS = {str(seed): PROFILE.reference.run_folder(seed) / WEIGHTS for seed in PROFILE.seeds}


def speech(seconds=4, rate=16000):
    """Silence, a generated voice, silence: ``[samples]`` at 16 kHz."""
    quiet = 0.001 * generate("pink", (1, 1), seconds=1.5)
    voice = 0.2 * generate("speech", (1, 2), seconds=seconds)
    return np.concatenate([quiet, voice, quiet, voice / 3, quiet]).astype(np.float32)


@pytest.fixture(scope="module")
def recording():
    return speech()


def test_segments_lie_where_somebody_speaks(recording):
    found = detect(recording, 16000)
    assert found and found[0].start > 1.2 and found[-1].end < len(recording) / 16000 - 1
    assert all(0 < each.mean <= each.peak < 1 for each in found)
    assert all(a.end < b.start for a, b in pairwise(found))


@pytest.mark.parametrize("step", ["10ms", "79ms"])
@pytest.mark.parametrize("rate", [16000, 8000, 44100])
def test_a_stream_finds_what_the_whole_has(recording, rate, step):
    """200 random divisions in all, from single samples to seconds; bit for bit."""
    random = np.random.default_rng(rate)
    time = np.arange(int(len(recording) / 16000 * rate)) / rate
    samples = np.interp(time, np.arange(len(recording)) / 16000, recording).astype(np.float32)
    detector = SpeechDetector(rate, step=step, max_speech=1.5)
    expected = detect(samples, rate, step=step, max_speech=1.5)
    assert len(expected) > 1
    for _ in range(60 if step == "10ms" else 7):
        events, at = [], 0
        sizes = random.choice([1, 7, 160, 441, 1000, 4096, 30_000], 3)
        while at < len(samples):
            size = int(random.choice(sizes))
            if size == 1 and random.random() < 0.98:
                size = 997
            events += detector.push(samples[at : at + size])
            at += size
        assert segments_of(events + detector.flush()) == expected


def test_reports_come_within_the_stated_delay(recording):
    """The start of speech is known after ``delay`` and ``min_speech``, its end after the gap."""
    for rate in (16000, 8000):
        time = np.arange(int(len(recording) / 16000 * rate)) / rate
        samples = np.interp(time, np.arange(len(recording)) / 16000, recording)
        detector = SpeechDetector(rate)
        hop = rate // 100
        for at in range(0, len(samples) - hop, hop):
            now = (at + hop) / rate
            for event in detector.push(samples[at : at + hop]):
                late = detector.rules.min_speech if event.kind == "start" else 0.3
                assert now - event.time <= detector.delay + late + 2 * hop / rate
    assert SpeechDetector().delay < 0.5 and resampling_delay(48000) < 0.1


@pytest.mark.parametrize("rate", [2000, 3989, 4000, 8000, 48000, 176400, 685225])
def test_resampling_holds_back_no_more_than_is_stated(rate):
    resampler, given, latest = soxr.ResampleStream(rate, 16000, 1, "float32"), 0, 0.0
    hop = rate // 200
    for heard in range(hop, 2 * rate, hop):
        given += len(resampler.resample_chunk(np.zeros(hop, np.float32)))
        latest = max(latest, heard / rate - given / 16000)
    assert 0 < latest < resampling_delay(rate)


def test_memory_does_not_grow_with_a_stream():
    detector = SpeechDetector()
    noise = (0.01 * np.random.default_rng(0).normal(size=16000)).astype(np.float32)

    def size():
        scorer = detector._pipeline.scorer
        held = [len(scorer.samples), len(scorer.unnoted), len(scorer.sums), len(scorer.silent)]
        return sum(held) + len(detector._pipeline.segmenter.scores)

    for _ in range(5):
        detector.push(noise)
    before = size()
    for _ in range(60):
        detector.push(noise)
    assert size() <= before + 200


def test_digital_silence_is_never_speech(recording):
    for value in (0.0, 0.25, -1.0):
        assert detect(np.full(48000, value, np.float32), 16000, threshold=0.001) == []
    with_holes = np.concatenate([recording, np.zeros(32000, np.float32), recording])
    start, end = len(recording) / 16000, len(recording) / 16000 + 2
    times, probabilities = scores(with_holes, 16000)
    assert (probabilities[(times > start + 0.01) & (times < end - 0.01)] == 0).all()
    for each in detect(with_holes, 16000):
        assert each.end <= start + 0.01 or each.start >= end - 0.01


@pytest.mark.parametrize("samples", [0, 1, 159, 160, 5000, 10079])
def test_short_recordings_have_as_many_scores_as_steps(samples):
    waveform = np.random.default_rng(samples).normal(0, 0.1, samples).astype(np.float32)
    for step, length in (("10ms", 160), ("79ms", 1260)):
        times, probabilities = scores(waveform, 16000, step=step)
        assert len(times) == len(probabilities) == -(-samples // length)
        assert isinstance(detect(waveform, 16000, step=step), list)


def test_types_and_channels_of_arrays_agree(recording, tmp_path):
    integers = np.round(recording * 32767).astype(np.int16)
    expected = detect(integers, 16000)
    for same in (
        integers.astype(np.int32) << 16,
        (integers / 32768).astype(np.float64),
        np.stack([integers, integers], 1),
        integers[:, np.newaxis],
        integers.astype(">i2"),
        (integers / 32768).tolist(),
    ):
        assert detect(same, 16000) == expected
    two = np.stack([integers, np.zeros_like(integers)], 1)
    assert detect(two, 16000, channel=0) == expected and detect(two, 16000, channel=1) == []
    soundfile.write(tmp_path / "a.wav", integers, 16000)
    content = (tmp_path / "a.wav").read_bytes()
    for source in (tmp_path / "a.wav", str(tmp_path / "a.wav"), content, io.BytesIO(content)):
        assert detect(source) == expected


@pytest.mark.parametrize(
    ("audio", "options", "message"),
    [
        (np.zeros(10), {}, "rate: expected the sample rate of the array in Hz, got none"),
        (b"", {}, "audio of 0 bytes: the file is empty"),
        ("none.wav", {}, "none.wav: No such file or directory"),
        (b"RIFF", {"rate": 8000}, "rate: a file knows its own; got 8000 Hz, expected none"),
        (np.zeros(10), {"rate": 1}, "rate: a sample rate of 1 Hz"),
        (np.full(10, np.nan), {"rate": 16000}, "samples: some samples are NaN or infinite"),
        (np.full(10, 3e4), {"rate": 16000}, "samples: floats that reach 3e+04; expected ±1"),
        (
            np.zeros((2, 16000)),
            {"rate": 16000},
            "samples: expected [samples] or [samples, channels], got [2, 16000]; transpose it",
        ),
        (np.zeros(10, complex), {"rate": 16000}, "samples: expected floats, or integers of 8"),
        (np.zeros((9, 2)), {"rate": 8000, "channel": 2}, "samples: no channel 2; it has 2 chan"),
        (np.zeros(9), {"rate": 8000, "threshold": 2}, "threshold: expected more than 0 and less"),
        (np.zeros(9), {"rate": 8000, "step": "5ms"}, "step: expected 10ms or 79ms, got '5ms'"),
        (np.zeros(9), {"rate": 8000, "model": "x"}, "model: expected 43185, 86648"),
        (np.zeros(9), {"rate": 8000, "model": "x.npz"}, "x.npz: no such file"),
        (
            None,
            {},
            "samples: expected a path, bytes, a file opened in binary mode or an array, got",
        ),
        (16000, {"rate": np.zeros(9)}, "samples: expected a path, bytes, a file opened in binary"),
        (np.array(1.0), {"rate": 8000}, "samples: expected a path, bytes, a file opened in binary"),
        (
            [[1.0], [1.0, 2.0]],
            {"rate": 8000},
            "samples: expected a path, bytes, a file opened in b",
        ),
        ("two\nlines.wav", {}, "two lines.wav: No such file or directory"),
        ("", {}, "audio: not a file that can be read"),
        (np.zeros(9), {"rate": "8000"}, "rate: expected a number, got '8000'"),
        (np.zeros(9), {"rate": 1000}, "rate: a sample rate of 1000 Hz; expected 2000 to 768000"),
        (np.zeros(9), {"rate": 8000, "channel": "0"}, "channel: expected a whole number, got '0'"),
        (np.zeros(9), {"rate": 8000, "channel": 0.0}, "channel: expected a whole number, got 0.0"),
        (np.zeros(9), {"rate": 8000, "pad": [1]}, "pad: expected a number, got list"),
        (np.zeros(9), {"rate": 8000, "min_speech": "1"}, "min_speech: expected a number, got '1'"),
        (
            np.zeros(9),
            {"rate": 8000, "threshold": 10**400},
            "threshold: expected a number, got int",
        ),
    ],
)
def test_mistakes_are_one_line(audio, options, message):
    with pytest.raises(AtomicVADError) as caught:
        detect(audio, **options)
    assert str(caught.value).startswith(message) and "\n" not in str(caught.value)


def test_times_beyond_all_recordings_are_no_limit(recording):
    """Infinity is what others' detectors have for the longest speech by default."""
    expected = detect(recording, 16000)
    for most in (np.inf, 1e308, 1e5):
        assert detect(recording, 16000, max_speech=most) == expected
    assert detect(recording, 16000, min_speech=1e308) == []
    (whole,) = detect(recording, 16000, pad=1e308)
    assert (whole.start, whole.end) == (0, len(recording) / 16000)


def test_a_stream_outlives_a_mistake(recording):
    detector = SpeechDetector()
    events = detector.push(recording[:20_000])
    with pytest.raises(AtomicVADError, match="NaN"):
        detector.push(np.full(10, np.nan))
    for content in (b"\0\0", bytearray(2), memoryview(b"\0\0")):  # which numbers, they do not say
        with pytest.raises(AtomicVADError, match=r"expected an array, got .*np\.frombuffer"):
            detector.push(content)
    events += detector.push(recording[20_000:])
    assert segments_of(events + detector.flush()) == detect(recording, 16000)


def test_the_package_brings_the_references_weights():
    assert seeds() == [str(seed) for seed in PROFILE.seeds]
    for seed in seeds():
        path = PATHS[seed]
        np.testing.assert_array_equal(
            flat(find_model(seed).members[0]), flat(load_model(path).get_weights())
        )


def test_float_scores_are_those_of_keras(recording):
    seed = seeds()[0]
    model = load_model(PATHS[seed])
    engine = find_model(seed).scorer("79ms", "float").engine
    found = engine.windows(recording, 1260)[:, 0]
    windows = np.lib.stride_tricks.sliding_window_view(recording, 10080)[::1260]
    np.testing.assert_allclose(found, logit_score(model)(windows)[:, 0], atol=2e-3)
    with pytest.raises(AtomicVADError, match="arithmetic: expected integer, or float where step"):
        scores(recording, 16000, arithmetic="float")


def test_a_model_of_ones_own(recording, tmp_path):
    """From a file of NumPy or Keras, as the seed it was."""
    seed = seeds()[3]
    path = PATHS[seed]
    save_weights(load_model(path).get_weights(), tmp_path / "mine.npz")
    expected = scores(recording, 16000, model=seed)[1]
    for model in (tmp_path / "mine.npz", path, int(seed)):
        np.testing.assert_array_equal(scores(recording, 16000, model=model)[1], expected)
    np.savez(tmp_path / "other.npz", weights=np.zeros(3))
    (tmp_path / "text.npz").write_text("no archive")
    for name, message in (("other", "298 finite numbers"), ("text", "an array `weights`")):
        with pytest.raises(AtomicVADError, match=message):
            detect(recording, 16000, model=tmp_path / f"{name}.npz")
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]).save(tmp_path / "a.keras")
    with pytest.raises(AtomicVADError, match=r"a\.keras"):
        detect(recording, 16000, model=tmp_path / "a.keras")


def test_the_onnx_file_is_the_best_seeds():
    session = onnxruntime.InferenceSession(ONNX)
    window = speech()[30_000:40_080][np.newaxis]
    names = [output.name for output in session.get_outputs()]
    found = dict(zip(names, session.run(None, {"waveform": window}), strict=True))
    engine = find_model(defaults()["seed"]).scorer("79ms", "float").engine
    assert abs(np.ravel(found["logit"])[0] - engine.windows(window[0])[0, 0]) < 2e-3


def test_public_names_are_there():
    for name in atomicvad.__all__:
        assert getattr(atomicvad, name) is not None
