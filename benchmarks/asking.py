"""What is known of 100, 1,000 and 10,000 runs, and what it takes to ask: beside MLflow and Trackio.

    python -m benchmarks.asking [--runs N…] [--peer-runs N] [--repeats R] [--json FILE]

Every question is asked by a fresh process that knows nothing yet; there is no index to warm.
`in process` is the answer alone, imports left out, with the files in the page cache; `from disk`
the same in ms a run, after the kernel was told to forget them; `process` is the whole of it, by the
clock. All know of each run six evaluations of accuracy and loss, and the settings it was made with;
MLflow keeps its runs in SQLite, as does Trackio. MLflow gives the last values alone, Trackio all of
them; `in process`, both have been asked once before, to open their stores. The peers are asked
about `--peer-runs` at most: it takes them long to write more. Aim is left out: its query finds none
of its metrics here (3.29 with SQLAlchemy 2.1).
"""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from benchmarks import runs
from benchmarks.measure import Row, child, is_installed, machine, middle, parser, report
from benchmarks.peers import environment


class Way(NamedTuple):
    """A way to ask: the package it needs, what writes runs, what asks here.

    In a process of its own, `command` asks, which is tracker's, or else `script`, which is Python.
    """

    package: str
    fill: Callable[[Path, int], None]
    ask: Callable[[Path, int], None]
    command: str = ""
    script: str = ""


def _list(root: Path, count: int) -> None:
    from tracker.reading.listing import listed
    from tracker.store.index import list_runs
    from tracker.store.status import utc_now

    _expect(count, len(listed(list_runs(root), utc_now()).rows))


def _compare(root: Path, count: int) -> None:
    from tracker.reading.comparison.compare import compare
    from tracker.store.index import list_runs

    _expect(count, sum(len(one.group.members) for one in compare(list_runs(root)).groups))


def _fill_mlflow(root: Path, count: int) -> None:
    client = _mlflow(root).MlflowClient()
    entities = import_module("mlflow.entities")
    experiment = client.create_experiment("x")
    chance = Random(0)
    for number in range(count):
        run = client.create_run(experiment).info.run_id
        client.log_batch(
            run,
            [
                entities.Metric(tag, value, 0, step)
                for tag, values in runs.results(chance).items()
                for step, value in enumerate(values)
            ],
            [entities.Param(key, str(value)) for key, value in _settings(number).items()],
        )
        client.set_terminated(run)


def _ask_mlflow(root: Path, count: int) -> None:
    found = _mlflow(root).search_runs(experiment_names=["x"], max_results=50_000)
    _expect(count, found["metrics.accuracy/val"].notna().sum())


def _fill_trackio(_root: Path, count: int) -> None:
    trackio = import_module("trackio")
    chance = Random(0)
    for number in range(count):
        with contextlib.redirect_stdout(io.StringIO()):
            trackio.init(project="x", name=f"r{number}", config=_settings(number))
            values = runs.results(chance)
            for step in range(runs.EVALUATIONS):
                trackio.log({tag: line[step] for tag, line in values.items()}, step=step)
            trackio.finish()


def _ask_trackio(_root: Path, count: int) -> None:
    storage = import_module("trackio.sqlite_storage").SQLiteStorage
    found = import_module("trackio").Api().runs("x")
    known = [(run.config, storage.get_logs("x", run.name)) for run in found]
    _expect(count, sum(len(lines) == runs.EVALUATIONS for _, lines in known))


def _mlflow(root: Path) -> Any:
    mlflow = import_module("mlflow")
    mlflow.set_tracking_uri(f"sqlite:///{root}/mlflow.db")
    return mlflow


