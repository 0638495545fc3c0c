"""Confusion matrices side by side, and what stands out."""

import numpy as np
import pytest

from tracker.reading.report.confusions import MOST_CLASSES, Confusions, confusions
from tracker.reading.report.evaluated import Judged

BASE = [[8, 2, 0], [0, 10, 0], [5, 0, 5]]
OTHER = [[16, 0, 4], [0, 20, 0], [10, 0, 10]]  # of twice as many


def asked(number: int, name: str, counts: object) -> Judged:
    return Judged(number, name, (), (), None if counts is None else np.array(counts))


def found(*counts: object, reference: str = "0") -> Confusions:
    groups = [asked(number, str(number), one) for number, one in enumerate(counts)]
    result = confusions(groups, reference)
    assert result is not None
    return result


def test_rows_are_shares_and_gaps_are_to_the_reference() -> None:
    first, other = found(BASE, OTHER).matrices
    assert first.shares[0] == pytest.approx((80, 20, 0))
    assert first.gaps is None
    assert other.counts[0] == (16, 0, 4)
    assert other.gaps is not None
    assert other.gaps[0] == pytest.approx((0, -20, 20))
    assert other.gaps[2] == pytest.approx((0, 0, 0))


def test_the_pairs_are_those_the_groups_differ_in() -> None:
    pairs = found(BASE, OTHER).pairs
    assert [(pair.true, pair.taken) for pair in pairs] == [("0", "1"), ("0", "2")]
    assert pairs[0].shares == pytest.approx((20, 0))
    assert pairs[0].gaps[0] is None
    assert pairs[0].gaps[1] == pytest.approx(-20)


def test_of_a_single_group_the_pairs_are_those_it_confuses() -> None:
    pairs = found(BASE).pairs
    assert [(pair.true, pair.taken, pair.shares) for pair in pairs] == [
        ("2", "0", (50.0,)),
        ("0", "1", (20.0,)),
    ]


def test_without_the_references_matrix_there_are_no_gaps() -> None:
    result = found(None, BASE, OTHER)
    assert result.reference == ""
    assert [each.gaps for each in result.matrices] == [None, None]
    assert {gap for pair in result.pairs for gap in pair.gaps} == {None}


def test_a_class_without_pictures_divides_nothing() -> None:
    assert found([[0, 0], [0, 2]]).matrices[0].shares == ((0, 0), (0, 100))


def test_many_classes_leave_the_pairs_alone() -> None:
    size = MOST_CLASSES + 1
    result = found(np.ones((size, size), int))
    assert result.matrices == ()
    assert len(result.pairs) == 12


def test_no_matrix_at_all() -> None:
    assert confusions([asked(0, "0", None)], "0") is None
