from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tracker.spec.explain import explain, foreign, twice
from tracker.spec.node import INVALID, Node, Text, place


def said(value: Any, part: dict[str, Any]) -> list[str]:
    """What is said of each error that jsonschema finds in `value`, in its order."""
    node = place(value, Text("x", whole=False))
    return [
        str(problem).removeprefix("x: f: ")
        for error in Draft202012Validator(part).iter_errors(value)
        for problem in explain(error, node, ("f",))
    ]


@pytest.mark.parametrize(
    ("part", "value", "expected"),
    [
        ({"type": "number"}, "1", "a number is expected, not the string '1'"),
        ({"type": ["string", "null"]}, 1.5, 'quoted it would be one: "1.5"'),
        ({"minimum": 1}, 0, "must be at least 1, and is 0"),
        ({"exclusiveMinimum": 1}, 1, "must be above 1, and is 1"),
        ({"maximum": 1}, 2, "must be at most 1, and is 2"),
        ({"exclusiveMaximum": 1}, 1.0, "must be below 1, and is 1.0"),
        ({"minItems": 1, "maxItems": 2}, [], "must hold 1 to 2 values, and holds 0"),
        ({"maxItems": 0}, [1], "must hold 0 values, and holds 1"),
        ({"const": "ab", "title": "Thing"}, "abc", "unknown thing 'abc'; did you mean 'ab'? "),
        (
            {"pattern": "^a*$", "patternErrorMessage": "only a"},
            "aab",
            "'b' at character 3 of 'aab' is not allowed; only a",
        ),
    ],
)
def test_each_keyword_has_its_words(part: dict[str, Any], value: Any, expected: str) -> None:
    [words] = said(value, part)
    assert expected in words


@pytest.mark.parametrize(
    "part",
    [{"type": "integer"}, {"maxLength": 9}, {"enum": ["a"], "title": "Thing"}],
)
def test_a_long_value_is_not_repeated(part: dict[str, Any]) -> None:
    [words] = said("x" * 1_000_000, part)
    assert len(words) < 150


def test_a_choice_among_values_of_all_types_is_listed_as_it_is_written() -> None:
    assert foreign(1, ["auto", True, None], "Speed") == (
        "unknown speed 1; Allowed: auto, true or null"
    )


def test_only_what_is_written_alike_stands_twice() -> None:
    text = Text("x", whole=False)
    items = [Node(value, text) for value in (1, 1.0, True, "1", INVALID, INVALID, 1)]
    assert [p.path for p in twice(items, ("f",))] == ["f[6]"]
