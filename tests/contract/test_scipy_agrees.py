"""Our statistics against SciPy's own tests and intervals, on any values."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from tracker.reading.comparison.stats import estimate, holm, paired, unpaired

VALUES = st.lists(st.floats(0.001, 1.0).map(lambda value: round(value, 4)), min_size=2, max_size=12)


def spread_out(values: list[float]) -> bool:
    return float(np.std(values)) > 1e-4


@given(VALUES)
def test_mean_std_and_interval(values: list[float]) -> None:
    assume(spread_out(values))
    found = estimate(values)
    low, high = scipy_stats.t.interval(
        0.95, len(values) - 1, loc=np.mean(values), scale=scipy_stats.sem(values)
    )
    assert found.n == len(values)
    assert found.mean == pytest.approx(np.mean(values), rel=1e-12)
    assert found.std == pytest.approx(np.std(values, ddof=1), rel=1e-9)
    assert found.low == pytest.approx(low, rel=1e-9, abs=1e-12)
    assert found.high == pytest.approx(high, rel=1e-9, abs=1e-12)


@given(VALUES, VALUES)
def test_the_paired_difference(before: list[float], after: list[float]) -> None:
    n = min(len(before), len(after))
    before, after = before[:n], after[:n]
    assume(spread_out([b - a for a, b in zip(before, after, strict=True)]))
    found = paired(list(zip(before, after, strict=True)))
    right = scipy_stats.ttest_rel(after, before)
    interval = right.confidence_interval(0.95)
    assert found.p == pytest.approx(right.pvalue, rel=1e-7, abs=1e-12)
    assert found.low == pytest.approx(interval.low, rel=1e-7, abs=1e-9)
    assert found.high == pytest.approx(interval.high, rel=1e-7, abs=1e-9)
    assert found.kind == "paired"


@given(VALUES, VALUES)
def test_the_unpaired_difference(before: list[float], after: list[float]) -> None:
    assume(spread_out(before) and spread_out(after))
    found = unpaired(before, after)
    right = scipy_stats.ttest_ind(after, before, equal_var=False)
    interval = right.confidence_interval(0.95)
    assert found.p == pytest.approx(right.pvalue, rel=1e-7, abs=1e-12)
    assert found.low == pytest.approx(interval.low, rel=1e-7, abs=1e-9)
    assert found.high == pytest.approx(interval.high, rel=1e-7, abs=1e-9)
    assert (found.kind, found.n) == ("unpaired", min(len(before), len(after)))


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_is_what_its_definition_says(p_values: list[float]) -> None:
    """max over the smaller ones of (m - rank) p, cut at 1: written out once more, the slow way."""
    m = len(p_values)
    order = sorted(range(m), key=lambda at: p_values[at])
    expected = {
        at: min(1.0, max((m - rank) * p_values[other] for rank, other in enumerate(order[: i + 1])))
        for i, at in enumerate(order)
    }
    assert holm(p_values) == [pytest.approx(expected[at]) for at in range(m)]


def test_the_smallest_difference_that_shows_is_where_p_is_the_level() -> None:
    values = [0.1, 0.4, 0.25, 0.3]
    found = paired([(0.0, value) for value in values])
    least = found.least()
    assert least is not None
    shifted = [value - np.mean(values) + least for value in values]
    assert scipy_stats.ttest_1samp(shifted, 0).pvalue == pytest.approx(0.05, rel=1e-9)
    of_three = found.least(3)
    assert of_three is not None
    shifted = [value - np.mean(values) + of_three for value in values]
    assert 3 * scipy_stats.ttest_1samp(shifted, 0).pvalue == pytest.approx(0.05, rel=1e-9)
    assert math.isclose(paired([(0.5, 0.6)]).mean, 0.1)
