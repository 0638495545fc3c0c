import math
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.records import damage
from tracker.reading.comparison.as_of import as_of, compare_at, short_of
from tracker.store.index import RunRecord, list_runs
from tracker.store.run import Run
from tracker.store.summary import Metric


@pytest.fixture
def climbing(tmp_path: Path, make_run: Callable[..., Run]) -> RunRecord:
    make_run(tmp_path, accuracy=(0.5, 0.25, 0.75))
    return list_runs(tmp_path)[0]


def test_a_run_as_it_was(climbing: RunRecord) -> None:
    then = as_of(climbing, 29)
    assert then.step == 29
    assert then.metrics == {
        "accuracy/val": Metric("max", 0.25, 20, 0.5, 10),
        "loss/val": Metric("min", 0.75, 20, 0.5, 10),
    }
    assert as_of(climbing, 30).metrics["accuracy/val"].best == 0.75


def test_before_the_first_value_there_is_none(climbing: RunRecord) -> None:
    assert as_of(climbing, 9).metrics == {}


def test_a_value_that_is_no_number_is_not_the_best(
    tmp_path: Path, make_run: Callable[..., Run]
) -> None:
    make_run(tmp_path, accuracy=(0.5, math.nan, 0.25))
    then = as_of(list_runs(tmp_path)[0], 20)
    assert then.metrics["accuracy/val"] == Metric("max", None, 20, 0.5, 10)


def test_a_run_that_did_not_get_so_far_is_short_of_it(climbing: RunRecord) -> None:
    assert as_of(climbing, 31) is climbing
    assert short_of(31)(climbing) == "finished at step 30, short of 31"
    assert short_of(30)(climbing) is None


@pytest.mark.parametrize("fault", ["damaged", "gone"])
def test_a_run_whose_events_are_no_more_is_left_out_and_says_why(
    tmp_path: Path, make_run: Callable[..., Run], fault: str
) -> None:
    for backbone in ("resnet50", "se_resnet50"):
        for seed, last in enumerate((0.5, 0.6, 0.7)):
            make_run(tmp_path, backbone, seed, accuracy=(0.25, last, last))
    [path] = (tmp_path / "first" / "resnet50" / "s0").glob("events.*")
    if fault == "damaged":
        damage(path)
    else:
        path.unlink()
    found = compare_at(list_runs(tmp_path), 20)
    assert found.step == 20
    [left] = found.left_out
    assert left.run == "first/resnet50/s0"
    gone = "damaged: its event files are gone"
    assert left.reason.startswith(f"damaged: {path.name} is" if fault == "damaged" else gone)
    base = found.groups[0].scores["accuracy/val"].last
    assert base is not None
    assert base.n == 2
    assert base.mean == pytest.approx(0.65)


def test_without_a_step_no_event_file_is_read(tmp_path: Path, make_run: Callable[..., Run]) -> None:
    for backbone in ("resnet50", "se_resnet50"):
        make_run(tmp_path, backbone)
    for path in tmp_path.rglob("events.*"):
        path.unlink()
    found = compare_at(list_runs(tmp_path), None)
    assert (found.step, found.left_out) == (None, [])
