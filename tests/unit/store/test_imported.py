import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tracker.errors import Damaged
from tracker.store.imported import Copied, Imported, read_imported
from tracker.store.run import Run

_FILE = Copied(
    name="a.tfevents", source="train/a.tfevents", suffix="train", taken=9, sha256="f" * 64, size=12
)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


def test_comes_back_as_it_was_written(run: Run) -> None:
    imported = Imported(origin="/logs/ü", files=(_FILE,), metric="acc", goals={"acc": "min"})
    run.experiment_file.write_text(json.dumps({"imported": imported.to_document()}))
    assert read_imported(run) == imported


def test_what_tracker_trained_was_not_imported(
    tmp_path: Path, make_run: Callable[..., Run]
) -> None:
    assert read_imported(make_run(tmp_path)) is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"from": 1}, "imported: from cannot be a int"),
        ({"files": {}}, "imported: files cannot be a dict"),
        ({"files": [1]}, "imported: files is no JSON object"),
        ({"metric": 1}, "imported: metric cannot be a int"),
        ({"goals": {"acc": "up"}}, "a goal is neither max nor min"),
        ({"goals": {"acc": []}}, "a goal is neither max nor min"),
        ({"files": [{"name": "../a.tfevents"}]}, "../a.tfevents is no event file of the run"),
        ({"files": [{"name": "status.json"}]}, "status.json is no event file of the run"),
        ({"files": [{"name": "tfevents\0"}]}, "tfevents\\x00 is no event file of the run"),
        ({"files": [{"size": -1}]}, "imported: files: size cannot be negative"),
        ({"files": [{"taken": True}]}, "taken cannot be a bool"),
    ],
)
def test_what_is_not_as_written_is_damage(run: Run, changes: dict[str, Any], said: str) -> None:
    document = Imported(origin="/logs", files=(_FILE,)).to_document()
    if isinstance(changes.get("files"), list) and isinstance(changes["files"][0], dict):
        changes = {"files": [{**document["files"][0], **changes["files"][0]}]}
    run.experiment_file.write_text(json.dumps({"imported": {**document, **changes}}))
    with pytest.raises(Damaged) as refused:
        read_imported(run)
    assert said in str(refused.value)
    assert str(run.experiment_file) in str(refused.value)
