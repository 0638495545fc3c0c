import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary

from tracker.events.reader import read_scalars
from tracker.events.record import frame
from tracker.reading.adopting.account import MOST_IMPROVEMENTS, Account, account, provenance, status
from tracker.store import summary as store
from tracker.store.summary import Improvement, Metric
from tracker.training.scores import Scores

_NAME = "events.out.tfevents.1700000000.a.host.42.0.v2"


def write(path: Path, tag: str, points: Sequence[tuple[int, float, float]]) -> None:
    records = [
        Event(
            step=step,
            wall_time=time,
            summary=Summary(value=[Summary.Value(tag=tag, simple_value=value)]),
        )
        for step, time, value in points
    ]
    with (path / _NAME).open("ab") as file:
        file.write(b"".join(frame(record.SerializeToString()) for record in records))


def summed(path: Path, tag: str, values: Sequence[float]) -> Metric:
    write(path, tag, [(step, 100.0 + step, value) for step, value in enumerate(values)])
    return account(read_scalars(path).series, {}, 98.0).summary.metrics[tag]


def test_last_best_and_staircase(tmp_path: Path) -> None:
    metric = summed(tmp_path, "val_acc", [0.5, 0.25, math.nan, 0.75, math.inf, 0.625])
    stairs = (Improvement(0, 2.0, 0.5), Improvement(3, 5.0, 0.75))
    assert metric == Metric("max", 0.625, 5, 0.75, 3, stairs)


@given(values=st.lists(st.floats(width=32), min_size=1, max_size=40))
def test_as_the_account_that_training_keeps(
    tmp_path_factory: pytest.TempPathFactory, values: list[float]
) -> None:
    for tag in ("val_acc", "val_loss"):
        found = summed(tmp_path_factory.mktemp("run"), tag, values)
        scores = Scores({tag: found.goal})
        for step, value in enumerate(values):
            scores.note(step, {tag: value}, 2.0 + step)
        expected = scores.metrics[tag]
        assert found.improvements == expected.improvements
        assert (found.best, found.best_step) == (expected.best, expected.best_step)
        assert np.array_equal([found.last or 0.0], [expected.last or 0.0], equal_nan=True)


def test_a_long_staircase_is_thinned_and_ends_at_the_best(tmp_path: Path) -> None:
    metric = summed(tmp_path, "acc", [float(n) for n in range(2001)])
    assert MOST_IMPROVEMENTS / 2 < len(metric.improvements) <= MOST_IMPROVEMENTS
    assert metric.improvements[-1] == Improvement(2000, 2002.0, 2000.0)
    assert list(metric.improvements) == sorted(metric.improvements)


def test_what_nobody_judges_by_has_no_staircase(tmp_path: Path) -> None:
    assert summed(tmp_path, "lr", [1.0, 2.0]) == Metric("max", 2.0, 1, 2.0, 1, ())


def test_a_goal_that_was_said_overrules_the_name(tmp_path: Path) -> None:
    write(tmp_path, "acc", [(0, 1.0, 3.0), (1, 2.0, 2.0)])
    metric = account(read_scalars(tmp_path).series, {"acc": "min"}, 1.0).summary.metrics["acc"]
    assert (metric.goal, metric.best) == ("min", 2.0)


def test_a_series_that_is_never_finite_has_no_best(tmp_path: Path) -> None:
    metric = summed(tmp_path, "loss", [math.nan, -math.inf])
    assert metric == Metric("min", -math.inf, 1, None, None)


def test_times_that_cannot_be_are_passed_over(tmp_path: Path) -> None:
    times = [math.nan, -1.0, 0.0, 1e300, 50.0, 60.0, math.inf]
    write(tmp_path, "loss", [(step, time, 1.0 - step) for step, time in enumerate(times)])
    found = account(read_scalars(tmp_path).series, {}, 40.0)
    assert (found.begin, found.end, found.step) == (40.0, 60.0, 6)
    seconds = [each.seconds for each in found.summary.metrics["loss"].improvements]
    assert seconds == [0.0, 0.0, 0.0, 0.0, 10.0, 20.0, 0.0]


def test_where_no_time_is_known_it_is_the_beginning_of_all(tmp_path: Path) -> None:
    (tmp_path / _NAME).write_bytes(b"")
    found = account(read_scalars(tmp_path).series, {}, -1.0)
    assert (found.begin, found.end, found.step, found.epoch) == (0.0, 0.0, 0, 0.0)


def test_the_epoch_is_the_series_of_that_name(tmp_path: Path) -> None:
    write(tmp_path, "epoch", [(10, 1.0, 0.0), (20, 2.0, 1.5)])
    assert account(read_scalars(tmp_path).series, {}, 1.0).epoch == 1.5
    write(tmp_path, "epoch", [(30, 3.0, math.nan)])
    assert account(read_scalars(tmp_path).series, {}, 1.0).epoch == 0.0


@pytest.mark.parametrize(
    ("name", "host", "pid"),
    [
        ("events.out.tfevents.1700000000.a.host.42.0", "a.host", 42),
        ("events.out.tfevents.1700000000.a.host.42.0.v2", "a.host", 42),
        ("events.out.tfevents.1700000000.host", "host", 0),
        ("old.tfevents", "", 0),
    ],
)
def test_the_file_name_tells_host_and_process(name: str, host: str, pid: int) -> None:
    found = Account(1.0, 2.5, store.Summary())
    said = status(found, name)
    assert (said["state"], said["host"], said["pid"]) == ("finished", host, pid)
    assert said["started"] == "1970-01-01T00:00:01.000+00:00"
    assert said["ended"] == "1970-01-01T00:00:02.500+00:00"
    told = provenance(found, name, Path("/logs/a"), "a writer")
    assert told["host"] == ({"name": host} if host else {})
    assert (told["directory"], told["writer"], told["packages"]) == ("/logs/a", "a writer", {})
