"""A manifest is believed only where every word of it could be ours."""

import json
from pathlib import Path
from typing import Any

import pytest

from tracker.errors import Damaged
from tracker.store.files import write_json
from tracker.store.manifest import Entry, Manifest, read_manifest

FIRST = Entry("step-00000010.pt", 10, "a" * 64, {"events.out.tfevents.1": 24})
SECOND = Entry("step-00000020.pt", 20, "b" * 64, {"events.out.tfevents.1": 99})


def written(path: Path, document: Any) -> Path:
    path.write_text(json.dumps(document))
    return path


def entry(**changes: Any) -> dict[str, Any]:
    return {"file": FIRST.file, "step": 10, "sha256": "a" * 64, "events": {}, **changes}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    manifest = Manifest((FIRST, SECOND), best=FIRST)
    write_json(tmp_path / "m.json", manifest.to_document())
    assert read_manifest(tmp_path / "m.json") == manifest


def test_each_checkpoint_counts_once(tmp_path: Path) -> None:
    assert Manifest((FIRST, SECOND), best=FIRST).entries == (FIRST, SECOND)
    assert Manifest((SECOND,), best=FIRST).files == {FIRST.file, SECOND.file}


def test_a_new_checkpoint_takes_no_name_that_is_vouched_for() -> None:
    assert Manifest().file_name(10) == "step-00000010.pt"
    again = Entry(Manifest((FIRST,)).file_name(10), 10, "c" * 64)
    assert again.file == "step-00000010.2.pt"
    assert Manifest((again,), best=FIRST).file_name(10) == "step-00000010.3.pt"
    assert Manifest((again,)).file_name(10) == FIRST.file


def test_none_is_empty(tmp_path: Path) -> None:
    assert read_manifest(tmp_path / "m.json") == Manifest()


@pytest.mark.parametrize(
    "document",
    [
        [],
        {"schema_version": 9, "kept": [], "best": None},
        {"schema_version": 1, "kept": []},
        {"schema_version": 1, "kept": [entry(file="../../x.pt")], "best": None},
        {"schema_version": 1, "kept": [entry(file="step-00000011.pt")], "best": None},
        {"schema_version": 1, "kept": [entry(step=True)], "best": None},
        {"schema_version": 1, "kept": [entry(sha256=None)], "best": None},
        {"schema_version": 1, "kept": [entry(events={"../x": 1})], "best": None},
        {"schema_version": 1, "kept": [entry(events={"x": -1})], "best": None},
        {"schema_version": 1, "kept": [entry(events={"x": 1.5})], "best": None},
        {"schema_version": 1, "kept": [], "best": "step-00000010.pt"},
    ],
    ids=str,
)
def test_what_is_no_manifest_is_refused(tmp_path: Path, document: Any) -> None:
    with pytest.raises(Damaged, match=r"m\.json"):
        read_manifest(written(tmp_path / "m.json", document))
