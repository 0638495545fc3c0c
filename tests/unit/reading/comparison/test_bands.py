from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import stats as scipy_stats

from tests.records import record
from tracker.events.reader import Series
from tracker.reading.comparison.bands import align, bands
from tracker.reading.comparison.groups import Group
from tracker.store.index import list_runs
from tracker.store.run import Run


def series(steps: list[int], values: list[float]) -> Series:
    return Series(np.array(steps), np.zeros(len(steps)), np.array(values))


def test_series_meet_at_the_steps_they_share() -> None:
    band = align({"a": series([10, 20, 30], [1, 2, 3]), "b": series([5, 10, 30, 40], [9, 3, 7, 9])})
    assert band.steps.tolist() == [10, 30]
    assert band.values.tolist() == [[1, 3], [3, 7]]
    assert band.mean.tolist() == [2, 5]
    assert band.std.tolist() == pytest.approx([np.std([1, 3], ddof=1), np.std([3, 7], ddof=1)])
    low, high = scipy_stats.t.interval(0.95, 1, loc=2, scale=scipy_stats.sem([1, 3]))
    assert band.reach[0] == pytest.approx((high - low) / 2)


def test_of_a_step_written_twice_the_last_value_counts() -> None:
    assert align({"a": series([10, 20, 10], [1, 2, 3])}).values.tolist() == [[3, 2]]


def test_one_series_has_no_spread() -> None:
    band = align({"a": series([1], [0.5])})
    assert np.isnan(band.std).all()
    assert np.isnan(band.reach).all()


def test_a_group_is_read_from_its_event_files(tmp_path: Path, make_run: Callable[..., Run]) -> None:
    for seed in (0, 1):
        make_run(tmp_path, seed=seed, accuracy=(0.25, 0.5, 0.5 + seed / 4))
    members = {f"seed {one.seed}": one for one in list_runs(tmp_path)}
    found = bands(Group("resnet50", {}, members), ["accuracy/val", "nothing"])
    assert list(found) == ["accuracy/val"]
    assert found["accuracy/val"].units == ("seed 0", "seed 1")
    assert found["accuracy/val"].mean.tolist() == [0.25, 0.5, 0.625]


def test_a_run_without_the_tag_is_passed_over(tmp_path: Path, make_run: Callable[..., Run]) -> None:
    make_run(tmp_path)
    [there] = list_runs(tmp_path)
    gone = record(seed=1, run=make_run(tmp_path, seed=1))
    for file in gone.run.path.glob("events.*"):
        file.unlink()
    found = bands(Group("g", {}, {"seed 0": there, "seed 1": gone}), ["accuracy/val"])
    assert found["accuracy/val"].units == ("seed 0",)
