"""How long does a command take to answer, beside importing what it cannot do without?

Command and yardstick take turns in fresh interpreters, their bytecode written beforehand, so that
a busy machine slows both; the median of the ratios of each turn counts. The runs are a hundred
empty ones.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

from benchmarks.measure import Row, machine, middle, parser, report
from tracker.spec.load import from_document
from tracker.store import provenance
from tracker.store.active import ActiveRun
from tracker.store.summary import Metric, Summary

RUNS = 100


class Case(NamedTuple):
    """A command line, what is imported to compare with, and the ratio we want to stay below."""

    command: str
    yardstick: str
    goal: float


CASES = (
    Case("--help", "click", 1.5),
    Case("ls", "click", 3.0),
    Case("show @last", "click", 3.0),
    Case("models", "click", 3.0),
    Case("tensorboard --list", "click", 3.0),
    Case("validate spec.json", "click, jsonschema", 1.5),
)


def make_runs(root: Path) -> None:
    """Make runs that a listing has to read, without training."""
    circumstances = provenance.collect(None, ["tracker"], patch=False)
    summary = Summary(metrics={"accuracy/val": Metric("max", 0.9, 10, 0.9, 10)})
    for seed in range(RUNS):
        experiment = from_document({"name": "x", "seed": seed})
        with ActiveRun.create(root, experiment, circumstances) as active:
            active.update(10, 1.0, summary)


def seconds(command: list[str], place: Path) -> float:
    """Run a command in a fresh interpreter."""
    environment = {**os.environ, "TRACKER_RUNS": "runs"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    begin = time.perf_counter()
    subprocess.run(command, cwd=place, env=environment, capture_output=True, check=True)
    return time.perf_counter() - begin


def measure(case: Case, place: Path, repeats: int) -> Row:
    """Let the command and its yardstick take turns."""
    ours = [sys.executable, "-m", "tracker.cli.main", *case.command.split()]
    bare = [sys.executable, "-c", f"import {case.yardstick}"]
    for command in (ours, bare):
        seconds(command, place)
    turns = [(seconds(ours, place), seconds(bare, place)) for _ in range(repeats)]
    return {
        "command": f"tracker {case.command}",
        "yardstick": f"import {case.yardstick}",
        **middle("ratio", [mine / theirs for mine, theirs in turns]),
        "goal": f"≤ {case.goal}",
        "ms": 1e3 * median(mine for mine, _ in turns),
        "yardstick ms": 1e3 * median(theirs for _, theirs in turns),
    }


def main() -> None:
    """Measure, print, and keep the result."""
    arguments = parser(__doc__)
    arguments.set_defaults(repeats=15)
    given = arguments.parse_args()
    with TemporaryDirectory() as folder:
        place = Path(folder)
        make_runs(place / "runs")
        spec = {"name": "x", "matrix": {"model.backbone": ["resnet18", "se_resnet18"]}}
        (place / "spec.json").write_text(json.dumps(spec))
        rows = [measure(case, place, given.repeats) for case in CASES]
    about = machine("click", "jsonschema")
    report(f"Start-up of commands ({RUNS} runs)", rows, about, given.json)


if __name__ == "__main__":
    main()
