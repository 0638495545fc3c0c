"""The corners that no formula covers: one value, equal values, rounding."""

import pytest

from tracker.reading.comparison.stats import estimate, holm, paired, unpaired


def test_one_value_has_no_spread() -> None:
    found = estimate([0.5])
    assert (found.n, found.mean, found.std, found.low, found.high) == (1, 0.5, None, None, None)


def test_a_spread_that_is_only_rounding_is_none() -> None:
    found = estimate([0.7, 0.7, 0.7 + 1e-9])
    assert (found.std, found.low, found.high) == (0.0, found.mean, found.mean)


@pytest.mark.parametrize("found", [paired([(0.5, 0.6)]), unpaired([0.5], [0.6, 0.7])])
def test_one_run_proves_nothing(found: object) -> None:
    assert vars(found)["p"] is vars(found)["low"] is vars(found)["std"] is None
    assert vars(found)["n"] == 1


def test_a_spread_that_is_only_rounding_proves_nothing() -> None:
    """0.73 - 0.72 and 0.71 - 0.70 differ in the last bit; so do sums in float32."""
    found = paired([(0.72, 0.73), (0.70, 0.71), (0.5, 0.51 + 1e-8)])
    assert (found.std, found.p, found.low) == (0.0, None, None)
    assert found.mean == pytest.approx(0.01)


def test_identical_values_have_no_difference() -> None:
    found = paired([(0.5, 0.5), (0.6, 0.6)])
    assert (found.mean, found.std, found.p, found.least()) == (0.0, 0.0, None, None)


def test_of_two_groups_one_may_not_vary() -> None:
    found = unpaired([0.5, 0.5, 0.5], [0.6, 0.7, 0.8])
    assert found.freedom == pytest.approx(2)
    assert found.p == pytest.approx(0.0742, abs=1e-4)  # the one-sample test of 0.2


def test_holm_keeps_the_order_it_was_given() -> None:
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []
