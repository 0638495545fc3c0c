from typing import Any

import pytest

from tracker.errors import Problem
from tracker.spec.check import check
from tracker.spec.node import Text, place
from tracker.spec.rules import Finding, broken
from tracker.spec.schema import run


def findings(document: dict[str, Any]) -> list[Finding]:
    problems: list[Problem] = []
    node = place({"name": "a", **document}, Text("x", whole=False))
    return broken(check(node, run(), (), problems))


def test_the_defaults_break_no_rule() -> None:
    for name in ("cosine", "constant", "step", "multistep", "one_cycle"):
        for data in ("cifar10", "image_folder", "shapes"):
            assert findings({"schedule": {"name": name}, "data": {"name": data}}) == []


@pytest.mark.parametrize(
    ("document", "path", "expected"),
    [
        ({"name": "con"}, "name", "'con' is a name that Windows reserves for a device"),
        ({"name": "lpt1.json"}, "name", "'lpt1.json' is a name that Windows reserves for a device"),
        ({"name": "a."}, "name", "'a.' ends in '.', which Windows drops"),
        ({"variant": "nul"}, "variant", "'nul' is a name that Windows reserves for a device"),
        (
            {"data": {"name": "shapes", "train_size": 100}},
            "training.batch_size",
            "is 128, and data.train_size is 100: more than the 100 pictures there",
        ),
        (
            {"training": {"batch_size": 50_001}},
            "training.batch_size",
            "is 50001, and data.name is cifar10: more than the 50000 pictures there",
        ),
        (
            {"schedule": {"warmup_epochs": 10}},
            "schedule.warmup_epochs",
            "is 10, and training.epochs is 10: it must be shorter",
        ),
        (
            {"schedule": {"name": "step", "step_epochs": 10}},
            "schedule.step_epochs",
            "is 10, and training.epochs is 10: it never drops",
        ),
        (
            {"schedule": {"name": "multistep", "milestones": [5, 10]}},
            "schedule.milestones",
            "hold 10, and training.epochs is 10: it is never reached",
        ),
        (
            {"schedule": {"name": "multistep", "milestones": [5, 5]}},
            "schedule.milestones",
            "must rise, and are 5 and 5",
        ),
        (
            {"schedule": {"min_lr": 0.1}},
            "schedule.min_lr",
            "is 0.1, and optimizer.lr is 0.1: it must be lower",
        ),
        (
            {"optimizer": {"momentum": 0}},
            "optimizer.nesterov",
            "is true, and optimizer.momentum is 0: it needs a momentum",
        ),
        (
            {"data": {"crop_padding": 32}},
            "data.crop_padding",
            "is 32, and pictures have a side of 32: it must be less",
        ),
        (
            {
                "data": {
                    "name": "image_folder",
                    "image_size": 64,
                    "cutout_size": 65,
                    "augment": ["cutout"],
                }
            },
            "data.cutout_size",
            "is 65, and pictures have a side of 64: it must fit",
        ),
        (
            {"expect": {"loss/train": {"at_step": 3}}},
            "expect.loss/train",
            "holds no bound; it takes min or max",
        ),
        (
            {"expect": {"perf/images_per_second": {}}},
            "expect.perf/images_per_second",
            "holds no bound; it takes min or min_ratio",
        ),
        (
            {"expect": {"accuracy/val": {"min": 0.6, "max": 0.5}}},
            "expect.accuracy/val.min",
            "is 0.6, and max is 0.5: nothing lies between",
        ),
    ],
)
def test_rule(document: dict[str, Any], path: str, expected: str) -> None:
    assert [finding[:2] for finding in findings(document)] == [(path, expected)]


@pytest.mark.parametrize(
    "document",
    [
        {"name": "console"},
        {"name": "com10"},
        {"schedule": {"warmup_epochs": 9.5}},
        {"optimizer": {"momentum": 0, "nesterov": False}},
        {"data": {"name": "shapes", "train_size": 128}},
        {"data": {"name": "image_folder"}, "training": {"batch_size": 100_000}},
        {"data": {"cutout_size": 32, "crop_padding": 31, "augment": ["cutout", "random_crop"]}},
        {"data": {"cutout_size": 33, "crop_padding": 32, "augment": []}},
        {"checkpoint": {"metric": "loss/val"}},
        {"training": {"early_stopping": {"metric": "loss/val"}}},
        {"expect": {"accuracy/val": {"min": 0.5, "max": 0.5}, "loss/val": None}},
    ],
)
def test_what_only_just_keeps_the_rules(document: dict[str, Any]) -> None:
    assert findings(document) == []


def test_a_rule_is_silent_where_its_fields_are_wrong() -> None:
    assert findings({"schedule": {"warmup_epochs": 99}, "training": {"epochs": "1"}}) == []
    assert findings({"schedule": {"warmup_epochs": 99}, "training": []}) == []
