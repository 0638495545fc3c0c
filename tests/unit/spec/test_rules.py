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
            {"data": {"classes": ["cat", "dog"]}, "training": {"batch_size": 10_001}},
            "training.batch_size",
            "is 10001, and data.classes is cat and dog: more than the 10000 pictures there",
        ),
        (
            {
                "data": {"classes": ["cat", "dog"], "train_size": 20_000},
                "training": {"batch_size": 12_000},
            },
            "training.batch_size",
            "is 12000, and data.classes is cat and dog: more than the 10000 pictures there",
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
            {"data": {"name": "image_folder", "image_size": 64, "resize": 63}},
            "data.resize",
            "is 63, and data.image_size is 64: no such square can be cut out",
        ),
        (
            {"data": {"name": "image_folder", "resize": 63}},
            "data.resize",
            "goes with data.image_size, which is null",
        ),
        (
            {"data": {"mean": [0.5, 0.5, 0.5]}},
            "data.mean",
            "goes with data.std, which is null: give both or neither",
        ),
        (
            {"data": {"std": [0.5, 0.5, 0.5]}},
            "data.std",
            "goes with data.mean, which is null: give both or neither",
        ),
        (
            {"model": {"weights": {}}},
            "model.weights",
            "takes either file or run, and has neither",
        ),
        (
            {"model": {"weights": {"file": "a", "run": "b"}}},
            "model.weights",
            "takes either file or run, not both",
        ),
        (
            {"model": {"fresh": ["head"]}},
            "model.fresh",
            "names layers, and model.weights is null: all layers are fresh then",
        ),
        (
            {"model": {"freeze": True}},
            "model.freeze",
            "cannot be true; write 'backbone' to train the head alone",
        ),
        (
            {"model": {"freeze": "layer1"}},
            "model.freeze",
            "unknown freeze 'layer1'; 'backbone', or a list of layers, ['layer1']",
        ),
        (
            {"model": {"freeze": {"until_epoch": 10}}},
            "model.freeze.until_epoch",
            "is 10, and training.epochs is 10: the backbone is never trained; "
            "write 'backbone' for that",
        ),
        (
            {"model": {"freeze": "backbone"}, "optimizer": {"backbone_lr": 0.1}},
            "optimizer.backbone_lr",
            "is given, and model.freeze is 'backbone': only the head learns",
        ),
        (
            {"model": {"backbone": "se_resnet18", "layout": "caffe"}},
            "model.layout",
            "is 'caffe', and se_resnet18 has no bottleneck: only se_resnet50, 101 and 152 have",
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
        {"data": {"name": "image_folder", "image_size": 64, "resize": 64}},
        {
            "data": {"name": "image_folder", "crop_padding": 100},  # the weights know the side
            "model": {"backbone": "resnet18", "weights": "DEFAULT", "freeze": {"until_epoch": 9}},
        },
        {"model": {"weights": {"run": "a"}, "fresh": ["head"], "freeze": "backbone"}},
        {"model": {"backbone": "se_resnet50", "layout": "caffe", "freeze": ["layer1"]}},
        {"optimizer": {"backbone_lr": 1.0, "layer_decay": 0.5}},
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
