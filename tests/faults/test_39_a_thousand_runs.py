"""Row 39: a thousand runs, some of them damaged in every way: the rest is listed all the same."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tracker.store.index import list_runs
from tracker.store.run import Run


def changed(path: Path, **fields: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


SPOIL: list[Callable[[Run], object]] = [
    lambda run: run.status_file.unlink(),
    lambda run: run.status_file.write_bytes(b""),
    lambda run: run.status_file.write_bytes(run.status_file.read_bytes()[:100]),
    lambda run: run.status_file.write_text("{}"),
    lambda run: changed(run.status_file, schema_version=99),
    lambda run: changed(run.status_file, pid="five"),
    lambda run: run.summary_file.write_text('{"schema_version": 1, "metrics": NaN}'),
    lambda run: run.experiment_file.write_bytes(b"\xff\xfe"),
    lambda run: a_folder(run.summary_file),
    lambda run: run.experiment_file.write_text("[" * 100_000),
]


def test_ten_damaged_among_a_thousand(tmp_path: Path, make_run: Callable[..., Run]) -> None:
    root = tmp_path / "runs"
    first = make_run(root).path
    for event_file in first.glob("events.*"):
        event_file.unlink()
    for number in range(1, 1000):
        path = first.with_name(f"s{number}")
        shutil.copytree(first, path)
        if number % 100 == 99:
            SPOIL[number // 100](Run(path))
    records = list_runs(root)
    assert len(records) == 1000
    damaged = [record for record in records if record.state == "damaged"]
    assert [record.run.path.name for record in damaged] == [f"s{n}" for n in range(99, 1000, 100)]
    assert all(record.cause for record in damaged)
    assert {record.state for record in records} == {"damaged", "finished"}
