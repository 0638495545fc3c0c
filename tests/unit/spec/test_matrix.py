from typing import Any

import pytest

from tracker.errors import Problem
from tracker.spec.matrix import axes, members, variant
from tracker.spec.node import INVALID, Node, Text, place, plain
from tracker.spec.scan import scan


def found(matrix: Any) -> tuple[dict[str, Any], list[str]]:
    problems: list[Problem] = []
    document = place({"matrix": matrix}, Text("x", whole=False))
    varied = axes(document, problems)
    return {axis: [plain(v) for v in values] for axis, values in varied.items()}, [
        str(p).removeprefix("x: ") for p in problems
    ]


def test_axes_keep_the_order_of_the_file() -> None:
    matrix = {"seed": [0, 1], "model.backbone": ["a"], "data.augment": [[], ["cutout"]]}
    assert found(matrix) == (matrix, [])
    assert list(found(matrix)[0]) == list(matrix)


def test_no_matrix_has_no_axes() -> None:
    assert axes(place({}, Text("x")), []) == {}
    assert axes(Node({"matrix": Node(INVALID, Text("x"))}, Text("x")), []) == {}
    assert found({}) == ({}, [])


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        ([], "matrix: an object is expected, of a list of values per field, not an array"),
        ({"seed": 1}, "matrix.seed: a list of values is expected, not an integer"),
        ({"seed": []}, "matrix.seed: a list of values is expected, not an empty one"),
        ({"seed": [1, 2, 1]}, "matrix.seed[2]: 1 is listed twice"),
        (
            {"data.augment": [["cutout"], ["cutout"]]},
            "matrix['data.augment'][1]: an array is listed twice",
        ),
        (
            {"model.bckbone": ["a"]},
            "matrix['model.bckbone']: unknown field 'model.bckbone'; did you mean model.backbone?",
        ),
        ({"lr": [1]}, "matrix.lr: unknown field 'lr'; did you mean optimizer.lr?"),
        ({"qqq": ["a"]}, "matrix.qqq: unknown field 'qqq'; a run has no such field"),
        (
            {"schedule": [{}]},
            "matrix.schedule: schedule is a block; name a field of it, such as "
            "schedule.name, schedule.min_lr or schedule.warmup_epochs",
        ),
        (
            {"seed": list(range(101)), "optimizer.lr": list(range(10))},
            "matrix: makes 1010 runs; at most 1000 may be",
        ),
        ({f"k{i}": [1] for i in range(17)}, "matrix: varies 17 fields; at most 16 may be"),
    ],
)
def test_what_is_no_matrix(matrix: Any, expected: str) -> None:
    assert found(matrix) == ({}, [expected])


def test_a_matrix_of_large_runs_is_refused_before_it_is_expanded() -> None:
    problems: list[Problem] = []
    tags = [0] * 1000
    document = place({"tags": tags, "matrix": {"seed": list(range(1000))}}, Text("x", whole=False))
    assert axes(document, problems) == {}
    wrong = "matrix: makes 1000 runs of 1003 values each; these are no experiments"
    assert list(map(str, problems)) == [f"x: {wrong}"]
    assert found({"data.augment": [["cutout"] * 40, []], "seed": list(range(500))})[1] == []


def test_an_unknown_axis_is_reported_at_its_key() -> None:
    problems: list[Problem] = []
    node, _ = scan(Text("x", '{"matrix": {"seed": [1],\n "lr": [1]}}'))
    assert list(axes(node, problems)) == ["seed"]
    assert [(p.line, p.column) for p in problems] == [(2, 2)]


def expand(document: dict[str, Any]) -> list[dict[str, Any]]:
    node = place(document, Text("x"))
    return [plain(member) for member in members(node, axes(node, []))]


def test_the_last_axis_changes_fastest() -> None:
    runs = expand({"name": "a", "matrix": {"optimizer.lr": [1, 2], "seed": [0, 1]}})
    assert [(run["optimizer"]["lr"], run["seed"]) for run in runs] == [
        (1, 0),
        (1, 1),
        (2, 0),
        (2, 1),
    ]
    assert runs[0].keys() == {"name", "optimizer", "seed"}


def test_a_variant_is_chosen_before_its_fields_are_set() -> None:
    runs = expand(
        {
            "optimizer": {"momentum": 0.9},
            "matrix": {"optimizer.eps": [0.1], "optimizer.name": ["adam"]},
        }
    )
    assert runs == [{"optimizer": {"name": "adam", "eps": 0.1}}]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, "resnet18"),
        ({"model.backbone": "se_resnet50"}, "se_resnet50"),
        ({"model.backbone": "se_resnet50", "optimizer.lr": 0.1}, "se_resnet50,lr=0.1"),
        ({"optimizer.lr": 1.0, "model.backbone": "resnet9"}, "lr=1,resnet9"),
        ({"optimizer.lr": 1e-5}, "lr=1e-05"),
        ({"optimizer.lr": 1e16}, "lr=1e16"),
        ({"optimizer.name": "adam", "schedule.name": "step"}, "optimizer=adam,schedule=step"),
        ({"data.augment": []}, "augment=none"),
        ({"data.augment": ["cutout", "random_crop"]}, "augment=cutout-random_crop"),
        ({"training.ema_decay": None}, "ema_decay=null"),
        ({"training.compile": True}, "compile=true"),
        ({"data.root": "/Data/../é x"}, "root=-data-..-x"),
        ({"data.root": "a."}, "root=a"),
        (
            {"checkpoint.metric": "loss/val", "training.early_stopping.metric": "loss/val"},
            "checkpoint.metric=loss-val,training.early_stopping.met-bdeabc27",
        ),
    ],
)
def test_variant_names(values: dict[str, Any], expected: str) -> None:
    found = variant(values, "resnet18")
    assert len(found) <= 63
    assert found == expected
