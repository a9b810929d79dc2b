"""Windows lie where the protocols say, and batching changes no score."""

import tracemalloc
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from atomicvad.audio.decode import audio_chunks, decode
from atomicvad.corpora.clips import read_labels
from atomicvad.errors import AtomicVADError
from atomicvad.evaluation.frames import frame_segments, output_frames, stream_frames
from atomicvad.model import build_model, build_network
from atomicvad.scoring.logits import logit_score
from atomicvad.scoring.probabilities import model_score, speech_probabilities, stream_probabilities
from atomicvad.scoring.protocols import score_set, window_table
from atomicvad.scoring.windows import lead_in, step_of, stream_scores, window_starts

WINDOW, STEP = 10080, 1260
AVA = ("NO_SPEECH", "CLEAN_SPEECH", "SPEECH_WITH_NOISE", "SPEECH_WITH_MUSIC")


@given(st.integers(0, 10**6), st.integers(1, 10**5))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_windows_cover_a_segment_and_stay_within_it(start, length):
    starts = window_starts(start, start + length, WINDOW, STEP)
    assert starts[0] == start
    assert (np.diff(starts) > 0).all() and (np.diff(starts) <= STEP).all()
    if length >= WINDOW:
        assert starts[-1] == start + length - WINDOW
    else:
        assert len(starts) == 1


def test_steps_are_the_papers(tiny):
    assert step_of("swi", tiny) == 1260
    assert step_of("spi", tiny) == 10080
    with pytest.raises(AtomicVADError, match="'frame'"):
        step_of("frame", tiny)


def energy(windows):
    return np.square(windows).mean(axis=1)


def slow_segment(piece, step):
    """A window at a time, straight from the definition of SWI and SPI."""
    scores, position, last = [], 0, len(piece) - WINDOW
    while True:
        window = np.zeros(WINDOW, np.float32)
        heard = piece[position : position + WINDOW]
        window[: len(heard)] = heard
        scores.append(np.mean(window**2))
        if position >= last:
            return scores
        position = min(position + step, last)


def slow_frame(waveform, frame, protocol, seconds=0.0):
    """The score of one 10 ms frame, from the definitions of the three frame protocols."""
    silence = np.zeros(WINDOW, np.float32)
    padded = np.concatenate([silence, waveform, silence])

    def score(start):
        return np.mean(padded[start + WINDOW : start + 2 * WINDOW] ** 2)

    starts, centre = np.arange(-WINDOW, len(waveform) + 1, STEP), frame * 160 + 80
    if protocol == "frame-causal":
        return score(starts[starts + WINDOW <= (frame + 1) * 160].max())
    if protocol == "frame-covered":
        ended = starts[starts + WINDOW <= len(waveform)]
        inside = ended[ended >= 0] if (ended >= 0).any() else ended[-1:]
        chosen = [s for s in inside if s <= centre < s + WINDOW] or [inside[-1]]
    else:
        distances = np.abs(starts + WINDOW / 2 - centre)
        chosen = starts[distances <= max(seconds * 16000 / 2, distances.min())]
    return np.median([score(s) for s in chosen])


@pytest.fixture
def clips(tmp_path):
    """Random clips in AVA-Speech's shape: shorter than a window, exactly one, and longer."""
    generator, rows, waveforms = np.random.default_rng(0), [], {}
    (tmp_path / "audio").mkdir()
    for name, samples in (("a", 6400), ("b", WINDOW), ("c", 70001), ("d", 160000)):
        waveform = generator.uniform(-0.5, 0.5, samples).astype(np.float32)
        soundfile.write(tmp_path / "audio" / f"{name}.wav", waveform, 16000, subtype="FLOAT")
        waveforms[name] = waveform
        cuts = {"a": [0, samples], "b": [0, samples]}.get(name)
        if cuts is None:
            cuts = [0, WINDOW, *np.sort(generator.integers(WINDOW, samples, 4)), samples]
        for number, (start, end) in enumerate(pairwise(cuts)):
            times = f"{900 + start / 16000:.6f},{900 + end / 16000:.6f}"
            rows.append(f"{name},{times},{AVA[number % 4]}")
    (tmp_path / "labels.csv").write_text("\n".join(rows) + "\n")
    return tmp_path, waveforms


def test_scores_equal_the_slow_references(clips, tiny):
    folder, waveforms = clips
    small = tiny.model_copy(
        update={"evaluation": tiny.evaluation.model_copy(update={"batch_windows": 7})}
    )
    scores, labels = score_set(energy, folder, small), read_labels(folder / "labels.csv")
    for protocol in ("swi", "spi"):
        expected, segments = [], []
        for row in labels.itertuples():
            bounds = [round((time - 900) * 16000) for time in (row.start, row.end)]
            found = slow_segment(waveforms[row.video_id][slice(*bounds)], step_of(protocol, tiny))
            expected += found
            segments += [row.Index] * len(found)
        np.testing.assert_allclose(scores[protocol], expected, atol=1e-6)
        table = window_table(labels, scores["clip_samples"], small, protocol)
        assert list(table["segment"]) == segments