def _settings(number: int) -> dict[str, object]:
    return {"backbone": runs.BACKBONES[number % 2], "seed": number // 2, "lr": 0.1}


def _expect(count: int, found: int) -> None:
    if found != count:
        raise SystemExit(f"{found} runs were answered for, and {count} are there")


_MLFLOW = """import mlflow
mlflow.set_tracking_uri("sqlite:///mlflow.db")
mlflow.search_runs(experiment_names=["x"], max_results=50_000)
"""
_TRACKIO = """import trackio
from trackio.sqlite_storage import SQLiteStorage
[(run.config, SQLiteStorage.get_logs("x", run.name)) for run in trackio.Api().runs("x")]
"""
WAYS = {
    "tracker ls": Way("tracker", runs.make, _list, "ls"),
    "tracker compare": Way("tracker", runs.make, _compare, "compare"),
    "mlflow.search_runs": Way("mlflow", _fill_mlflow, _ask_mlflow, script=_MLFLOW),
    "Trackio's API": Way("trackio", _fill_trackio, _ask_trackio, script=_TRACKIO),
}


def answer(way: str, root: Path, count: int, *, from_disk: bool) -> float:
    """Ask in this process, and return the seconds that took, imports left out."""
    with TemporaryDirectory() as folder:
        small = Path(folder)
        if WAYS[way].command:  # imports lie within
            runs.make(small, 2)
            WAYS[way].ask(small, 2)
        else:
            WAYS[way].ask(root, count)
    if from_disk:
        _forget(root)
    begin = time.perf_counter()
    WAYS[way].ask(root, count)
    return time.perf_counter() - begin


def _forget(root: Path) -> None:
    """Have the kernel drop what it keeps of the files' contents, as far as it will."""
    os.sync()
    for path in root.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def process(way: str, root: Path) -> float:
    """Ask in a process of its own, and return how long it was there."""
    asked = ["-c", WAYS[way].script]
    if command := WAYS[way].command:
        asked = ["-m", "tracker.cli.main", "--runs", str(root), command]
    surroundings = {**os.environ, **environment(root)}
    begin = time.perf_counter()
    subprocess.run(
        [sys.executable, *asked], check=True, capture_output=True, cwd=root, env=surroundings
    )
    return time.perf_counter() - begin


def _child(way: str, root: Path, count: int, what: str) -> float:
    return float(
        child(
            "benchmarks.asking", "--child", what, way, str(root), str(count),
            environment=environment(root) if not WAYS[way].command else {},
        )
    )  # fmt: skip


def measure(count: int, ways: list[str], repeats: int) -> list[Row]:
    """Make `count` runs of every kind, ask every way by turns, and return a row for each way."""
    with TemporaryDirectory() as folder:
        roots = {way: Path(folder) / WAYS[way].package for way in ways}
        for way, root in roots.items():
            if not root.exists():
                root.mkdir()
                _child(way, root, count, "fill")
        inside: dict[str, list[float]] = {way: [] for way in ways}
        cold: dict[str, list[float]] = {way: [] for way in ways}
        whole: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(repeats):
            for way, root in roots.items():
                inside[way].append(_child(way, root, count, "answer"))
                whole[way].append(process(way, root))
                if WAYS[way].command and hasattr(os, "posix_fadvise"):
                    cold[way].append(_child(way, root, count, "answer from disk"))
    return [
        {
            "runs": count,
            "way": way,
            "in process, s": median(inside[way]),
            **middle("ms a run", inside[way], 1e3 / count),
            "from disk": 1e3 * median(cold[way]) / count if cold[way] else "",
            "process, s": median(whole[way]),
            "process / compare": median(whole[way]) / median(whole["tracker compare"]),
        }
        for way in ways
    ]


def main() -> None:
    """Measure, print, and keep the result."""
    arguments = parser(__doc__)
    arguments.add_argument("--runs", type=int, nargs="+", default=[100, 1000, 10_000])
    arguments.add_argument("--peer-runs", type=int, default=1000, help="that peers are asked about")
    arguments.add_argument("--child", nargs=4, metavar=("WHAT", "WAY", "FOLDER", "RUNS"))
    given = arguments.parse_args()
    if given.child:
        what, way, root, count = given.child
        if what == "fill":
            WAYS[way].fill(Path(root), int(count))
        from_disk = what == "answer from disk"
        asks = what.startswith("answer")
        print(answer(way, Path(root), int(count), from_disk=from_disk) if asks else 0)
        return
    there = [way for way in WAYS if is_installed(WAYS[way].package)]
    rows = []
    for count in given.runs:
        ways = [way for way in there if WAYS[way].command or count <= given.peer_runs]
        rows += measure(count, ways, given.repeats)
    about = machine("click", "scipy", "mlflow", "sqlalchemy", "trackio")
    if absent := [way for way in WAYS if way not in there]:
        about["remarks"] = [f"not installed, so not measured: {', '.join(absent)}"]
    report("What is known of many runs", rows, about, given.json)


if __name__ == "__main__":
    main()
