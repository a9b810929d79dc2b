"""Resampled metrics are scikit-learn's, intervals cover, thresholds and calibration are right."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

from atomicvad.evaluation import calibration, events, intervals
from atomicvad.metrics import DECISION, RANKING, binary_metrics


def items(seed=0, n=400, clips=5):
    generator = np.random.default_rng(seed)
    labels, clip = generator.random(n) < 0.4, generator.integers(clips, size=n)
    scores = (generator.normal(size=n) + 1.2 * labels + 0.3 * clip).round(1)
    return labels, scores, clip, generator.uniform(0.5, 3, n)


@pytest.mark.parametrize("weighted", [False, True])
def test_every_draw_is_what_scikit_learn_says_of_it(weighted):
    labels, scores, clip, seconds = items()
    seconds = seconds if weighted else None
    draws = intervals.clip_draws(5, 6)
    found = intervals.ranking_metrics(
        intervals.ranking_counts(labels, scores, clip, 5, seconds), draws, 0.315
    )
    counts = intervals.decision_counts(labels, scores >= 0.5, clip, 5, seconds)
    found |= intervals.decision_metrics(counts, draws, 0.315)
    for number, draw in enumerate(draws.astype(int)):
        often = draw[clip]
        weights = None if seconds is None else np.repeat(seconds, often)
        expected = binary_metrics(
            np.repeat(labels, often), np.repeat(scores, often), 0.5, 0.315, weights
        )
        for name, value in expected.items():
            assert found[name][number] == pytest.approx(value, abs=1e-9), name
    assert set(found) == set(expected) and set(RANKING + DECISION) < set(found)


def test_coarse_levels_stay_close():
    labels, _, clip, _ = items(n=20000)
    scores = np.random.default_rng(1).normal(size=20000) + labels
    counts = intervals.ranking_counts(labels, scores, clip, 5)
    coarse = intervals.coarsen(counts)
    assert coarse.shape[2] <= intervals.LEVELS and coarse.sum() == counts.sum()
    draws = intervals.clip_draws(5, 1)
    exact, near = (intervals.ranking_metrics(c, draws, 0.315) for c in (counts, coarse))
    for name, values in exact.items():
        np.testing.assert_allclose(near[name], values, atol=2e-3)


def test_an_interval_covers_about_as_often_as_it_says():
    hits = 0
    for seed in range(60):
        labels, scores, clip, _ = items(seed, n=600, clips=30)
        scores = scores - 0.3 * clip  # the same in every clip
        draws = intervals.clip_draws(30, 200, seed)
        counts = intervals.ranking_counts(labels, scores, clip, 30)
        low, high = intervals.interval(intervals.ranking_metrics(counts, draws, 0.3)["auroc"])
        hits += low <= 0.8019 <= high  # of two normal distributions 1.2 apart
    assert 50 <= hits <= 60


def test_seeds_widen_an_interval_and_do_not_move_its_centre():
    values = np.array([[0.9] * 1001, [0.8] * 1001])
    resampled = intervals.over_seeds(values)
    assert resampled[0] == pytest.approx(0.85)
    assert intervals.interval(resampled) == pytest.approx((0.8, 0.9))


def test_a_paired_difference_forgets_what_both_share():
    shared = np.random.default_rng(0).normal(0.9, 0.05, 1001)
    found = intervals.paired_difference(shared + 0.01, shared)
    assert found["difference"] == pytest.approx(0.01) and found["low"] > 0 and found["p"] <= 0.002
    assert intervals.paired_difference(shared, shared)["p"] == 1


def test_the_threshold_has_the_highest_balanced_accuracy():
    labels, scores, _, _ = items()
    chosen = balanced_accuracy_score(labels, scores >= calibration.best_threshold(labels, scores))
    others = [balanced_accuracy_score(labels, scores >= cut) for cut in np.linspace(-3, 4, 200)]
    assert chosen >= max(others) - 1e-12


def test_calibration_of_true_probabilities_is_near_zero_and_of_shifted_ones_is_the_shift():
    generator = np.random.default_rng(0)
    probabilities = generator.uniform(0, 0.8, 200000)
    labels, clip = generator.random(200000) < probabilities, np.zeros(200000, int)
    draws = np.ones((1, 1))
    counts = calibration.reliability_counts(labels, probabilities, clip, 1)
    assert calibration.expected_calibration_error(counts, draws)[0] < 0.01
    counts = calibration.reliability_counts(labels, probabilities + 0.2, clip, 1)
    assert calibration.expected_calibration_error(counts, draws)[0] == pytest.approx(0.2, abs=0.01)
    curve = calibration.reliability_curve(counts)
    gap = curve["probability"] - curve["share"]
    assert np.isnan(gap[:2]).all()  # no score is so low
    np.testing.assert_allclose(gap[2:], 0.2, atol=0.02)


def test_events_are_counted_as_by_hand():
    #        background  speech          background     speech
    speech = np.array([0] * 100 + [1] * 100 + [0] * 200 + [1] * 50, bool)
    decisions = np.zeros(450, bool)
    decisions[10:20] = True  # an alarm in noise
    decisions[130:220] = True  # 0.3 s late, held 0.2 s too long
    decisions[300:310] = decisions[330:340] = True  # two alarms in music
    noise = np.zeros(450, bool)
    noise[:100] = True
    background = {"noise": noise, "music": ~noise & ~speech}
    counts = events.event_counts(speech, decisions, np.ones(450, bool), background, [450])
    found = {k: v[0] for k, v in events.event_metrics(counts, np.ones((1, 1))).items()}
    assert found["onset_latency_p50"] == pytest.approx(0.3)
    assert found["offset_latency_p95"] == pytest.approx(0.2)
    assert found["missed_speech"] == 0.5
    assert found["false_alarms_per_hour noise"] == pytest.approx(3600)
    assert found["false_alarms_per_hour music"] == pytest.approx(3600)
    assert found["detection_error_rate"] == pytest.approx((10 + 30 + 20 + 20 + 50) / 150)
    # What nobody labelled is no error; the alarms in music lie in it.
    labelled = ~background["music"]
    counts = events.event_counts(speech, decisions, labelled, {"noise": noise}, [450])
    rate = events.event_metrics(counts, np.ones((1, 1)))["detection_error_rate"][0]
    assert rate == pytest.approx((10 + 30 + 50) / 150)