@pytest.mark.parametrize(
    ("protocol", "seconds"),
    [("frame-covered", 0.3), ("frame-causal", 0.3)]
    + [("frame", width) for width in (0.0, 0.08, 0.16, 0.24, 0.63)],
)
def test_frames_equal_the_slow_references(clips, tiny, protocol, seconds):
    folder, waveforms = clips
    evaluation = tiny.evaluation.model_copy(update={"smoothing_seconds": seconds})
    scores = score_set(energy, folder, tiny)
    frames = stream_frames(
        scores["stream"],
        scores["clip_samples"],
        tiny.model_copy(update={"evaluation": evaluation}),
        protocol,
    )
    expected = [
        slow_frame(waveform, frame, protocol, seconds)
        for waveform in waveforms.values()
        for frame in range(len(waveform) // 160)
    ]
    np.testing.assert_allclose(frames, expected, atol=1e-6)


def test_a_clip_scores_the_same_backwards(tmp_path, tiny):
    """Silence lies beyond both ends, so neither end is favoured."""
    (tmp_path / "audio").mkdir()
    waveform = np.random.default_rng(3).uniform(-0.5, 0.5, 8 * WINDOW).astype(np.float32)
    for name, sound in (("a", waveform), ("b", waveform[::-1])):
        soundfile.write(tmp_path / "audio" / f"{name}.wav", sound, 16000, subtype="FLOAT")
    rows = [f"{name},900.0,{900 + 8 * 0.63:.2f},NO_SPEECH" for name in "ab"]
    (tmp_path / "labels.csv").write_text("\n".join(rows) + "\n")
    scores = score_set(energy, tmp_path, tiny, ("stream",))
    frames = stream_frames(scores["stream"], scores["clip_samples"], tiny, "frame")
    forwards, backwards = np.split(frames, 2)
    np.testing.assert_allclose(forwards, backwards[::-1], atol=1e-6)


def test_scores_without_the_silence_at_the_end_are_refused(tiny):
    with pytest.raises(AtomicVADError, match=r"expected 89 windows, got 88.*older format"):
        stream_frames(np.zeros(88), np.array([80 * STEP]), tiny, "frame")


def test_frames_belong_to_the_segment_around_their_centre(clips):
    folder, waveforms = clips
    labels = read_labels(folder / "labels.csv").drop(index=3)
    found = frame_segments(labels, np.array([len(w) for w in waveforms.values()]))
    expected = []
    for name, waveform in waveforms.items():
        for frame in range(len(waveform) // 160):
            time = 900 + (frame + 0.5) * 0.01
            inside = (
                (labels["video_id"] == name) & (labels["start"] <= time) & (labels["end"] > time)
            )
            expected.append(labels.index[inside][0] if inside.any() else -1)
    assert list(found) == expected and -1 in expected


@pytest.mark.parametrize(("hop", "delay"), [(160, 0), (480, 0), (512, 64), (256, 0)])
def test_outputs_are_held_until_the_next(hop, delay):
    samples, outputs = 8000, np.arange(1, -(-8000 // hop) + 1, dtype=np.float32)
    args = outputs, [len(outputs)], [samples], hop, delay
    for frame, (any_time, past) in enumerate(
        zip(output_frames(*args, causal=False), output_frames(*args, causal=True), strict=True)
    ):
        assert any_time == (frame * 160 + 80) // hop + 1
        heard = [n for n in range(len(outputs)) if (n + 1) * hop + delay <= (frame + 1) * 160]
        assert past == (outputs[heard[-1]] if heard else 0)


def test_a_stream_of_hours_is_scored_in_flat_memory():
    hours, block = 3, 16000
    tone = np.sin(np.arange(block) / 7).astype(np.float32)

    def chunks():
        for number in range(hours * 3600):
            yield tone * np.float32(1 + number % 5)

    tracemalloc.start()
    count, checks = 0, []
    for scores in stream_scores(lambda w: w[:, ::997].sum(axis=1), chunks(), WINDOW, STEP, 64):
        checks.append(scores[0])
        count += len(scores)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    samples = hours * 3600 * block
    assert count == (lead_in(WINDOW, STEP) + samples - WINDOW) // STEP + 1
    assert peak < 40e6 < samples * 4 / 10
    place = np.arange(WINDOW)[::997] + 64 * 100 * STEP - lead_in(WINDOW, STEP)
    expected = (tone[place % block] * (1 + place // block % 5)).sum()
    assert checks[100] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("clip,900.0,901.0", "expected 4 fields, got 3"),
        ("clip,900.0,x,NO_SPEECH", "expected two numbers"),
        ("clip,901.0,900.0,NO_SPEECH", "start <= end"),
        ("clip,nan,900.0,NO_SPEECH", "start <= end"),
        ("clip,900.0,901.0,SPEECH", "'SPEECH'"),
    ],
)
def test_a_bad_label_is_named_with_its_line(line, said, tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text(f"clip,900.0,901.0,NO_SPEECH\n{line}\n")
    with pytest.raises(AtomicVADError) as caught:
        read_labels(path)
    assert f"{path}:2" in str(caught.value) and said in str(caught.value)


def test_repeated_and_empty_rows_are_dropped_by_id_and_time(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text(
        "a,900.0,901.0,NO_SPEECH\na,900.0,901.0,NO_SPEECH\na,901.0,901.0,NO_SPEECH\n"
        "a,901.0,902.0,CLEAN_SPEECH\n"
    )
    table = read_labels(path)
    pd.testing.assert_series_equal(table["start"], pd.Series([900.0, 901.0], name="start"))
    assert list(table["speech"]) == [False, True]


def test_the_longer_of_two_rows_with_one_start_counts_and_doubts_are_said(tmp_path, capsys):
    path = tmp_path / "labels.csv"
    path.write_text("a,900,901,CLEAN_SPEECH\na,900,903,CLEAN_SPEECH\na,902,904,NO_SPEECH\n")
    assert read_labels(path)["end"].tolist() == [903.0, 904.0]
    said = capsys.readouterr().out
    assert "labels.csv:1: another row begins there" in said
    assert "labels.csv:3: speech and no speech overlap" in said


def test_a_missing_clip_is_named(tmp_path, tiny):
    (tmp_path / "labels.csv").write_text("lost,900.0,901.0,NO_SPEECH\n")
    with pytest.raises(AtomicVADError, match="no clip lost"):
        score_set(energy, tmp_path, tiny)


@pytest.mark.parametrize("name", ["../secret", "/etc/secret", "a/../../secret", "..", ""])
def test_a_label_file_names_no_clip_outside_its_folder(name, tmp_path):
    (tmp_path / "labels.csv").write_text(f"{name},900,901,NO_SPEECH\n")
    with pytest.raises(AtomicVADError, match=r"labels\.csv:1: video_id: expected a plain name"):
        read_labels(tmp_path / "labels.csv")


@pytest.mark.parametrize(
    ("waveform", "overlap", "said"),
    [
        (np.zeros((16000, 2), np.float32), 0.5, "got float32 [16000, 2]"),
        (np.zeros(16000, np.int16), 0.5, "got int16 [16000]"),
        (np.zeros(0, np.float32), 0.5, "got float32 [0]"),
        (np.full(16000, np.nan, np.float32), 0.5, "NaN"),
        (np.zeros(16000, np.float32), 1.0, "overlap: expected 0 up to less than 1"),
    ],
)
def test_a_waveform_that_cannot_be_scored_is_one_clear_line(waveform, overlap, said):
    with pytest.raises(AtomicVADError) as caught:
        speech_probabilities(None, waveform, overlap)
    assert said in str(caught.value)


@pytest.mark.parametrize("options", [{}, {"activation_name": "pgcu"}, {"activation_name": "relu"}])
def test_scores_are_the_models_own(options):
    models = [build_model(build_network(seed=seed, **options)) for seed in (3, 4)]
    waveforms = np.random.default_rng(0).standard_normal((19, 10080)).astype(np.float32) * 0.1
    waveforms[1] *= 1e-3
    waveforms[2] = 0
    logits = logit_score(*models)(waveforms)
    # Of digital silence all MFCC but the first are rounding, which normalisation brings out.
    tolerance = np.where(np.arange(19) == 2, 1e-3, 1e-5)
    for column, model in enumerate(models):
        expected = model(waveforms, training=False).numpy()[:, 1]
        assert (abs(1 / (1 + np.exp(-logits[:, column])) - expected) < tolerance).all()
        assert (abs(model_score(model)(waveforms) - expected) < tolerance).all()


@pytest.mark.parametrize(("name", "rate"), [("a.wav", 16000), ("a.flac", 44100), ("a.ogg", 8000)])
def test_a_file_in_pieces_is_the_file(name, rate, tmp_path):
    sound = np.random.default_rng(0).normal(0, 0.1, (rate * 25 + 17, 2)).clip(-1, 1)
    soundfile.write(tmp_path / name, sound, rate)
    pieces = list(audio_chunks(tmp_path / name))
    whole = decode(tmp_path / name)
    assert len(pieces) == 3 and sum(map(len, pieces)) == len(whole)
    np.testing.assert_allclose(np.concatenate(pieces), whole, atol=1e-4)


def test_a_file_scored_as_a_stream_is_scored_window_by_window(tmp_path):
    waveform = np.random.default_rng(0).normal(0, 0.1, 16000 * 23).astype(np.float32).clip(-1, 1)
    soundfile.write(tmp_path / "a.wav", waveform, 16000, subtype="FLOAT")
    model = build_model(build_network(seed=1))
    parts = list(stream_probabilities(model, tmp_path / "a.wav"))
    times, found = map(np.concatenate, zip(*parts, strict=True))
    assert times[0] == 0 and times[-1] <= 23 < times[-1] + STEP / 16000
    score = model_score(model)
    for place in (20, 150, len(times) - 1):
        end = round(times[place] * 16000)
        expected = score(waveform[np.newaxis, end - WINDOW : end])
        np.testing.assert_allclose(found[place], expected[0], atol=1e-6)
