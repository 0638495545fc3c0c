"""Two documents are told apart path by path, and only where they differ."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.spec.differences import MISSING, Difference, differences

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=8,
)
DOCUMENTS = st.dictionaries(st.text(max_size=2), VALUES, max_size=4)


def test_only_what_differs_is_named_in_the_order_of_the_first_document() -> None:
    before = {"seed": 0, "model": {"backbone": "a", "width": 8}, "name": "x"}
    after = {"name": "y", "model": {"width": 8, "backbone": "b"}, "seed": 0, "note": "new"}
    assert differences(before, after) == [
        Difference("model.backbone", "a", "b"),
        Difference("name", "x", "y"),
        Difference("note", MISSING, "new"),
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"a": None}, {}),
        ({}, {"a": None}),
        ({"a": {}}, {}),
        ({"a": {"b": 1}}, {"a": None}),
        ({"a": [1, 2]}, {"a": [2, 1]}),
        ({"a": [1]}, {"a": [1, 1]}),
        ({"a": 1}, {"a": True}),
        ({"a": [0]}, {"a": [False]}),
        ({"a": [{"b": 0}]}, {"a": [{"b": False}]}),
        ({"a": 1}, {"a": "1"}),
        ({"a": math.nan}, {"a": None}),
    ],
)
def test_what_differs_is_named_whole(before: dict[str, Any], after: dict[str, Any]) -> None:
    expected = Difference("a", before.get("a", MISSING), after.get("a", MISSING))
    assert repr(differences(before, after)) == repr([expected])


@pytest.mark.parametrize(
    ("before", "after"),
    [(1, 1.0), (math.nan, math.nan), ([math.nan], [math.nan]), ((1, 2), [1, 2]), ({}, {})],
)
def test_what_is_the_same_is_not_named(before: Any, after: Any) -> None:
    assert differences({"a": before}, {"a": after}) == []


def test_nothing_reads_as_such_in_a_message() -> None:
    assert repr(MISSING) == "nothing"


@given(DOCUMENTS)
def test_a_document_does_not_differ_from_itself(document: dict[str, Any]) -> None:
    assert differences(document, dict(reversed(document.items()))) == []


@given(DOCUMENTS, DOCUMENTS)
def test_both_ways_round_say_the_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    there, back = differences(one, other), differences(other, one)
    turned = [Difference(found.path, found.after, found.before) for found in back]
    assert sorted(map(repr, there)) == sorted(map(repr, turned))
