import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tracker.reading.comparison.stats import holm
from tracker.reading.gate.chance import levels, predict


def test_it_is_the_prediction_interval_of_the_textbooks() -> None:
    recorded, new = [1.0, 2.0, 3.0, 4.0], [2.5, 3.5]
    found = predict(recorded, new, None)
    std = np.std(recorded, ddof=1)
    assert found.std == pytest.approx(std)
    assert found.error == pytest.approx(std * math.sqrt(1 / 2 + 1 / 4))
    assert found.reach(0.05) == pytest.approx(stats.t.ppf(0.975, 3) * found.error)
    assert found.p == pytest.approx(2 * stats.t.sf(0.5 / found.error, 3))


def test_one_new_value_is_held_to_what_scipy_says_of_two_samples_of_one_variance() -> None:
    # With k = 1 the pooled variance of the two-sample t-test is that of the recorded alone.
    recorded, new = [0.1, 0.4, 0.2, 0.3, 0.35], [0.9]
    assert predict(recorded, new, None).p == pytest.approx(
        stats.ttest_ind(recorded, new, equal_var=True).pvalue
    )


def test_only_worse_counts_where_there_is_a_goal() -> None:
    up = predict([0.5, 0.6, 0.7], [0.9], "max")
    down = predict([0.5, 0.6, 0.7], [0.9], "min")
    assert up.p > 0.9
    assert up.p_better == pytest.approx(down.p)
    assert down.p < 0.1
    assert predict([0.5, 0.6, 0.7], [0.9], None).p == pytest.approx(2 * down.p)
    assert predict([0.5, 0.6, 0.7], [0.9], None).p_better == 1.0


def test_seeds_that_agree_by_luck_promise_nothing_finer_than_a_grain() -> None:
    assert predict([1.0, 1.0], [1.0], "max", grain=0.02).std == 0.02
    assert predict([1.0, 1.0], [1.0], "max").std == pytest.approx(1e-6)
    assert predict([0.0, 0.0], [0.0], "max").p == pytest.approx(0.5)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.floats(0.001, 0.2))
def test_what_exceeds_its_level_is_what_holm_lets_stand(
    p_values: list[float], level: float
) -> None:
    failed = [p <= held for p, held in zip(p_values, levels(p_values, level), strict=True)]
    corrected = holm(p_values)
    for is_failed, p in zip(failed, corrected, strict=True):
        if not math.isclose(p, level):
            assert is_failed == (p < level)


def test_unchanged_code_fails_as_seldom_as_promised() -> None:
    chance = np.random.default_rng(0)
    failures = 0
    for _ in range(4000):
        predictions = []
        for goal in ("max", "min", None):
            values = chance.normal(0.5, 0.1, 6)
            predictions.append(predict(values[:5].tolist(), values[5:].tolist(), goal))
        p_values = [one.p for one in predictions]
        held = levels(p_values, 0.05)
        failures += any(p <= most for p, most in zip(p_values, held, strict=True))
    assert 0.035 < failures / 4000 < 0.06
