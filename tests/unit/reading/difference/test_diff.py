"""Two runs are compared file by file; what can't be read is a line, not the end."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tracker.errors import Damaged, UsageError
from tracker.events.writer import EventWriter
from tracker.reading.difference.causes import can_change_results
from tracker.reading.difference.diff import RunDiff, compare_runs
from tracker.store.run import Run

MACHINE = {"device": "cpu", "precision": "float32", "channels_last": False, "threads": 1}
Pair = tuple[Run, Run]


def edit(path: Path, changes: Mapping[str, Any]) -> None:
    """Set dotted paths of a JSON file; None takes a path out."""
    document = json.loads(path.read_text())
    for dotted, value in changes.items():
        *blocks, key = dotted.split(".")
        place = document
        for block in blocks:
            place = place[block]
        place[key] = value
        if value is None:
            del place[key]
    path.write_text(json.dumps(document))


@pytest.fixture
def pair(tmp_path: Path, make_run: Callable[..., Run]) -> Pair:
    runs = (make_run(tmp_path / "a"), make_run(tmp_path / "b"))
    for run in runs:
        edit(run.summary_file, {"machine": MACHINE})
        code = {"commit": "1" * 40, "dirty": False, "patch_missing": None}
        edit(run.provenance_file, {"code": code})
    return runs


def paths(found: RunDiff, section: str) -> list[str]:
    return [change.path for change in found.sections[section].changes]


def test_a_run_and_its_twin_are_the_same(pair: Pair) -> None:
    found = compare_runs(*pair)
    assert found.answer == "the same in everything looked at; curves bit-identical over 3 steps"
    assert not found.differs
    assert found.notes == ()


def test_settings_are_told_from_names_and_from_the_seed(pair: Pair) -> None:
    edit(pair[1].experiment_file, {"name": "second", "optimizer.lr": 0.5, "seed": 3})
    found = compare_runs(*pair)
    assert paths(found, "spec") == ["name", "optimizer.lr"]
    assert [change.path for change in found.sections["spec"].causes] == ["optimizer.lr"]
    assert paths(found, "seed") == ["seed"]
    assert found.answer == (
        "differ in spec (optimizer.lr 0.1 → 0.5), seed 0 → 3; same code, same packages, "
        "same data, same machine; curves bit-identical over 3 steps"
    )


def test_names_alone_are_no_difference_that_counts(pair: Pair) -> None:
    edit(pair[1].experiment_file, {"name": "second", "logging.graph": False, "tags": ["x"]})
    edit(pair[1].provenance_file, {"host.name": "other", "packages.pytest": "0"})
    found = compare_runs(*pair)
    assert not found.differs
    assert found.answer == (
        "the same in everything that can change results; curves bit-identical over 3 steps"
    )
    assert paths(found, "host") == ["name"]


def test_the_same_asked_and_another_outcome_names_the_suspect(
    pair: Pair, make_run: Callable[..., Run], tmp_path: Path
) -> None:
    other = make_run(tmp_path / "c", accuracy=(0.5, 0.9, 0.7))
    edit(other.provenance_file, {"code": json.loads(pair[0].provenance_file.read_text())["code"]})
    edit(other.summary_file, {"machine": {**MACHINE, "threads": 2}})
    found = compare_runs(pair[0], other)
    assert found.answer == (
        "the same spec, seed, code, packages and data, yet the curves part at step 30: "
        "threads 1 → 2"
    )
    assert found.differs
    edit(other.summary_file, {"machine": MACHINE})
    assert compare_runs(pair[0], other).answer == (
        "the same in everything looked at, yet the curves part at step 30"
    )


def test_what_auto_became_counts_and_not_how_it_was_asked_for(pair: Pair) -> None:
    edit(pair[1].experiment_file, {"training.threads": 1, "training.precision": "float32"})
    assert not compare_runs(*pair).differs
    edit(pair[1].summary_file, {"machine": None})
    found = compare_runs(*pair)
    assert found.differs
    assert found.sections["machine"].unknown == "B did not record it"
    assert found.answer.endswith("; not known in full: machine")


def test_packages_that_compute_are_causes(pair: Pair) -> None:
    before = json.loads(pair[0].provenance_file.read_text())["packages"]["torch"]
    edit(pair[1].provenance_file, {"packages.torch": "9.9", "packages.Extra": "1", "python": "4"})
    edit(pair[0].summary_file, {"machine.torch": before})
    edit(pair[1].summary_file, {"machine.torch": "9.9"})
    found = compare_runs(*pair)
    assert paths(found, "packages") == ["python", "torch", "Extra"]
    assert [change.path for change in found.sections["packages"].causes] == ["torch"]
    assert paths(found, "machine") == []
    assert found.answer.startswith(f"differ in packages (torch {before} → 9.9); same spec")


def test_data_are_told_by_their_digest(pair: Pair) -> None:
    edit(pair[1].summary_file, {"data.digest": "1" * 64, "data.classes": ["b"]})
    found = compare_runs(*pair)
    assert paths(found, "data") == ["digest", "classes"]
    assert [change.path for change in found.sections["data"].causes] == ["digest"]


def test_a_resume_under_other_circumstances_is_a_cause(pair: Pair) -> None:
    packages = json.loads(pair[0].provenance_file.read_text())["packages"]
    harmless = {"time": "later", "command": ["tracker"]}
    edit(pair[1].provenance_file, {"resumed": [harmless]})
    assert not compare_runs(*pair).differs
    torn = {**harmless, "packages": {**packages, "torch": "9.9"}}
    edit(pair[1].provenance_file, {"resumed": [harmless, torn]})
    found = compare_runs(*pair)
    first, second = found.sections["resumes"].changes
    assert (first.path, first.after, first.matters) == ("resume 1", {}, False)
    assert second.after == {"packages.torch": [packages["torch"], "9.9"]}
    assert second.matters
    assert found.differs


@pytest.mark.parametrize("name", ["provenance.json", "status.json", "summary.json"])
def test_a_damaged_file_is_a_line_and_never_the_same(pair: Pair, name: str) -> None:
    (pair[0].path / name).write_text('{"torn')
    found = compare_runs(*pair)
    [note] = found.notes
    assert note.startswith(f"{name} of A can't be read: ")
    assert found.differs


def test_a_damaged_event_file_is_read_up_to_there(pair: Pair) -> None:
    [events] = pair[1].path.glob("events*")
    data = bytearray(events.read_bytes())
    data[-8] ^= 1
    events.write_bytes(data)
    found = compare_runs(*pair)
    assert found.notes[0].startswith(f"{events.name} of B is damaged and read up to there (byte ")
    assert found.differs


def test_an_experiment_that_one_side_lost_is_not_the_end(pair: Pair) -> None:
    pair[0].experiment_file.unlink()
    found = compare_runs(*pair)
    assert found.notes == ("A has no experiment.json",)
    assert found.sections["spec"].unknown == "A did not record it"
    pair[1].experiment_file.write_text("[]")
    with pytest.raises(Damaged, match="holds no JSON object"):
        compare_runs(*pair)


def test_a_run_of_other_tools_is_compared_by_whatever_it_has(tmp_path: Path) -> None:
    runs = []
    for name, lr in (("one", 0.1), ("two", 0.2)):
        path = tmp_path / "e" / name / "s0"
        path.mkdir(parents=True)
        settings = {"lr": lr, "depth": 3, "only": None} if lr < 0.2 else {"lr": lr, "depth": 3}
        document = {"imported": {"from": f"/logs/{name}"}, "settings": settings}
        (path / "experiment.json").write_text(json.dumps(document))
        runs.append(Run(path))
    found = compare_runs(runs[0], runs[1])
    assert paths(found, "spec") == ["imported.from", "settings.lr", "settings.only"]
    assert [c.path for c in found.sections["spec"].causes] == ["settings.lr", "settings.only"]
    changes = found.to_document()["sections"]["spec"]["changes"]
    assert changes[2] == {"path": "settings.only", "matters": True, "before": None}
    assert "A has no provenance.json" in found.notes
    assert not found.is_damaged


def test_imports_that_share_no_series_are_not_called_the_same(tmp_path: Path) -> None:
    runs = []
    for name, tag in (("a", "acc"), ("b", "epoch_accuracy")):
        path = tmp_path / name
        path.mkdir()
        (path / "experiment.json").write_text(json.dumps({"imported": {"from": f"/logs/{name}"}}))
        with EventWriter(path) as events:
            events.scalars(1, {tag: 0.5})
        runs.append(Run(path))
    found = compare_runs(runs[0], runs[1])
    assert found.answer.startswith(
        "they share no series, so nothing says whether their results are the same; "
    )


def test_what_an_import_can_not_know_is_no_difference(pair: Pair) -> None:
    edit(pair[1].provenance_file, {"host": {"name": "h"}, "packages": {}})
    found = compare_runs(*pair)
    assert not found.differs
    assert [n for n, s in found.sections.items() if s.unknown] == ["packages", "host"]
    assert found.answer == (
        "the same in everything that is known; curves bit-identical over 3 steps; "
        "not known in full: packages"
    )


def test_a_run_is_not_compared_with_itself(pair: Pair) -> None:
    with pytest.raises(UsageError, match="same run"):
        compare_runs(pair[0], pair[0])


def test_facts_of_the_wrong_kind_are_no_crash(pair: Pair) -> None:
    edit(pair[0].provenance_file, {"code": 3, "host": "x", "packages": [1], "resumed": 7})
    edit(pair[1].provenance_file, {"resumed": [1, {"packages": "x", "host": {"cpu": 1}}]})
    found = compare_runs(*pair)
    assert found.sections["host"].unknown == "A did not record it"
    assert json.dumps(found.to_document(), default=str)


@pytest.mark.parametrize(
    ("section", "path", "expected"),
    [
        ("spec", "model.backbone", True),
        ("spec", "data.root", False),
        ("spec", "data.train_size", True),
        ("spec", "names", True),
        ("spec", "logging.scalars_every", True),
        ("spec", "logging.pictures_every", False),
        ("spec", "checkpoint.metric", False),
        ("spec", "settings.anything", True),
        ("packages", "Pillow", True),
        ("packages", "nvidia-cudnn-cu13", True),
        ("packages", "rich", False),
        ("host", "cpu", True),
        ("host", "cores", False),
        ("machine", "precision", True),
        ("launch", "command", False),
        ("price", "seconds", False),
    ],
)
def test_what_can_change_results_is_decided_in_one_place(
    section: str, path: str, expected: bool
) -> None:
    assert can_change_results(section, path) is expected
