from typing import Any

import pytest

from tracker.spec.merge import assign, merge, override
from tracker.spec.node import INVALID, Node, Text, place, plain

HERE, THERE = Text("here", whole=False), Text("there", whole=False)


def merged(base: dict[str, Any], over: dict[str, Any]) -> Any:
    return plain(merge(place(base, HERE), place(over, THERE)))


@pytest.mark.parametrize(
    ("base", "over", "expected"),
    [
        ({"a": {"b": 1, "c": 2}}, {"a": {"c": 3}}, {"a": {"b": 1, "c": 3}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": {"b": 1}}, {"a": None}, {"a": None}),
        ({"a": None}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({"$schema": "s", "extends": "e", "variant": "v", "name": "n"}, {}, {"name": "n"}),
        ({}, {"variant": "v"}, {"variant": "v"}),
    ],
)
def test_objects_are_merged_and_all_else_replaced(base: Any, over: Any, expected: Any) -> None:
    assert merged(base, over) == expected


def test_another_variant_drops_what_only_the_former_has() -> None:
    base = {"optimizer": {"name": "sgd", "lr": 0.1, "momentum": 0.9, "typo": 1}}
    assert merged(base, {"optimizer": {"name": "adam", "eps": 1e-3}}) == {
        "optimizer": {"name": "adam", "lr": 0.1, "typo": 1, "eps": 1e-3}
    }


def test_a_variant_left_unsaid_is_the_default_one() -> None:
    assert merged({"optimizer": {"momentum": 0.9}}, {"optimizer": {"name": "adam"}}) == {
        "optimizer": {"name": "adam"}
    }


def test_the_same_variant_or_an_unknown_one_drops_nothing() -> None:
    base = {"optimizer": {"name": "sgd", "momentum": 0.9}}
    names: list[Any] = ["sgd", "sgdd", 5, []]
    for name in names:
        assert merged(base, {"optimizer": {"name": name}})["optimizer"]["momentum"] == 0.9


def test_backbones_keep_the_fields_that_both_have() -> None:
    base = {"model": {"backbone": "resnet50", "stem": "imagenet"}}
    assert merged(base, {"model": {"backbone": "se_resnet50"}})["model"]["stem"] == "imagenet"
    assert merged(base, {"model": {"backbone": "resnet9"}}) == {"model": {"backbone": "resnet9"}}


def test_a_later_value_leaves_one_on_the_axis() -> None:
    base = {"matrix": {"seed": [0, 1], "optimizer.lr": [0.1, 0.2]}}
    over = {"seed": 7, "optimizer": {"lr": 0.3}}
    assert merged(base, over)["matrix"] == {"seed": [7], "optimizer.lr": [0.3]}


def test_a_later_axis_stands_beside_a_later_value() -> None:
    found = merged({"matrix": {"seed": [0, 1]}}, {"seed": 7, "matrix": {"seed": [2, 3]}})
    assert found["matrix"] == {"seed": [2, 3]}


def test_override_replaces_whole_blocks_and_narrows_axes() -> None:
    before = {"optimizer": {"lr": 0.1, "momentum": 0.5}, "matrix": {"optimizer.lr": [1]}}
    document = place(before, HERE)
    found = override(document, ("optimizer",), place({"name": "adam", "lr": 2}, THERE))
    assert plain(found) == {
        "optimizer": {"name": "adam", "lr": 2},
        "matrix": {"optimizer.lr": [2]},
    }
    assert plain(document) == before


def test_override_of_the_matrix_is_taken_as_it_stands() -> None:
    document = place({"matrix": {"seed": [0, 1]}}, HERE)
    assert plain(override(document, ("matrix",), place({}, THERE))) == {"matrix": {}}
    assert plain(override(document, ("matrix", "seed"), place([5], THERE))) == {
        "matrix": {"seed": [5]}
    }


def test_assign_makes_objects_on_the_way() -> None:
    node = place({"training": {"early_stopping": None}}, HERE)
    found = assign(node, ("training", "early_stopping", "patience"), place(3, THERE))
    assert plain(found) == {"training": {"early_stopping": {"patience": 3}}}
    assert plain(assign(node, ("data", "root"), place("x", THERE)))["data"] == {"root": "x"}


@pytest.mark.parametrize("wrong", ["sgd", 1, [], INVALID])
def test_assign_leaves_what_is_wrong_to_be_complained_about(wrong: Any) -> None:
    node = Node({"optimizer": Node(wrong, HERE)}, HERE)
    found = assign(node, ("optimizer", "lr"), place(3, THERE))
    assert found.value["optimizer"].value is wrong


@pytest.mark.parametrize("before", [False, "backbone", ["layer1"], None])
def test_a_field_of_several_kinds_becomes_an_object(before: Any) -> None:
    document = place({"model": {"freeze": before}}, HERE)
    found = override(document, ("model", "freeze", "until_epoch"), place(3, THERE))
    assert plain(found) == {"model": {"freeze": {"until_epoch": 3}}}


def test_a_block_that_is_no_object_stays_to_be_complained_about() -> None:
    found = override(place({"model": 3}, HERE), ("model", "backbone"), place("a", THERE))
    assert plain(found) == {"model": 3}
