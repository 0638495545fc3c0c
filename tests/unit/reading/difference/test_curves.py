"""Where two curves part is told bit for bit, whatever the order and the gaps of their points."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.events.reader import Series
from tracker.reading.difference.curves import End, MetricDiff, Parting, compare_curves
from tracker.store.summary import Metric


def curve(points: list[tuple[int, float]]) -> Series:
    steps, values = zip(*points, strict=True) if points else ((), ())
    return Series(np.array(steps, np.int64), np.zeros(len(points)), np.array(values, np.float64))


def compare(
    one: list[tuple[int, float]] | None,
    other: list[tuple[int, float]] | None,
    tag: str = "loss/val",
) -> MetricDiff:
    sides = [{} if points is None else {tag: curve(points)} for points in (one, other)]
    [found] = compare_curves(sides[0], sides[1], ({}, {}))
    return found


def test_the_first_step_that_is_not_the_same_is_named() -> None:
    found = compare([(1, 0.5), (2, 0.4), (3, 0.3)], [(1, 0.5), (2, 0.4), (3, 0.2)])
    assert (found.common, found.same_up_to) == (3, 2)
    assert found.parting == Parting(3, 0.3, 0.2)
    assert found.differs


def test_only_the_steps_both_have_are_compared() -> None:
    found = compare([(1, 0.5), (2, 0.4)], [(2, 0.4), (4, 0.1)])
    assert (found.common, found.same_up_to, found.parting) == (1, 2, None)
    assert found.differs
    apart = compare([(1, 0.5)], [(2, 0.5)])
    assert (apart.common, apart.same_up_to, apart.parting, apart.differs) == (0, None, None, True)


@pytest.mark.parametrize(
    ("one", "other", "differs"),
    [
        (math.nan, math.nan, False),
        (math.nan, 1.0, True),
        (math.inf, math.inf, False),
        (0.0, -0.0, True),
        (0.1, math.nextafter(0.1, 1), True),
    ],
)
def test_values_are_the_same_bit_for_bit(one: float, other: float, differs: bool) -> None:
    assert compare([(1, one)], [(1, other)]).differs is differs


def test_the_best_value_is_finite_and_the_earliest_of_equals() -> None:
    found = compare([(1, math.nan), (2, 0.3), (3, 0.3), (4, -math.inf), (5, 0.9)], None)
    assert found.before == End(5, 0.9, 5, 0.3, 2)
    assert found.after is None
    assert compare([(1, 0.2), (2, 0.7)], None, "accuracy/val").before == End(2, 0.7, 2, 0.7, 2)
    assert compare([(1, 0.2), (2, 0.7)], None, "anything").before == End(2, 0.7, 2, None, None)
    assert compare([(1, math.nan)], [(1, math.nan)]).differs is False


def test_of_a_step_written_twice_the_later_value_counts() -> None:
    found = compare([(1, 0.5), (2, 0.4), (1, 0.6)], [(1, 0.6), (2, 0.4)])
    assert (found.common, found.parting, found.differs) == (2, None, False)


def test_timings_are_told_apart() -> None:
    assert compare([(1, 5.0)], [(1, 6.0)], "perf/images_per_second").is_timing
    assert compare([(1, 5.0)], [(1, 6.0)], "system/cpu").is_timing
    assert not compare([(1, 5.0)], [(1, 6.0)], "performance").is_timing


def test_the_summary_speaks_where_there_is_no_curve() -> None:
    was, other = Metric("max", 0.5, 3, 0.6, 2), Metric("max", 0.5, 3, 0.7, 1)
    [found] = compare_curves({}, {}, ({"t": was}, {"t": other}))
    assert found.before == End(None, 0.5, 3, 0.6, 2)
    assert (found.goal, found.differs) == ("max", True)
    [same] = compare_curves({}, {}, ({"t": was}, {"t": was}))
    assert not same.differs


POINTS = st.lists(
    st.tuples(st.integers(0, 9), st.sampled_from([0.0, 1.0, math.nan])), min_size=1, max_size=12
)


@given(POINTS, POINTS)
def test_a_comparison_agrees_with_one_made_by_hand(
    one: list[tuple[int, float]], other: list[tuple[int, float]]
) -> None:
    found = compare(one, other)
    left, right = dict(one), dict(other)
    common = sorted(left.keys() & right.keys())
    unlike = [step for step in common if repr(left[step]) != repr(right[step])]
    assert found.common == len(common)
    assert (found.parting.step if found.parting else None) == (unlike[0] if unlike else None)
    assert found.differs == (repr(sorted(left.items())) != repr(sorted(right.items())))
