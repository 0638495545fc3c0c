from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tracker.events.writer import EventWriter
from tracker.reading.tab import places as places_module
from tracker.reading.tab.places import any_run, places, version
from tracker.store.run import Run

MakeRun = Callable[..., Run]


def names(logdir: Path) -> list[tuple[str, bool]]:
    return [(place.name, place.is_ours) for place in places(logdir, [])]


def foreign(path: Path) -> None:
    with EventWriter(path) as events:
        events.scalars(1, {"loss": 0.5})


def test_ours_and_others_by_the_names_tensorboard_gives(tmp_path: Path, make_run: MakeRun) -> None:
    make_run(tmp_path)
    foreign(tmp_path / "other" / "run")
    assert names(tmp_path) == [("first/resnet50/s0", True), ("other/run", False)]
    assert names(tmp_path / "first" / "resnet50") == [("s0", True)]
    assert names(tmp_path / "other" / "run") == [(".", False)]
    assert places(tmp_path, [])[0].experiment == "first"


def test_links_are_followed_once(tmp_path: Path, make_run: MakeRun) -> None:
    make_run(tmp_path / "runs")
    view = tmp_path / "view"
    view.mkdir()
    (view / "linked").symlink_to(tmp_path / "runs" / "first")
    (view / "again").symlink_to(tmp_path / "runs" / "first")
    (tmp_path / "runs" / "first" / "back").symlink_to(view)  # a circle
    [place] = places(view, [])
    assert place.path == (tmp_path / "runs/first/resnet50/s0").resolve()


def test_links_that_lead_nowhere_hide_nothing_beside_them(tmp_path: Path) -> None:
    foreign(tmp_path / "run")
    (tmp_path / "circle").symlink_to("circle")
    (tmp_path / "run" / "events.out.tfevents.1.gone").symlink_to("gone")
    assert names(tmp_path) == [("run", False)]
    assert len(places(tmp_path, [])[0].files) == 1


def test_aggregates_and_hidden_folders_are_no_runs(tmp_path: Path) -> None:
    foreign(tmp_path / "compare" / "first" / "resnet50 mean")
    foreign(tmp_path / ".trash" / "run")
    assert names(tmp_path) == []
    assert not any_run(tmp_path)
    assert not any_run(tmp_path / "missing")
    foreign(tmp_path / "run")
    assert any_run(tmp_path)


def test_the_version_changes_with_every_point(tmp_path: Path) -> None:
    with EventWriter(tmp_path / "run") as events:
        seen = {version(places(tmp_path, []))}
        for step in (1, 2):
            assert version(places(tmp_path, [])) in seen
            events.scalars(step, {"loss": 0.5})
            seen.add(version(places(tmp_path, [])))
    assert len(seen) == 3


def test_no_end_is_looked_for_a_first_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(30):
        (tmp_path / f"{number}").mkdir()
    looked: list[str] = []
    scandir = os.scandir

    def noted(path: str) -> object:
        looked.append(path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", noted)
    monkeypatch.setattr(places_module, "_FOR_ONE", 10)
    assert not any_run(tmp_path)
    assert len(looked) == 10


def test_more_folders_than_are_looked_into_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        foreign(tmp_path / f"{number}")
    remarks: list[str] = []
    monkeypatch.setattr(places_module, "_FOLDERS", 5)
    assert len(places(tmp_path, remarks)) == 4
    assert remarks == []
    monkeypatch.setattr(places_module, "_FOLDERS", 4)
    assert len(places(tmp_path, remarks)) == 3
    assert remarks == [
        "there are more than 4 folders here, and the rest was not looked into: "
        "start TensorBoard in one that holds fewer to see every run"
    ]
