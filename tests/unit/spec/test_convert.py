import json
from pathlib import Path
from typing import Any

import pytest

from tracker.spec.convert import to_document
from tracker.spec.load import from_document, load

DOCUMENTS: list[dict[str, Any]] = [
    {"name": "a"},
    {"name": "a", "data": {"name": "shapes", "augment": ["cutout"]}, "seed": 4294967295},
    {"name": "a", "data": {"name": "image_folder", "root": "p/é", "image_size": 224}},
    {"name": "a", "model": {"weights": {"file": "w.pth"}, "fresh": ["stem"], "freeze": ["layer1"]}},
    {"name": "a", "model": {"weights": {"run": "b/c/s0"}, "freeze": {"until_epoch": 3}}},
    {"name": "a", "model": {"weights": {"run": "b", "checkpoint": "last"}, "freeze": "backbone"}},
    {"name": "a", "model": {"backbone": "se_resnet50", "layout": "caffe", "weights": "DEFAULT"}},
    {"name": "a", "model": {"backbone": "timm:vit_tiny_patch16_224.augreg_in21k"}},
    {"name": "a", "model": {"backbone": "se_resnet50", "stem": "imagenet"}, "variant": "x,y=1"},
    {"name": "a", "model": {"backbone": "resnet9", "width": 16}, "tags": ["b", "c"]},
    {"name": "a", "optimizer": {"name": "adamw", "betas": [0, 0]}, "schedule": {"name": "step"}},
    {"name": "a", "schedule": {"name": "multistep", "milestones": [1, 2]}},
    {"name": "a", "schedule": {"name": "one_cycle"}, "optimizer": {"name": "adam", "lr": 1e-30}},
    {"name": "a", "training": {"early_stopping": {}, "channels_last": True, "max_steps": 3}},
    {"name": "a", "expect": {"loss/train": {"max": 1, "at_step": 300}, "accuracy/val": {"min": 0}}},
    {"name": "a", "expect": {"perf/images_per_second": {"min_ratio": 0.8}, "loss/val": None}},
]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_saved_experiment_is_read_back_equal(document: dict[str, Any], tmp_path: Path) -> None:
    experiment = from_document(document)
    saved = to_document(experiment)
    path = tmp_path / "experiment.json"
    path.write_text(json.dumps(saved, allow_nan=False))
    assert load(path) == [experiment]
    assert from_document(saved) == experiment
    assert repr(to_document(load(path)[0])) == repr(saved)


def test_every_default_is_saved_and_nothing_that_the_variant_has_not() -> None:
    saved = to_document(from_document({"name": "a"}))
    assert saved["version"] == 1
    assert saved["variant"] == "cifar_resnet20"
    assert saved["model"] == {
        "backbone": "cifar_resnet20",
        "weights": None,
        "fresh": [],
        "freeze": False,
    }
    assert saved["data"]["augment"] == ["random_crop", "horizontal_flip"]
    assert saved["training"]["early_stopping"] is None
    assert saved["expect"] == {}
    assert not {"matrix", "extends", "$schema"} & saved.keys()
