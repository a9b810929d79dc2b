"""The verdict on a run: right for honest reruns, for shifts, for bytes, for a spread of zero."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from atomicvad.report.verdict import difference, holm, judge

# Mean and standard deviation over the ten seeds that were committed first; the correlations of the
# numbers over seeds leave the rates as they are, or lower them.
COMMITTED = {
    "AUROC": (0.9265, 0.0042),
    "AUROC, clean speech": (0.9681, 0.0033),
    "AUROC, speech in noise": (0.8826, 0.0093),
    "AUROC, speech in music": (0.9422, 0.0023),
    "AUROC of frames": (0.9000, 0.0045),
    "F2": (0.8770, 0.0060),
}


def draw(generator, shift=0.0, seeds=10, names=COMMITTED) -> pd.DataFrame:
    """Headline numbers of a set of seeds; ``shift`` is added to every AUROC."""
    rows = []
    for name in names:
        mean, std = COMMITTED[name]
        moved = mean + (shift if name.startswith("AUROC") else 0)
        values = generator.normal(moved, std, seeds)
        rows += [{"seed": n, "quantity": name, "value": v} for n, v in enumerate(values)]
    return pd.DataFrame(rows)


def share_not_reproduced(shift: float, draws: int) -> float:
    generator = np.random.default_rng(0)
    verdicts = [judge(draw(generator, shift), draw(generator)) for _ in range(draws)]
    return float(np.mean([not verdict.reproduced for verdict in verdicts]))


def test_honest_reruns_are_called_reproduced():
    assert share_not_reproduced(0.0, draws=500) <= 0.02


@pytest.mark.parametrize("shift", [0.015, -0.015])
def test_a_shift_is_found(shift):
    assert share_not_reproduced(shift, draws=200) >= 0.95


def test_the_interval_holds_the_true_difference_as_often_as_it_says():
    generator = np.random.default_rng(1)
    hits = 0
    for _ in range(1000):
        row = difference(generator.normal(0.93, 0.004, 10), generator.normal(0.92, 0.008, 10))
        hits += row["low"] <= 0.01 <= row["high"]
    assert 0.93 <= hits / 1000 <= 0.97


def test_difference_is_welchs_test():
    generator = np.random.default_rng(2)
    here, reference = generator.normal(0.9, 0.01, 7), generator.normal(0.91, 0.02, 10)
    expected = stats.ttest_ind(here, reference, equal_var=False)
    row = difference(here, reference)
    assert row["p"] == pytest.approx(expected.pvalue)
    interval = expected.confidence_interval()
    assert (row["low"], row["high"]) == pytest.approx((interval.low, interval.high))


def test_holm_is_the_step_down_of_the_textbook():
    p = np.array([0.01, 0.02, 0.03, 0.005])
    assert holm(p) == pytest.approx([0.03, 0.04, 0.04, 0.02])
    assert (holm(np.full(5, 0.9)) == 1).all()


def table(values, name="AUROC"):
    return pd.DataFrame(
        [{"seed": n, "quantity": name, "value": value} for n, value in enumerate(values)]
    )


def test_a_spread_of_zero_does_not_cry_wolf():
    """Seeds that agree to the last digit, and a rerun that rounds otherwise."""
    assert judge(table([0.9004] * 10), table([0.9] * 10)).reproduced
    assert not judge(table([0.93] * 10), table([0.9] * 10)).reproduced


def test_a_sure_difference_within_the_margin_is_reproduced():
    verdict = judge(table([0.9031, 0.9032, 0.9033]), table([0.9, 0.9001, 0.9002]))
    assert verdict.table["p"].iloc[0] < 0.01 and verdict.reproduced


def test_one_seed_is_compared_with_the_others_spread():
    assert judge(table([0.905]), table([0.89, 0.9, 0.91])).reproduced
    assert not judge(table([0.99]), table([0.89, 0.9, 0.91, 0.9, 0.905, 0.895])).reproduced


def test_what_is_said_has_the_numbers():
    here, reference = table([0.924, 0.925, 0.926]), table([0.925, 0.926, 0.927])
    assert judge(here, reference).text == (
        "reproduced: AUROC 0.925 here, 0.926 in the reference, difference −0.001 [−0.003, 0.001]"
    )
    said = judge(table([0.80, 0.801, 0.802]), reference).text
    assert said.startswith("not reproduced: AUROC 0.801 here, 0.926 in the reference, difference ")
    few = judge(table([0.92, 0.94]), table([0.92, 0.95])).text
    assert few.endswith("so few seeds do not exclude a difference of 0.01")


def test_the_number_that_differs_is_named():
    both = [
        pd.concat([table([0.9, 0.901, 0.902]), table(f2, "F2")])
        for f2 in ([0.5, 0.51, 0.52], [0.8, 0.81, 0.82])
    ]
    assert judge(*both).text.startswith("not reproduced: F2 0.510 here")


def test_a_number_that_the_other_has_not_is_left_out():
    both = pd.concat([table([0.9, 0.91]), table([0.9, 0.91], "AUROC, speech in music")])
    assert len(judge(table([0.9, 0.91]), both).table) == 1
