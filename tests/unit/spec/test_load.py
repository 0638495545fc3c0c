import json
import time
from pathlib import Path
from typing import Any

import pytest

from tracker.errors import SpecError
from tracker.spec.experiment import Adam, Cosine, EarlyStopping, Model, Sgd
from tracker.spec.load import from_document, load


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def write(document: Any, name: str = "a.json") -> Path:
        path = tmp_path / name
        path.write_text(json.dumps(document))
        return path

    return write


def refusal(path: Path, **more: Any) -> list[str]:
    with pytest.raises(SpecError) as caught:
        load(path, **more)
    return [str(p).replace(f"{path.parent}/", "") for p in caught.value.problems]


def test_a_name_is_enough(write: Any) -> None:
    [experiment] = load(write({"name": "a"}))
    assert experiment.variant == "cifar_resnet20"
    assert experiment.seed == 0
    assert experiment.data.augment == ("random_crop", "horizontal_flip")
    assert experiment.model == Model(backbone="cifar_resnet20", stem=None, width=None)
    assert experiment.optimizer == Sgd(
        name="sgd", lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4
    )
    assert experiment.schedule == Cosine(name="cosine", min_lr=0.0, warmup_epochs=0.0)
    assert experiment.compare.by == "model.backbone"
    assert load(str(write({"name": "a"}))) == [experiment]  # type: ignore[arg-type]


def test_the_parts_become_their_classes(write: Any) -> None:
    [experiment] = load(
        write(
            {
                "name": "a",
                "optimizer": {"name": "adamw", "betas": [0, 0.5]},
                "training": {"early_stopping": {"patience": 2}},
                "tags": ["x"],
            }
        )
    )
    assert experiment.optimizer == Adam(
        name="adamw", lr=1e-3, betas=(0.0, 0.5), eps=1e-8, weight_decay=0.01
    )
    assert experiment.training.early_stopping == EarlyStopping(
        metric="accuracy/val", patience=2, min_delta=0.0
    )
    assert experiment.tags == ("x",)
    hash(experiment)  # frozen through and through


def test_a_matrix_is_every_combination(write: Any) -> None:
    runs = load(
        write(
            {
                "name": "a",
                "model": {"backbone": "resnet50", "stem": "imagenet"},
                "matrix": {
                    "model.backbone": ["resnet50", "se_resnet50", "resnet9"],
                    "optimizer.lr": [0.1, 1],
                    "seed": [0, 1],
                },
            }
        )
    )
    assert [(run.variant, run.seed) for run in runs[:5]] == [
        ("resnet50,lr=0.1", 0),
        ("resnet50,lr=0.1", 1),
        ("resnet50,lr=1", 0),
        ("resnet50,lr=1", 1),
        ("se_resnet50,lr=0.1", 0),
    ]
    assert runs[0].model.stem == "imagenet"
    assert runs[-1].model == Model(backbone="resnet9", stem=None, width=64)
    assert {run.compare.by for run in runs} == {"model.backbone"}


def test_the_question_is_about_what_varies(write: Any) -> None:
    document: dict[str, Any] = {"name": "a", "matrix": {"seed": [0, 1], "optimizer.lr": [0.1, 0.2]}}
    assert load(write(document))[0].compare.by == "optimizer.lr"
    document["compare"] = {"by": "model.backbone"}
    assert refusal(write(document)) == [
        "a.json:1:89: compare.by: is model.backbone, which is the same in every run; "
        "the matrix varies optimizer.lr"
    ]


def test_one_member_of_a_matrix_keeps_its_name(write: Any) -> None:
    path = write(
        {
            "name": "a",
            "matrix": {
                "model.backbone": ["resnet50", "se_resnet50"],
                "optimizer.lr": [0.1, 0.2],
                "seed": [0, 1],
            },
        }
    )
    overrides = ["model.backbone=se_resnet50", "optimizer.lr=0.2", "seed=1"]
    assert load(path, overrides=overrides) == load(path)[-1:]


def test_seeds_and_max_steps(write: Any) -> None:
    path = write({"name": "a", "matrix": {"seed": [5]}})
    runs = load(path, seeds=[0, 2], max_steps=7)
    assert [(run.seed, run.variant, run.training.max_steps) for run in runs] == [
        (0, "cifar_resnet20", 7),
        (2, "cifar_resnet20", 7),
    ]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"seeds": [-1]}, "--seeds -1: seed: must be at least 0, and is -1"),
        ({"seeds": [1, 1]}, "--seeds 1,1: matrix.seed[1]: 1 is listed twice"),
        ({"seeds": []}, "--seeds : matrix.seed: a list of values is expected, not an empty one"),
        ({"max_steps": 0}, "--max-steps 0: training.max_steps: must be at least 1, and is 0"),
        (
            {"overrides": ["optimizer.momentum=0.5", "optimizer.name=adam"]},
            "--set optimizer.momentum=0.5: optimizer.momentum: momentum belongs to sgd; "
            "adam takes lr, betas, eps, weight_decay, backbone_lr and layer_decay",
        ),
        (
            {"overrides": ["schedule.warmup_epochs=10"]},
            "--set schedule.warmup_epochs=10: schedule.warmup_epochs: "
            "is 10, and training.epochs is 10: it must be shorter",
        ),
    ],
)
def test_arguments_are_checked_like_the_file(write: Any, arguments: Any, expected: str) -> None:
    assert refusal(write({"name": "a"}), **arguments) == [expected]


