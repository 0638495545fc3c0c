from typing import Any

import pytest

from tracker.errors import Problem
from tracker.spec.check import Known, check
from tracker.spec.node import INVALID, Text, place
from tracker.spec.scan import scan
from tracker.spec.schema import run


def checked(document: dict[str, Any]) -> tuple[Any, list[str]]:
    problems: list[Problem] = []
    node = place({"name": "a", **document}, Text("x", whole=False))
    return check(node, run(), (), problems), [str(p).removeprefix("x: ") for p in problems]


def test_defaults_are_filled_in_everywhere() -> None:
    filled, problems = checked({})
    assert problems == []
    assert filled["data"] == {
        "name": "cifar10",
        "root": "data",
        "download": True,
        "train_size": None,
        "val_size": None,
        "augment": ["random_crop", "horizontal_flip"],
        "crop_padding": 4,
        "cutout_size": 8,
        "mean": None,
        "std": None,
        "classes": None,
        "image_size": None,
        "interpolation": None,
    }
    assert filled["model"] == {
        "backbone": "cifar_resnet20",
        "weights": None,
        "fresh": [],
        "freeze": False,
    }
    assert filled["optimizer"]["weight_decay"] == 5e-4
    assert filled["schedule"] == {"name": "cosine", "min_lr": 0.0, "warmup_epochs": 0.0}
    assert filled["training"]["early_stopping"] is None
    assert "$schema" not in filled


def test_defaults_follow_the_variant() -> None:
    filled, problems = checked(
        {
            "data": {"name": "shapes"},
            "optimizer": {"name": "adamw"},
            "training": {"early_stopping": {}},
        }
    )
    assert problems == []
    assert filled["data"]["augment"] == []
    assert filled["optimizer"] == {
        "name": "adamw",
        "lr": 1e-3,
        "betas": [0.9, 0.999],
        "eps": 1e-8,
        "backbone_lr": None,
        "layer_decay": None,
        "weight_decay": 0.01,
    }
    assert filled["training"]["early_stopping"] == {
        "metric": "accuracy/val",
        "patience": 5,
        "min_delta": 0.0,
    }


def test_defaults_are_fresh_each_time() -> None:
    checked({})[0]["data"]["augment"].append("cutout")
    assert checked({})[0]["data"]["augment"] == ["random_crop", "horizontal_flip"]


