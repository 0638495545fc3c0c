import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.observed import curve
from tracker.errors import Damaged
from tracker.events.reader import Series
from tracker.reading.gate.curve import MOST_POINTS, Curve, curve_of, first_difference, shown


def long(values: Any, keep: tuple[int, ...] = ()) -> Curve:
    steps = np.arange(1, len(values) + 1)
    return curve_of(Series(steps, np.zeros(len(steps)), np.array(values, float)), keep)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30))
def test_doubles_are_read_back_to_the_bit(values: list[float]) -> None:
    one = long(values)
    assert Curve.from_document(one.to_document(), "x") == one


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1))
def test_singles_are_read_back_to_the_bit(values: list[float]) -> None:
    one = long(values)
    assert "type" not in one.to_document()
    assert Curve.from_document(one.to_document(), "x") == one


def test_a_single_is_written_as_people_write_it() -> None:
    assert curve([0.1, 0.2]).to_document() == {"steps": [1, 2], "values": [0.1, 0.2]}
    assert shown(float(np.float32(0.1))) == "0.1"
    assert shown(0.1) == "0.1"
    assert shown(0.1 + 1e-16) == repr(0.1 + 1e-16)


def test_a_long_curve_keeps_its_ends_what_is_asked_for_and_the_digest_of_all() -> None:
    values = [float(step) for step in range(1, 1001)]
    one = long(values, keep=(7, 500))
    assert MOST_POINTS <= len(one.steps) <= MOST_POINTS + 2
    assert {1, 7, 500, 1000} <= set(one.steps)
    assert one.points == 1000
    values[600] += 1e-9
    other = long(values, keep=one.steps)
    assert set(one.steps) <= set(other.steps)
    assert other.digest != one.digest
    assert Curve.from_document(one.to_document(), "x") == one


def test_between_points_the_last_one_before_is_kept() -> None:
    steps = np.arange(10, 10_001, 10)
    one = curve_of(Series(steps, np.zeros(1000), steps.astype(float)), keep=(5, 4321))
    assert one.up_to(4321) == 4320
    assert one.up_to(9) is None
    assert one.at(4321) is None


def test_what_was_written_last_at_a_step_counts() -> None:
    series = Series(np.array([1, 2, 1]), np.zeros(3), np.array([5.0, 6.0, 7.0]))
    assert curve_of(series).values == (7.0, 6.0)


def test_the_first_step_that_differs_by_a_bit() -> None:
    before = curve([1.0, 2.0, 3.0])
    assert first_difference(before, before) is None
    assert (
        first_difference(before, curve([1.0, np.nextafter(np.float32(2), np.float32(3)), 9])) == 2
    )
    assert first_difference(curve([0.0]), curve([-0.0])) == 1
    assert first_difference(before, curve([2.0, 9.0], steps=[2, 4])) is None


def test_nan_is_not_finite() -> None:
    assert not curve([1.0, math.nan]).is_finite
    assert curve([1.0]).is_finite


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "x is no JSON object"),
        ({"steps": [1]}, "x has no values"),
        ({"steps": [2, 1], "values": [1, 2]}, "x: steps must be whole numbers that rise"),
        ({"steps": [1.0], "values": [1]}, "x: steps must be whole numbers that rise"),
        ({"steps": [1], "values": []}, "x: values must be numbers, one for each step"),
        ({"steps": [1], "values": ["a"]}, "x: values must be numbers, one for each step"),
        ({"steps": [1], "values": [1], "points": 9}, "x has no digest"),
    ],
)
def test_what_is_no_curve_is_damage(document: Any, message: str) -> None:
    with pytest.raises(Damaged) as error:
        Curve.from_document(document, "x")
    assert str(error.value) == message
