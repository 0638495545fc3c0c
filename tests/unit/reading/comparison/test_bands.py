import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats as scipy_stats

from tests.records import damage, record
from tracker.events.reader import Series
from tracker.events.record import Scan
from tracker.reading.comparison.bands import align, read_curves
from tracker.reading.comparison.groups import Group
from tracker.store.index import list_runs
from tracker.store.run import Run


def series(steps: list[int], values: list[float]) -> Series:
    return Series(np.array(steps), np.zeros(len(steps)), np.array(values))


def test_series_meet_at_the_steps_they_share() -> None:
    band = align(
        {"a": series([10, 20, 30], [1, 2, 3]), "b": series([5, 10, 30, 40], [9, 3, 7, 9])}, 3
    )
    assert band.steps.tolist() == [10, 30]
    assert (band.members, band.longest) == (3, 40)
    assert band.values.tolist() == [[1, 3], [3, 7]]
    assert band.mean.tolist() == [2, 5]
    assert band.std.tolist() == pytest.approx([np.std([1, 3], ddof=1), np.std([3, 7], ddof=1)])
    low, high = scipy_stats.t.interval(0.95, 1, loc=2, scale=scipy_stats.sem([1, 3]))
    assert band.reach[0] == pytest.approx((high - low) / 2)


def test_of_a_step_written_twice_the_last_value_counts() -> None:
    assert align({"a": series([10, 20, 10], [1, 2, 3])}, 1).values.tolist() == [[3, 2]]


def test_one_series_has_no_spread() -> None:
    band = align({"a": series([1], [0.5])}, 1)
    assert np.isnan(band.std).all()
    assert np.isnan(band.reach).all()


def test_a_group_is_read_from_its_event_files(tmp_path: Path, make_run: Callable[..., Run]) -> None:
    for seed in (0, 1):
        make_run(tmp_path, seed=seed, accuracy=(0.25, 0.5, 0.5 + seed / 4))
    members = {f"seed {one.seed}": one for one in list_runs(tmp_path)}
    found = read_curves([Group("resnet50", {}, members)], ["accuracy/val", "nothing"])
    assert found.remarks == ()
    [bands] = found.bands
    assert list(bands) == ["accuracy/val"]
    assert bands["accuracy/val"].units == ("seed 0", "seed 1")
    assert bands["accuracy/val"].mean.tolist() == [0.25, 0.5, 0.625]


def test_a_run_without_the_tag_is_passed_over(tmp_path: Path, make_run: Callable[..., Run]) -> None:
    make_run(tmp_path)
    [there] = list_runs(tmp_path)
    (tmp_path / "bare").mkdir()
    bare = record(seed=1, values={}, run=Run(tmp_path / "bare"))
    found = read_curves([Group("g", {}, {"seed 0": there, "seed 1": bare})], ["accuracy/val"])
    band = found.bands[0]["accuracy/val"]
    assert (band.units, band.members) == (("seed 0",), 2)


def test_a_run_that_lost_points_is_in_no_band(tmp_path: Path, make_run: Callable[..., Run]) -> None:
    for seed in range(5):
        make_run(tmp_path, seed=seed)
    runs = {f"seed {one.seed}": one for one in list_runs(tmp_path)}
    [bent, empty, cut, torn] = [
        next(runs[f"seed {seed}"].run.path.glob("events.*")) for seed in range(1, 5)
    ]
    damage(bent)
    empty.unlink()
    whole = [offset for offset, _ in Scan(cut)]
    os.truncate(cut, whole[-1])
    os.truncate(torn, torn.stat().st_size - 5)

    found = read_curves([Group("g", {}, runs)], ["accuracy/val"])
    assert found.bands[0]["accuracy/val"].units == ("seed 0",)
    assert list(found.groups[0].members) == ["seed 0"]
    reasons = {one.run[-2:]: one.reason for one in found.unread}
    assert reasons["s1"].startswith(f"{bent.name} is damaged at byte ")
    assert reasons["s2"] == "its event files are gone"
    short = "its event files hold accuracy/val up to step 20 alone, not to 30"
    assert reasons["s3"] == reasons["s4"] == short
    up_to = read_curves([Group("g", {}, runs)], ["accuracy/val"], until=20)
    assert up_to.bands[0]["accuracy/val"].units == ("seed 0", "seed 3", "seed 4")


def test_a_record_that_a_live_run_has_not_finished_is_no_damage(
    tmp_path: Path, make_run: Callable[..., Run]
) -> None:
    make_run(tmp_path)
    [one] = list_runs(tmp_path)
    [path] = one.run.path.glob("events.*")
    os.truncate(path, path.stat().st_size - 5)
    found = read_curves([Group("g", {}, {"seed 0": replace(one, state="running")})], ["loss/val"])
    assert found.unread == ()
    assert found.bands[0]["loss/val"].steps.tolist() == [10, 20]
