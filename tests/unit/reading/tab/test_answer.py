from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.evaluated import CLASSES, evaluate
from tests.records import damage
from tracker.events.writer import EventWriter
from tracker.reading.comparison.compare import compare
from tracker.reading.comparison.document import to_document
from tracker.reading.selection import chosen
from tracker.reading.tab.answer import Answer, Question, evaluation, look
from tracker.store.active import ActiveRun
from tracker.store.run import Run

MakeRun = Callable[..., Run]


@pytest.fixture
def root(tmp_path: Path, make_run: MakeRun) -> Path:
    for backbone, lift in (("resnet50", 0.0), ("se_resnet50", 0.1)):
        for seed in (0, 1):
            low = 0.5 + lift + 0.01 * seed
            evaluate(make_run(tmp_path, backbone, seed, accuracy=(low, low + 0.1, low + 0.2)))
    return tmp_path


def ask(logdir: Path, **asked: Any) -> Answer:
    _, answer = look(logdir, Question(**asked))
    assert answer is not None
    return answer


def foreign(path: Path, *losses: float) -> None:
    with EventWriter(path) as events:
        for step, loss in enumerate(losses):
            events.scalars(step, {"val/loss": loss, "epoch": float(step)})


def test_the_numbers_are_those_of_compare(root: Path) -> None:
    document = ask(root).document
    assert document["comparison"] == to_document(compare(chosen(root, [])))
    assert document["states"] == {"finished": 4}
    assert document["axes"] == ["model.backbone"]
    assert document["tags"] == ["accuracy/val", "loss/val"]
    assert (document["experiment"], document["step"]) == ("first", None)
    assert [one["tag"] for one in document["scores"]] == ["accuracy/val", "loss/val"]
    assert [one["tag"] for one in document["plots"]] == ["accuracy/val", "loss/val"]
    assert document["settings"]["paths"] == ("model.backbone",)


def test_it_answers_again_when_something_changed(root: Path, make_run: MakeRun) -> None:
    state, first = look(root, Question())
    assert first is not None
    assert look(root, Question(), state) == (state, None)
    assert look(root, Question())[1] is first, "kept, until something changes"
    make_run(root, "se_resnet50", 2)
    after, second = look(root, Question(), state)
    assert after != state
    assert second is not None
    assert second.document["states"] == {"finished": 5}


def test_what_is_asked_is_what_compare_is_asked(root: Path) -> None:
    document = ask(root, metric="loss/val", value="best", reference="se_resnet50").document
    comparison = compare(
        chosen(root, []), metrics=["loss/val"], value="best", reference="se_resnet50"
    )
    assert document["comparison"] == to_document(comparison)


def test_the_experiment_that_changed_last_unless_one_is_named(
    root: Path, make_run: MakeRun
) -> None:
    make_run(root, "resnet50", name="second")
    make_run(root, "se_resnet50", name="second")
    assert ask(root).document["experiment"] == "second"
    assert ask(root, experiment="first").document["experiment"] == "first"
    assert ask(root, experiment="no such").document["experiment"] == "second"
    assert ask(root).document["experiments"] == ["first", "second"]


def test_the_same_pictures_at_each_step(root: Path) -> None:
    answer = ask(root)
    gallery = answer.document["gallery"]
    assert gallery["classes"] == CLASSES
    assert gallery["steps"] == (20, 30)
    assert gallery["runs"] == {
        "resnet50": "first/resnet50/s0",
        "se_resnet50": "first/se_resnet50/s0",
    }
    assert set(gallery["pictures"]) == set(answer.pictures)
    assert all(png.startswith(b"\x89PNG") for png in answer.pictures.values())
    told = evaluation(answer, 30)
    assert told["groups"] == [
        {"number": number, "classes": [0, 1, 2, 1], "confidence": [0.5] * 4} for number in (0, 1)
    ]
    [plain, squeezed] = told["confusions"]["matrices"]
    assert np.diag(plain["shares"]).tolist() == [100.0, 100.0, 100.0, 0.0]
    assert np.array(squeezed["gaps"]).tolist() == np.zeros((4, 4)).tolist()
    assert evaluation(answer, 25) == {"step": 25, "groups": [], "confusions": None}