def test_an_integer_for_a_number_becomes_a_float_and_minus_zero_nothing() -> None:
    filled, _ = checked({"optimizer": {"lr": 1, "weight_decay": -0.0}})
    assert repr(filled["optimizer"]["lr"]) == "1.0"
    assert repr(filled["optimizer"]["weight_decay"]) == "0.0"


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        # types
        ({"seed": "0"}, "seed: an integer is expected, not the string '0'"),
        ({"seed": True}, "seed: an integer is expected, not a boolean"),
        ({"seed": None}, "seed: an integer is expected, not null"),
        ({"seed": 1.0}, "seed: an integer is expected, not the number 1.0; write 1"),
        ({"seed": -0.0}, "seed: an integer is expected, not the number -0.0; write 0"),
        ({"seed": 1e308}, "seed: an integer is expected, not the number 1e+308"),
        ({"seed": 0.5}, "seed: an integer is expected, not the number 0.5"),
        (
            {"description": 2024},
            'description: a string is expected, not an integer; quoted it would be one: "2024"',
        ),
        ({"data": []}, "data: an object is expected, not an array"),
        ({"data": None}, "data: an object is expected, not null"),
        ({"data": {"download": 1}}, "data.download: true or false is expected, not an integer"),
        (
            {"training": {"max_steps": "x"}},
            "training.max_steps: an integer or null is expected, not the string 'x'",
        ),
        (
            {"training": {"early_stopping": True}},
            "training.early_stopping: an object or null is expected, not a boolean",
        ),
        (
            {"optimizer": {"name": 1}},
            "optimizer.name: unknown optimizer 1; Allowed: sgd, adam or adamw",
        ),
        # bounds
        ({"optimizer": {"lr": 0}}, "optimizer.lr: must be above 0, and is 0"),
        ({"optimizer": {"momentum": 1}}, "optimizer.momentum: must be below 1, and is 1"),
        ({"seed": -1}, "seed: must be at least 0, and is -1"),
        ({"seed": 2**32}, "seed: must be at most 4294967295, and is 4294967296"),
        # strings
        ({"data": {"root": ""}}, "data.root: must not be empty"),
        ({"tags": ["x" * 64]}, "tags[0]: must be at most 63 characters long, and has 64"),
        (
            {"data": {"root": "a\x00b"}},
            "data.root: '\\x00' at character 2 of 'a\\x00b' is not allowed; "
            "a path has no control characters",
        ),
        # lists
        (
            {"optimizer": {"name": "adam", "betas": [0.9]}},
            "optimizer.betas: must hold 2 values, and holds 1",
        ),
        (
            {"schedule": {"name": "multistep", "milestones": []}},
            "schedule.milestones: must hold 1 to 100 values, and holds 0",
        ),
        ({"tags": ["a", "b", "a"]}, "tags[2]: 'a' is listed twice"),
        (
            {"data": {"augment": ["flip"]}},
            "data.augment[0]: unknown augmentation 'flip'; "
            "Allowed: random_crop, horizontal_flip, random_resized_crop or cutout",
        ),
        # choices
        (
            {"training": {"channels_last": 1}},
            "training.channels_last: unknown channels last 1; Allowed: auto, true or false",
        ),
        (
            {"schedule": {"name": "cosin"}},
            "schedule.name: unknown schedule 'cosin'; did you mean 'cosine'? "
            "Allowed: cosine, constant, step, multistep or one_cycle",
        ),
        # keys
        ({"sede": 1}, "sede: unknown key 'sede'; did you mean 'seed'?"),
        ({"matrx": 1}, "matrx: unknown key 'matrx'; did you mean 'matrix'?"),
        ({"lr": 1}, "lr: unknown key 'lr'; did you mean optimizer.lr?"),
        (
            {"learning_rate": 1},
            "learning_rate: unknown key 'learning_rate'; did you mean optimizer.lr?",
        ),
        ({"network": {}}, "network: unknown key 'network'; did you mean 'model'?"),
        (
            {"optimizer": {"epochs": 1}},
            "optimizer.epochs: unknown key 'epochs'; did you mean training.epochs?",
        ),
        (
            {"compare": {"zzz": 1}},
            "compare.zzz: unknown key 'zzz'; compare takes by and metric",
        ),
        (
            {"optimizer": {"name": "adam", "momentum": 0.9}},
            "optimizer.momentum: momentum belongs to sgd; "
            "adam takes lr, betas, eps, weight_decay, backbone_lr and layer_decay",
        ),
        (
            {"optimizer": {"eps": 1}},
            "optimizer.eps: eps belongs to adam and adamw; "
            "sgd takes lr, momentum, nesterov, weight_decay, backbone_lr and layer_decay",
        ),
        (
            {"model": {"backbone": "small_cnn", "width": 3}},
            "model.width: width belongs to resnet9 and se_resnet9; "
            "small_cnn takes weights, fresh and freeze",
        ),
    ],
)
def test_what_is_wrong_is_said(document: dict[str, Any], expected: str) -> None:
    assert checked(document)[1] == [expected]


def test_a_wrong_part_is_invalid_and_the_rest_is_there() -> None:
    filled, problems = checked({"seed": "0", "data": {"name": "nothing"}, "tags": ["a", 1]})
    assert len(problems) == 3
    assert filled["seed"] is filled["data"] is filled["tags"] is INVALID
    assert filled["training"]["epochs"] == 10


def test_a_block_is_told_of_once_by_all_runs_that_share_it() -> None:
    node = place({"seed": -1, "data": {"root": ""}}, Text("x"))
    other = node.holding({**node.value, "model": place({"width": 1}, Text("x"))})
    problems: list[Problem] = []
    known: Known = {}
    first = check(node, run(), (), problems, known)
    assert [p.path for p in problems] == ["name", "seed", "data.root"]
    del problems[:]
    second = check(other, run(), (), problems, known)
    assert [p.path for p in problems] == ["name", "seed", "model.width"]
    assert second["data"] is first["data"]


def test_what_the_scanner_refused_is_not_refused_again() -> None:
    problems: list[Problem] = []
    node, found = scan(Text("x", '{"name": "a", "seed": NaN, "model": {"backbone": NaN}}'))
    filled = check(node, run(), (), problems)
    assert len(found) == 2
    assert problems == []
    assert filled["seed"] is INVALID


def test_many_unknown_keys_make_a_short_report() -> None:
    _, problems = checked({f"key{i}": 0 for i in range(1000)})
    assert len(problems) == 11
    assert problems[-1] == "and 990 more unknown keys"


def test_problems_point_at_the_key_or_the_value_or_the_object() -> None:
    problems: list[Problem] = []
    node, _ = scan(Text("x", '{"optimizer": {"lr":  0,\n  "bad": 1}}'))
    check(node, run(), (), problems)
    assert [(p.line, p.column, p.path) for p in problems] == [
        (1, 1, "name"),
        (2, 3, "optimizer.bad"),
        (1, 23, "optimizer.lr"),
    ]
