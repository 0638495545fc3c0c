"""Where values and round numbers stand on the paper."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.reading.report.axis import Axis, Tick, fitted

FINITE = st.floats(-1e12, 1e12)


def test_values_stand_in_proportion_and_those_beyond_at_the_end() -> None:
    axis = Axis(0, 10, 100, 0)
    assert axis.at([0, 5, 10, 20, -1]).tolist() == [100, 50, 0, 0, 100]
    assert math.isnan(axis.at([math.nan])[0])


def test_on_a_logarithmic_axis_equal_ratios_have_equal_lengths() -> None:
    axis = Axis(0.01, 1, 0, 100, is_log=True)
    assert axis.at([0.01, 0.1, 1]).tolist() == pytest.approx([0, 50, 100])
    assert [tick.label for tick in axis.ticks(6)] == ["0.01", "0.03", "0.1", "0.3", "1"]


def test_marks_are_at_round_numbers_of_what_is_shown() -> None:
    axis = Axis(0.683, 0.731, 0, 100)
    assert [tick.label for tick in axis.ticks(5, 100)] == ["69", "70", "71", "72", "73"]
    assert Axis(0, 2000, 0, 100).ticks(2) == [Tick(0, "0"), Tick(50, "1,000"), Tick(100, "2,000")]


@pytest.mark.parametrize(
    ("values", "is_log"), [([0.01, 1.0], True), ([0.5, 1.0], False), ([0.0, 1.0], False)]
)
def test_an_axis_bends_where_values_are_wide_and_above_nothing(
    values: list[float], is_log: bool
) -> None:
    assert fitted(values, 0, 100, bend=True).is_log is is_log
    assert not fitted(values, 0, 100).is_log


@pytest.mark.parametrize("values", [[], [math.nan], [0.5], [0.0, math.inf]])
def test_an_axis_has_a_length_whatever_it_shows(values: list[float]) -> None:
    axis = fitted(values, 0, 100)
    assert axis.low < axis.high
    assert axis.ticks(5)


@given(st.lists(FINITE, min_size=1), st.booleans())
def test_all_values_and_a_few_marks_fit_on_the_paper(values: list[float], bend: bool) -> None:
    axis = fitted(values, 10, 210, bend=bend)
    assert ((axis.at(values) >= 10) & (axis.at(values) <= 210)).all()
    ticks = axis.ticks(6)
    assert len(ticks) <= 8
    assert all(10 <= tick.at <= 210 for tick in ticks)
    assert ticks == sorted(ticks, key=lambda tick: tick.at)