def test_running_runs_are_taken_as_far_as_all_have_come(
    root: Path, make_run: MakeRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = ActiveRun.__exit__
    monkeypatch.setattr(ActiveRun, "__exit__", lambda self, *_: None)
    make_run(root, "se_resnet50", 2, accuracy=(0.7, 0.8, 0.9))
    monkeypatch.setattr(ActiveRun, "__exit__", finish)

    document = ask(root).document
    assert document["states"] == {"finished": 4, "running": 1}
    assert document["step"] == 30
    [_, squeezed] = document["comparison"]["groups"]
    assert list(squeezed["runs"]) == ["seed 0", "seed 1", "seed 2"]
    ended = ask(root, when="end").document
    assert ended["step"] is None
    assert list(ended["comparison"]["groups"][1]["runs"]) == ["seed 0", "seed 1"]


def test_what_cannot_be_compared_is_said(tmp_path: Path, make_run: MakeRun) -> None:
    document = ask(tmp_path).document
    assert "there are no runs" in document["why"]
    assert "comparison" not in document
    make_run(tmp_path)
    assert "series 'nothing'" in ask(tmp_path, metric="nothing").document["why"]


def test_of_one_group_there_are_curves_and_pictures(tmp_path: Path, make_run: MakeRun) -> None:
    evaluate(make_run(tmp_path))
    document = ask(tmp_path).document
    assert document["alone"] == (
        "resnet50 has a last accuracy/val of 80.00 % in one run; nothing is compared, for it is "
        "the only group"
    )
    assert [len(one["rows"]) for one in document["scores"]] == [1, 1]
    assert [one["tag"] for one in document["plots"]] == ["accuracy/val", "loss/val"]
    assert document["gallery"]["runs"] == {"resnet50": "first/resnet50/s0"}
    evaluate(make_run(tmp_path, "se_resnet50"))
    assert ask(tmp_path).document["alone"] is None


def test_what_was_asked_of_a_damaged_run_is_no_axis(root: Path) -> None:
    (root / "first" / "resnet50" / "s0" / "experiment.json").write_text("")
    document = ask(root).document
    assert document["states"] == {"damaged": 1, "finished": 3}
    assert document["axes"] == ["model.backbone"]


def test_folders_of_others_are_groups_of_the_runs_in_them(tmp_path: Path) -> None:
    for folder, losses in (("big", (0.1, 0.2)), ("small", (0.5, 0.6))):
        for name, loss in zip(("a", "b"), losses, strict=True):
            foreign(tmp_path / folder / name, 1.0, loss)
    document = ask(tmp_path).document
    assert document["experiment"] == ""
    comparison = document["comparison"]
    assert comparison["metrics"] == [{"tag": "val/loss", "goal": "min"}]
    assert [group["name"] for group in comparison["groups"]] == ["big", "small"]
    assert comparison["groups"][1]["metrics"]["val/loss"]["last"]["mean"] == pytest.approx(0.55)
    difference = comparison["groups"][1]["metrics"]["val/loss"]["differences"]["last"]
    assert difference["kind"] == "paired", "a with a, b with b"


def test_folders_of_others_of_other_names_are_not_paired(tmp_path: Path) -> None:
    for folder, name, loss in (("big", "a", 0.1), ("big", "b", 0.2), ("small", "c", 0.3)):
        foreign(tmp_path / folder / name, 1.0, loss)
    foreign(tmp_path / "small" / "d", 1.0, 0.5)
    comparison = ask(tmp_path).document["comparison"]
    difference = comparison["groups"][1]["metrics"]["val/loss"]["differences"]["last"]
    assert difference["kind"] == "unpaired"


def test_folders_side_by_side_are_each_a_group(tmp_path: Path) -> None:
    foreign(tmp_path / "a", 1.0, 0.5)
    foreign(tmp_path / "b", 1.0, 0.4)
    (tmp_path / "empty").mkdir()
    comparison = ask(tmp_path).document["comparison"]
    assert [group["name"] for group in comparison["groups"]] == ["a", "b"]
    assert comparison["groups"][1]["metrics"]["val/loss"]["verdict"]["outcome"] == "unknown"
    for seed in "12":  # now there is a group of two beside them
        foreign(tmp_path / "c" / seed, 1.0, 0.4)
    comparison = ask(tmp_path).document["comparison"]
    assert [(group["name"], len(group["runs"])) for group in comparison["groups"]] == [
        ("a", 1),
        ("b", 1),
        ("c", 2),
    ]


def test_a_run_whose_events_are_damaged_is_in_no_curve_and_no_picture(root: Path) -> None:
    path = min((root / "first" / "resnet50" / "s0").glob("events.*"))
    damage(path)
    document = ask(root).document
    [remark] = [one for one in document["comparison"]["remarks"] if "in no curve" in one]
    assert remark.startswith(f"first/resnet50/s0 is in no curve: {path.name} is damaged at byte ")
    assert document["gallery"]["runs"]["resnet50"] == "first/resnet50/s1"
    for plot in document["plots"]:
        assert [len(curve["members"]) for curve in plot["curves"]] == [0, 2]  # of one, no thin line


def test_damaged_folders_of_others_are_left_out_and_named(tmp_path: Path) -> None:
    for folder in ("big", "small"):
        for name in ("a", "b", "c"):
            foreign(tmp_path / folder / name, 1.0, 0.5)
    [path] = (tmp_path / "big" / "c").glob("events.*")
    damage(path)
    found = ask(tmp_path).document["comparison"]
    [left] = found["left_out"]
    assert left["run"] == "big/c"
    assert left["reason"].startswith(f"damaged: {path.name} is damaged at byte ")
    assert [len(each["runs"]) for each in found["groups"]] == [2, 3]
