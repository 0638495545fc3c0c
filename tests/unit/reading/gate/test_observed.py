from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tracker.errors import Damaged, NotComparable, UsageError
from tracker.reading.gate.baseline import record
from tracker.reading.gate.judge import judge
from tracker.reading.gate.observed import observe, packages_of
from tracker.reading.gate.own import observe_curves
from tracker.store.run import Run


def test_a_run_is_seen_as_its_files_tell(make_run: Callable[..., Run], tmp_path: Path) -> None:
    found = observe(make_run(tmp_path, seed=3))
    assert (found.name, found.seed, found.step) == ("first/resnet50/s3", 3, 30)
    assert found.curves["accuracy/val"].steps == (10, 20, 30)
    assert found.data == {
        "name": "shapes",
        "digest": "0" * 64,
        "train_size": 8,
        "val_size": 4,
    }
    assert found.network is not None
    assert (found.network.parameters, found.network.graph) == (23_520_842, None)
    assert found.experiment is not None
    assert "seed" not in found.experiment
    assert found.environment.machine is None
    assert "torch" in (found.environment.packages or {})


def test_only_what_came_to_its_end_is_judged(make_run: Callable[..., Run], tmp_path: Path) -> None:
    run = make_run(tmp_path, ends=ValueError("the loss is nan"))
    with pytest.raises(NotComparable, match="is failed: only a finished run"):
        observe(run)


def test_damage_is_damage(make_run: Callable[..., Run], tmp_path: Path) -> None:
    run = make_run(tmp_path)
    run.summary_file.write_text("{")
    with pytest.raises(Damaged, match=r"summary\.json"):
        observe(run)


def test_of_the_packages_those_that_compute_but_not_the_code_under_test() -> None:
    known = {"packages": {"Torch": "2", "tracker": "1", "rich": "3", "nvidia-x": "4"}}
    assert packages_of(known) == {"torch": "2", "nvidia-x": "4"}
    assert packages_of({"packages": {}}) is None
    assert packages_of(None) is None


def test_curves_of_others_go_by_value_or_by_pair() -> None:
    one = observe_curves("mine", {"loss": [3.0, 2.0]}, machine={})
    other = observe_curves("mine", {"loss": [(1, 3.0), (2, 2.0)]}, machine={})
    assert one == other
    assert (one.step, one.curves["loss"].steps) == (2, (1, 2))
    check = judge(record([one]), [other])
    assert (check.mode, check.exit_code) == ("exact", 0)
    unknown = replace(other, environment=replace(other.environment, machine=None))
    assert judge(record([one]), [unknown]).mode == "statistical"


@pytest.mark.parametrize("points", [[], [(2, 1.0), (1, 1.0)]])
def test_curves_of_others_have_points_at_steps_that_rise(points: list[tuple[int, float]]) -> None:
    with pytest.raises(UsageError, match="must have points, at steps that rise"):
        observe_curves("mine", {"loss": points})
