import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.observed import NETWORK, curve, observed
from tracker.errors import Damaged, NotComparable
from tracker.reading.gate.baseline import Baseline, record
from tracker.reading.gate.file import read, write
from tracker.reading.gate.resources import Calibration


@pytest.fixture
def baseline() -> Baseline:
    early = {"loss/val": curve([2.25])}
    resources: dict[str, Any] = {"images_per_second": 1234.0, "peak_memory_bytes": 4096}
    return record(
        [observed(seed, early=early, **resources) for seed in (10, 2, 0)],
        calibration=Calibration(kernels_per_second=10, peak_memory_bytes=2048),
        drift={"loss/train": curve([1e-6, 2.5e-5])},
    )


def edited(path: Path, **changes: Any) -> Path:
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, **changes}))
    return path


def test_what_is_written_is_read_back_to_the_bit(baseline: Baseline, tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    write(path, baseline)
    assert read(path) == baseline


def test_the_same_baseline_is_the_same_text_in_sorted_lines(
    baseline: Baseline, tmp_path: Path
) -> None:
    one, other = tmp_path / "a.json", tmp_path / "b.json"
    write(one, baseline)
    write(other, read(one))
    text = one.read_text()
    assert text == other.read_text()
    lines = text.splitlines()
    assert max(map(len, lines)) < 120
    assert [line.strip() for line in lines if '"values"' in line][3] == '"values": [2.0, 1.5, 1.0]'
    tops = [line for line in lines if line.startswith(' "')]
    assert tops == sorted(tops)
    seeds = [line.strip() for line in lines if line.strip() in ('"0": {', '"2": {', '"10": {')]
    assert seeds[:3] == ['"0": {', '"2": {', '"10": {'], "as numbers, not as letters"


def test_means_and_spreads_stand_there_for_people(baseline: Baseline, tmp_path: Path) -> None:
    write(tmp_path / "b.json", baseline)
    document = json.loads((tmp_path / "b.json").read_text())
    assert document["metrics"][0] == {
        "tag": "accuracy/val",
        "step": None,
        "goal": "max",
        "mean": 0.64,
        "std": 0.0529,
        "seeds": 3,
    }
    assert document["speed"] == {"measured": 1234.0, "kernel": 10.0, "ratio": 123.4}


def test_an_edit_by_hand_is_refused_until_it_is_accepted(
    baseline: Baseline, tmp_path: Path
) -> None:
    path = tmp_path / "b.json"
    write(path, baseline)
    path.write_text(path.read_text().replace("[2.0, 1.5, 1.0]", "[2.0, 1.25, 1.0]"))
    with pytest.raises(Damaged, match=r"its checksum does not fit.*--update.*--accept"):
        read(path)
    accepted = read(path, accept=True)
    assert accepted.curves["loss/train"][0].values == (2.0, 1.25, 1.0)
    write(path, accepted)
    assert read(path) == accepted


def test_where_lines_end_and_how_they_are_indented_is_no_edit(
    baseline: Baseline, tmp_path: Path
) -> None:
    path = tmp_path / "b.json"
    write(path, baseline)
    path.write_text(json.dumps(json.loads(path.read_text()), indent=4).replace("\n", "\r\n"))
    assert read(path) == baseline


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"baseline_version": 2}, "is of version 2, this tracker reads 1"),
        ({"baseline_version": "1"}, "is no baseline"),
        ({"curves": []}, "curves cannot be a list"),
        ({"curves": {}}, "curves: not every series is there of every seed"),
        ({"curves": {"a": {"x": {}}}}, "curves/a does not go by seed"),
        ({"metrics": [{"tag": "a", "step": None, "goal": None}]}, "a is not in the curves"),
        ({"metrics": [{"tag": "accuracy/val", "step": None, "goal": "up"}]}, "neither max nor min"),
        ({"network": {"parameters": 1.5, "flops": 1, "graph": None}}, "parameters cannot be a"),
        ({"speed": {"measured": "1", "kernel": 1}}, "speed: measured cannot be a str"),
        ({"drift": {"a": {"steps": [1], "values": [-1.0]}}}, "drift/a: .* is not negative"),
        ({"early": []}, "early cannot be a list"),
        ({"environment": {}}, "environment has no machine"),
    ],
)
def test_what_is_no_baseline_is_damage(
    baseline: Baseline, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    path = tmp_path / "b.json"
    write(path, baseline)
    with pytest.raises(Damaged, match=message):
        read(edited(path, **changes), accept=True)


def test_what_is_not_known_stays_so(tmp_path: Path) -> None:
    run = replace(observed(0), experiment=None, data=None, network=replace(NETWORK, graph=None))
    write(tmp_path / "b.json", record([run]))
    assert read(tmp_path / "b.json") == record([run])


def test_nothing_to_judge_by_is_never_a_pass(baseline: Baseline, tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    write(path, baseline)
    with pytest.raises(NotComparable, match="there is nothing to judge by"):
        read(edited(path, metrics=[]), accept=True)


def test_a_baseline_of_before_the_drift_was_measured_is_read(
    baseline: Baseline, tmp_path: Path
) -> None:
    path = tmp_path / "b.json"
    write(path, baseline)
    document = json.loads(path.read_text())
    del document["early"], document["drift"]
    path.write_text(json.dumps(document))
    assert read(path, accept=True) == replace(baseline, early={}, drift={})
