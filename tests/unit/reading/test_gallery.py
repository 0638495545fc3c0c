from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.evaluated import CLASSES, LABELS, evaluate
from tracker.reading.comparison.groups import Group, group
from tracker.reading.gallery import gallery, stand_ins
from tracker.store.index import list_runs
from tracker.store.run import Run

MakeRun = Callable[..., Run]


def groups_of(root: Path) -> tuple[Group, ...]:
    return group(list_runs(root), None, lambda _: None).groups


def test_one_run_of_each_group_at_the_steps_all_have(tmp_path: Path, make_run: MakeRun) -> None:
    evaluate(make_run(tmp_path, "resnet50"))
    evaluate(make_run(tmp_path, "se_resnet50"), {10: (0, 0, 0, 0), 30: LABELS})
    found = gallery(groups_of(tmp_path))
    assert found is not None
    assert (found.classes, found.labels.tolist(), found.steps) == (CLASSES, [*LABELS], (30,))
    assert {name: run.id for name, run in found.runs.items()} == {
        "resnet50": "first/resnet50/s0",
        "se_resnet50": "first/se_resnet50/s0",
    }
    assert found.noted["se_resnet50"].predictions[30].classes.tolist() == [*LABELS]
    np.testing.assert_array_equal(found.noted["se_resnet50"].confusion[30], np.eye(4) * 5)


def test_the_first_seed_that_all_have_stands_for_its_group(
    tmp_path: Path, make_run: MakeRun
) -> None:
    for backbone, seeds in (("resnet50", (0, 1, 2)), ("se_resnet50", (1, 2, 3))):
        for seed in seeds:
            make_run(tmp_path, backbone, seed)
    assert [run.seed for run in stand_ins(groups_of(tmp_path)).values()] == [1, 1]


def test_without_a_common_seed_each_has_its_own_first(tmp_path: Path, make_run: MakeRun) -> None:
    make_run(tmp_path, "resnet50", 4)
    make_run(tmp_path, "se_resnet50", 3)
    runs = stand_ins(groups_of(tmp_path))
    assert {name: run.seed for name, run in runs.items()} == {"resnet50": 4, "se_resnet50": 3}


def test_a_group_with_other_pictures_is_not_beside_them(tmp_path: Path, make_run: MakeRun) -> None:
    evaluate(make_run(tmp_path, "resnet50"))
    evaluate(make_run(tmp_path, "se_resnet50"))
    other = evaluate(make_run(tmp_path, "resnet18"))
    summary = json.loads(other.summary_file.read_text())
    summary["data"]["classes"] = ["cat", "dog", "owl", "elk"]
    other.summary_file.write_text(json.dumps(summary))
    make_run(tmp_path, "small_cnn")  # it noted nothing
    found = gallery(groups_of(tmp_path))
    assert found is not None
    assert {run.variant for run in found.runs.values()} == {"resnet50", "se_resnet50"}


def test_nothing_noted_is_no_gallery(tmp_path: Path, make_run: MakeRun) -> None:
    make_run(tmp_path, "resnet50")
    assert gallery(groups_of(tmp_path)) is None
    assert gallery(()) is None
