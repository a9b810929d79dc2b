"""From scores to segments: rules by hand, any division of the scores, and the compiled form."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atomicvad.detection.models import find_model
from atomicvad.detection.scorer import StreamScorer
from atomicvad.detection.segmenter import Rules, Segmenter
from atomicvad.device.engine import Engine
from atomicvad.errors import AtomicVADError
from atomicvad.runs.hysteresis import curve, segments

STEP = 0.1


def rules(**changes):
    chosen = {"threshold": 0.6, "offset_threshold": 0.4, "min_speech": 0.2, "min_silence": 0.3}
    return Rules(**{**chosen, "pad": 0.0, **changes})


def logits(text):
    """A score each: # speech, = between the thresholds, . silence, 0 digital silence."""
    return [{"#": 2.0, "=": 0.0, ".": -2.0, "0": -math.inf}[letter] for letter in text]


def found(text, **changes):
    segmenter = Segmenter(rules(**changes), STEP)
    events = segmenter.push(logits(text)) + segmenter.flush(len(text) * STEP)
    return [event.segment for event in events if event.segment]


def spans(text, **changes):
    return [(each.start, each.end) for each in found(text, **changes)]


@pytest.mark.parametrize(
    ("text", "changes", "expected"),
    [
        ("....", {}, []),
        ("", {}, []),
        ("0000", {}, []),
        ("..##....", {}, [(0.2, 0.4)]),
        ("..#.....", {}, []),  # too short
        ("..##..##...", {}, [(0.2, 0.8)]),  # the silence is too short
        ("..##...##...", {}, [(0.2, 0.4), (0.7, 0.9)]),
        ("..==##==...", {}, [(0.4, 0.8)]),  # two thresholds
        ("..==....", {}, []),
        ("##", {}, [(0.0, 0.2)]),  # to both ends
        ("..##....", {"pad": 0.1}, [(0.1, 0.5)]),
        ("##....##", {"pad": 0.15}, [(0.0, 0.35), (0.45, 0.8)]),
        ("##...##", {"pad": 0.2}, [(0.0, 0.7)]),  # they would meet
        ("..##00##...", {}, [(0.2, 0.8)]),
        ("#" * 10, {"max_speech": 0.5}, None),
    ],
)
def test_rules_by_hand(text, changes, expected):
    got = spans(text, **changes)
    if expected is not None:
        np.testing.assert_allclose(np.reshape(got, (-1, 2)), np.reshape(expected, (-1, 2)))


def test_long_speech_is_cut_where_it_is_weakest():
    got = found("########=#####....", max_speech=1.0)
    assert [(each.start, each.end) for each in got] == [(0.0, 0.8), (0.8, 1.4)]
    assert all(each.end - each.start <= 1.0 + 1e-9 for each in got)


def test_mean_and_peak_are_of_the_speech():
    (segment,) = found("..##=#...", pad=0.1)
    high, middle = 1 / (1 + math.exp(-2)), 0.5
    assert segment.mean == pytest.approx((3 * high + middle) / 4)
    assert segment.peak == pytest.approx(high)


SCORES = st.lists(st.floats(-3, 3) | st.just(-math.inf), max_size=120)
CHOICES = st.fixed_dictionaries(
    {
        "threshold": st.sampled_from([0.4, 0.5, 0.7]),
        "offset_threshold": st.sampled_from([0.2, 0.4]),
        "min_speech": st.sampled_from([0, 0.1, 0.35]),
        "min_silence": st.sampled_from([0, 0.2, 0.45]),
        "pad": st.sampled_from([0, 0.05, 0.2]),
    }
)


@settings(max_examples=150, deadline=None)
@given(SCORES, CHOICES, st.sampled_from([None, 1.0, 2.5]), st.data())
def test_events_do_not_depend_on_the_pieces(scores, chosen, longest, data):
    chosen = rules(**chosen, max_speech=longest)
    whole, parts = Segmenter(chosen, STEP), Segmenter(chosen, STEP)
    expected = whole.push(scores) + whole.flush(len(scores) * STEP)
    cuts = data.draw(st.lists(st.integers(0, len(scores)), max_size=5).map(sorted))
    got = []
    for first, last in zip([0, *cuts], [*cuts, len(scores)], strict=True):
        got += parts.push(scores[first:last])
    assert got + parts.flush(len(scores) * STEP) == expected
    kinds = [event.kind for event in expected]
    assert kinds == ["start", "end"] * (len(kinds) // 2)
    times = [event.time for event in expected]
    assert times == sorted(times) and all(0 <= time <= len(scores) * STEP + 1e-9 for time in times)
    for event in expected[1::2]:
        assert event.segment.end == event.time
        assert longest is None or event.segment.end - event.segment.start <= longest + 1e-6


@settings(max_examples=150, deadline=None)
@given(SCORES, CHOICES)
def test_the_compiled_form_finds_the_same(scores, chosen):
    chosen = rules(**chosen)
    segmenter = Segmenter(chosen, STEP)
    events = segmenter.push(scores) + segmenter.flush(len(scores) * STEP)
    expected = [(e.segment.start, e.segment.end) for e in events if e.segment]
    got = segments(np.array(scores, float), chosen, STEP)
    np.testing.assert_allclose(got, np.reshape(expected, (-1, 2)), atol=1e-6)


@pytest.mark.parametrize("width", [1, 5])
def test_the_compiled_curve_is_the_scorers(width):
    engine = Engine(find_model("ensemble").integers())
    random = np.random.default_rng(2)
    samples = (random.normal(0, 2000, 20_011)).astype(np.int16)
    samples[3200:6400] = 7
    scorer = StreamScorer(engine, width)
    expected = scorer.push(samples) + scorer.flush()
    raw = StreamScorer(engine, 1)
    values = np.concatenate([raw.logits(samples), raw.logits(raw.padding(len(samples)))])
    silent = np.zeros(len(values), bool)
    silent[20:40] = True
    np.testing.assert_array_equal(curve(values, silent, width, engine.unit), expected)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"threshold": 1.0}, "threshold: expected more than 0 and less than 1, got 1.0"),
        ({"threshold": math.nan}, "threshold: expected more than 0 and less than 1, got nan"),
        ({"offset_threshold": 0.7}, "offset_threshold: expected at most threshold"),
        ({"min_speech": -1}, "min_speech: expected 0 s or more, got -1"),
        ({"pad": math.inf}, "pad: expected 0 s or more, got inf"),
        ({"max_speech": 0.1, "pad": 0.1}, "max_speech: expected 0.4 s or more"),
    ],
)
def test_values_outside_their_range_are_named(changes, message):
    with pytest.raises(AtomicVADError) as caught:
        rules(**changes)
    assert str(caught.value).startswith(message)