def test_problems_come_in_file_order_each_once_from_every_layer(tmp_path: Path) -> None:
    (tmp_path / "base.json").write_text('{"seed": -1,\n "checkpoint": {"every": 1}}')
    path = tmp_path / "a.json"
    path.write_text(
        '{"extends": "base.json",\n'
        ' "matrix": {"model.backbone": ["resnet50", "resnt50"], "optimizer.lr": [0.1, 0]},\n'
        ' "training": {"epochs": 5, "batch_size": 0},\n'
        ' "schedule": {"warmup_epochs": 6}}'
    )
    assert [p.partition("; ")[0] for p in refusal(path, overrides=["tags=x"])] == [
        "a.json:1:1: name: is missing",
        "a.json:2:44: model.backbone: unknown backbone 'resnt50'",
        "a.json:2:78: optimizer.lr: must be above 0, and is 0",
        "a.json:3:42: training.batch_size: must be at least 1, and is 0",
        "a.json:4:32: schedule.warmup_epochs: is 6, and training.epochs is 5: it must be shorter",
        "base.json:1:10: seed: must be at least 0, and is -1",
        "base.json:2:17: checkpoint.every: unknown key 'every'",
        "--set tags=x: tags: an array is expected, not the string 'x'",
    ]


def test_a_rule_between_a_value_and_a_default_points_at_the_value(write: Any) -> None:
    path = write({"name": "a", "training": {"epochs": 1}, "schedule": {"name": "step"}})
    assert refusal(path) == [
        "a.json:1:38: schedule.step_epochs: is 4, and training.epochs is 1: it never drops"
    ]


def test_no_more_than_fifty_problems_are_reported(write: Any) -> None:
    tags = [f"TAG{i}" for i in range(32)]
    matrix = {f"{'data' * i}": [1] for i in range(1, 14)}
    document = {"tags": tags, "matrix": matrix, **{f"k{i}": 1 for i in range(20)}}
    found = refusal(write(document))
    assert len(found) == 51
    assert found[-1] == "a.json: and 7 more problems"


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        (
            {"data.root": ["a b", "a-b"]},
            "matrix: makes two runs that would both be called root=a-b/s0",
        ),
        (
            {"optimizer.lr": [1, 1.0]},
            "matrix: makes two runs that would both be called lr=1/s0",
        ),
    ],
)
def test_two_runs_never_share_a_name(write: Any, matrix: Any, expected: str) -> None:
    assert refusal(write({"name": "a", "matrix": matrix})) == [f"a.json:1:25: {expected}"]


def test_a_variant_names_one_run(write: Any) -> None:
    document = {"name": "a", "variant": "mine", "matrix": {"seed": [0, 1]}}
    assert [run.variant for run in load(write(document))] == ["mine", "mine"]
    document["matrix"] = {"optimizer.lr": [0.1], "seed": [0, 1]}
    assert len(load(write(document))) == 2
    document["matrix"] = {"optimizer.lr": [0.1, 0.2]}
    assert refusal(write(document)) == [
        "a.json:1:44: matrix: makes two runs that would both be called mine/s0; leave variant out"
    ]


def test_a_thousand_runs_are_checked_in_full_within_a_second(write: Any) -> None:
    path = write(
        {
            "name": "a",
            "matrix": {"seed": list(range(500)), "model.backbone": ["resnet9", "small_cnn"]},
        }
    )
    started = time.process_time()
    assert len(load(path)) == 1000
    assert time.process_time() - started < 1


def test_a_thousand_runs_that_are_wrong_in_many_ways_take_little_longer(write: Any) -> None:
    flaws = {f"flaw{i}": i for i in range(10)}
    blocks = ("data", "model", "optimizer", "schedule", "training", "logging", "checkpoint")
    path = write({"matrix": {"seed": list(range(1000))}, **dict.fromkeys(blocks, flaws), **flaws})
    started = time.process_time()
    assert len(refusal(path)) == 51
    assert time.process_time() - started < 3


@pytest.mark.parametrize(
    "document",
    [
        {f"key{i}": 0 for i in range(40_000)},
        {"optimizer": {f"key{i}": 0 for i in range(900)}},
        {"tags": [[i] if i % 2 else i for i in range(20_000)]},
        {"data": {"root": "a" * 900_000}},
    ],
    ids=["keys", "keys of a varied block", "a list of all sorts", "a long string"],
)
def test_a_matrix_does_not_multiply_what_is_hostile(write: Any, document: dict[str, Any]) -> None:
    axes = {"optimizer.lr": [0.1, 0.2], "seed": list(range(500))}
    path = write({"name": "a", **document, "matrix": axes})
    started = time.process_time()
    assert len(refusal(path)) <= 12
    assert time.process_time() - started < 3


def test_from_document_says_where_it_was_found() -> None:
    assert from_document({"name": "a"}).name == "a"
    with pytest.raises(SpecError) as caught:
        from_document({"name": "a", "seed": -1, "matrix": {"seed": [1]}}, source="run.json")
    assert list(map(str, caught.value.problems)) == [
        "run.json: matrix: stands in files only, which `load` reads",
        "run.json: seed: must be at least 0, and is -1",
    ]
