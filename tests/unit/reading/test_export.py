import csv
import io
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.scalar.summary_v2 import scalar_pb
from tensorboard.util import tensor_util

from tracker.errors import UsageError
from tracker.events.reader import read_scalars
from tracker.events.record import Report, frame
from tracker.reading import export
from tracker.store.index import RunRecord, record
from tracker.store.run import Run

_Point = tuple[int, float, float]


def told(_: RunRecord, report: Report) -> None:
    raise AssertionError(report)


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.fixture
def run(tmp_path: Path, make_run: Callable[..., Run]) -> RunRecord:
    return record(make_run(tmp_path, "resnet50", 3))


def test_a_row_per_point(run: RunRecord) -> None:
    lines = "".join(export.csv_of([run], (), told)).splitlines()
    assert lines[0] == "run,experiment,variant,seed,tag,step,wall_time,value"
    assert len(lines) == 7
    first = rows("\n".join(lines))[0]
    time = float(read_scalars(run.run.path).series["accuracy/val"].wall_times[0])
    assert first == {
        "run": "first/resnet50/s3",
        "experiment": "first",
        "variant": "resnet50",
        "seed": "3",
        "tag": "accuracy/val",
        "step": "10",
        "wall_time": repr(time),
        "value": "0.5",
    }
    assert rows("\n".join(lines))[1]["value"] == "0.8999999761581421"  # the float32 next to 0.9


def test_only_the_tags_asked_for(run: RunRecord) -> None:
    text = "".join(export.csv_of([run], ["loss/val"], told))
    assert {row["tag"] for row in rows(text)} == {"loss/val"}
    document = json.loads("".join(export.json_of([run], ["loss/val"], told)))
    assert list(document["runs"][0]["series"]) == ["loss/val"]


_POINTS = st.lists(
    st.tuples(st.integers(-(2**63), 2**63 - 1), st.floats(), st.floats()), min_size=1, max_size=5
)


@given(curves=st.dictionaries(st.text(max_size=6), _POINTS, max_size=3))
def test_every_number_and_name_comes_back_exactly(
    tmp_path_factory: pytest.TempPathFactory, curves: dict[str, list[_Point]]
) -> None:
    path = tmp_path_factory.mktemp("runs") / "e" / "v" / "s0"
    path.mkdir(parents=True)
    with (path / "events.tfevents").open("wb") as file:
        for tag, points in curves.items():
            for step, time, value in points:
                summary = Summary.FromString(scalar_pb(tag, 0.0).SerializeToString())
                summary.value[0].tensor.CopyFrom(tensor_util.make_tensor_proto(np.float64(value)))
                event = Event(step=step, wall_time=time, summary=summary)
                file.write(frame(event.SerializeToString()))
    records = [record(Run(path))]
    expected = {
        tag: [(step, repr(time), repr(value)) for step, time, value in points]
        for tag, points in sorted(curves.items())
    }
    read: dict[str, list[Any]] = {}
    for row in rows("".join(export.csv_of(records, (), told))):
        point = (int(row["step"]), repr(float(row["wall_time"])), repr(float(row["value"])))
        read.setdefault(row["tag"], []).append(point)
    assert read == expected
    [one] = json.loads("".join(export.json_of(records, (), told)))["runs"]
    assert {
        tag: list(
            zip(
                line["step"],
                (repr(float(time)) for time in line["wall_time"]),
                (repr(float(value)) for value in line["value"]),
                strict=True,
            )
        )
        for tag, line in one["series"].items()
    } == expected


def test_json_is_strict_and_names_what_is_not_finite(
    run: RunRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    series = read_scalars(run.run.path).series["loss/val"]
    series.values[:] = [math.nan, math.inf, -math.inf]
    monkeypatch.setattr(export, "_read", lambda *_: {"loss/val": series})

    def refuse(name: str) -> None:
        raise AssertionError(name)

    document = json.loads("".join(export.json_of([run], (), told)), parse_constant=refuse)
    assert document["schema_version"] == 1
    assert document["runs"][0]["series"]["loss/val"]["value"] == ["NaN", "Infinity", "-Infinity"]
    assert document["runs"][0] | {"series": None} == {
        "id": "first/resnet50/s3",
        "experiment": "first",
        "variant": "resnet50",
        "seed": 3,
        "attempt": 1,
        "state": "finished",
        "series": None,
    }


def test_no_runs_are_still_a_document() -> None:
    assert json.loads("".join(export.json_of([], (), told))) == {"schema_version": 1, "runs": []}


def test_long_series_come_in_pieces(run: RunRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = "".join(export.csv_of([run], (), told))
    monkeypatch.setattr(export, "_ROWS", 2)
    pieces = list(export.csv_of([run], (), told))
    assert len(pieces) == 5
    assert "".join(pieces) == whole
    assert all(piece.endswith("\n") for piece in pieces)


def test_damage_is_told(run: RunRecord) -> None:
    path = next(run.run.path.glob("*tfevents*"))
    data = bytearray(path.read_bytes())
    data[-10] ^= 1
    path.write_bytes(data)
    heard: list[tuple[str, int]] = []
    text = "".join(
        export.csv_of([run], (), lambda one, report: heard.append((one.id, report.records)))
    )
    assert heard == [("first/resnet50/s3", 3)]
    assert len(rows(text)) == 4


def test_an_unknown_tag_is_refused_with_the_nearest(run: RunRecord) -> None:
    export.require([run], ["accuracy/val", "loss/val"])
    with pytest.raises(UsageError, match="a series 'acuracy/val'; there are accuracy/val"):
        export.require([run], ["loss/val", "acuracy/val"])


def test_a_tag_that_summaries_do_not_know_is_looked_for(run: RunRecord) -> None:
    run.run.summary_file.unlink()
    export.require([record(run.run)], ["accuracy/val"])
    with pytest.raises(UsageError, match="a series 'acuracy/val'"):
        export.require([record(run.run)], ["acuracy/val"])
