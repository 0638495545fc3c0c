"""Every benchmark runs to its end, as small as it gets, and keeps what it found: no time is judged.

Programs of other people are asked for only where they are installed, so that these tests need none.
"""

from __future__ import annotations

import json
import math
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.measure import middle, spread
from benchmarks.tell import told

ROOT = Path(__file__).parents[2]
SPEC = {
    "name": "tiny",
    "data": {"name": "shapes", "train_size": 64, "val_size": 32},
    "model": {"backbone": "resnet9", "width": 4},
    "training": {"epochs": 1, "batch_size": 16},
}
SMALLEST = {
    "asking": "--runs 10",
    "class_folder": "--pictures 8 --size 32",
    "data_path": "--pictures 128 --batch-size 64 --workers 0",
    "false_verdicts": "",
    "first_step": "",
    "frozen_features": "--backbone resnet18 --pictures 32 --epochs 3",
    "gpu": "--device cpu --spec tiny.json --steps 10 --workers 0 --ways tracker airbench timm",
    "graphs": "--backbone cifar_resnet20",
    "growth": "--most-runs 10 --most-points 1000 --most-pictures 1",
    "log_scalars": "--share 0.001",
    "logging_cost": "--steps 2 --epochs 1 --backbone cifar_resnet20",
    "loop": "--steps 12",
    "precision": (
        "--backbone cifar_resnet20 --batch 8 --steps 3 --seeds 2 --pictures 256 --epochs 1"
    ),
    "read_scalars": "--share 0.01 --slow-runs 1 --kinds 'ten a step' 'one an event'",
    "startup": "",
    "step": "--cases resnet18:32:4 --steps 1",
    "whole_job": "--backbones resnet18 --pictures 64 --batch 32",
}
NO_PROGRAMS = {"data_server", "measure", "peers", "runs", "tell"}  # measure nothing themselves
ABOUT = {"command", "commit", "time", "processor", "cores", "load", "system", "python", "packages"}


def benchmark(folder: Path, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", f"benchmarks.{module}", *arguments]
    (folder / "tiny.json").write_text(json.dumps(SPEC))
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("module", SMALLEST)
def test_a_benchmark_runs_and_says_what_measured_it(module: str, tmp_path: Path) -> None:
    repeats = "20" if module == "false_verdicts" else "1"
    kept = ("--repeats", repeats, "--json", "found.json")
    done = benchmark(tmp_path, module, *shlex.split(SMALLEST[module]), *kept)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["title"]
    assert found["about"].keys() >= ABOUT
    assert f"benchmarks.{module}" in found["about"]["command"]
    assert found["rows"]
    assert {frozenset(row) for row in found["rows"]} == {frozenset(found["rows"][0])}
    numbers = [value for row in found["rows"] for value in row.values() if type(value) is float]
    assert numbers
    assert all(map(math.isfinite, numbers))


def test_each_is_tried_here() -> None:
    there = {path.stem for path in (ROOT / "benchmarks").glob("[!_]*.py")}
    assert there - NO_PROGRAMS == SMALLEST.keys()


@pytest.mark.slow
def test_without_a_gpu_nothing_is_measured_and_that_is_said(tmp_path: Path) -> None:
    done = benchmark(tmp_path, "gpu", "--json", "found.json")
    if done.returncode:
        assert "finds no GPU here, so nothing was measured" in done.stderr
        assert not (tmp_path / "found.json").exists()


def test_the_middle_is_the_median_and_the_spread_of_the_middle_half() -> None:
    assert middle("ms", [0.001, 0.003, 0.002, 0.005, 0.004], 1e3) == {
        "ms": 3.0,
        "± %": pytest.approx(100 / 3),
        "n": 5,
    }
    assert spread([4.0]) == 0.0


def test_a_result_is_told_with_what_measured_it() -> None:
    about = {
        "command": [
            "/usr/bin/python3",
            "-m",
            "benchmarks.x",
            "--json",
            "/a b/x.json",
            "--runs",
            "3",
        ],
        "commit": "abc1234",
        "time": "2026-01-02T03:04:05+00:00",
        "processor": "A fast one",
        "cores": 4,
        "load": 0.25,
        "python": "3.11.7",
        "packages": {"numpy": "2.4.6"},
        "remarks": ["not installed: y"],
    }
    found = {"title": "How fast", "rows": [{"way": "ours", "ms": 0.12345, "n": 5}], "about": about}
    assert told(found) == (
        "### How fast\n\n"
        "| way | ms | n |\n| --- | ---: | ---: |\n| ours | 0.123 | 5 |\n\n"
        "Not installed: y.\n\n"
        "`python -m benchmarks.x --runs 3`, commit abc1234, 2026-01-02T03:04 UTC; "
        "A fast one, 4 cores, load 0.2, Python 3.11.7; numpy 2.4.6.\n"
    )
