"""How fast scalars are read into arrays: `read_scalars` beside TensorBoard's readers and tbparse.

    python -m benchmarks.read_scalars [--share S] [--slow-runs N] [--repeats R] [--json FILE]

Four kinds of folders, the first of 100 runs of 10,000 steps of 5 tags. The ways take turns, each
round in a fresh interpreter; the median round counts. The files are in the page cache. All must
find every point, or the benchmark stops; all verify checksums but the one that says it does not.
The slow ones read `--slow-runs` of the runs, which a time a point does not depend on. Memory is
what the process grew by at most, and the data server's process with it, over what the points need
in arrays, 24 bytes each; it is told where that is 20 MB or more.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from itertools import islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np

from benchmarks.log_scalars import TAGS
from benchmarks.measure import Row, child, is_installed, machine, middle, parser, report

POINT = 24  # bytes: a step, a time and a value, of eight each
TOLD = 20_000_000  # bytes of result, below which memory says nothing


class Kind(NamedTuple):
    """A kind of folder: how many runs of how many steps, and what writes one. `tags` a step."""

    name: str
    runs: int
    steps: int
    tags: int
    write: Callable[[Path, int, int], None]


class Way(NamedTuple):
    """A way to read: the package it needs, whether all runs are bearable.

    `read` returns the number of points, and bytes used in another process.
    """

    package: str
    is_fast: bool
    read: Callable[[list[Path]], tuple[int, int]]


def write_together(run: Path, steps: int, tags: int) -> None:
    """Write as this package does: all scalars of a step in one event."""
    from tracker.events.writer import EventWriter

    values = np.random.default_rng(0).normal(size=(steps, tags))
    with EventWriter(run) as writer:
        for step, row in enumerate(values.tolist()):
            writer.scalars(step, dict(zip(TAGS[:tags], row, strict=True)))


def write_singly(run: Path, steps: int, tags: int) -> None:
    """Write the same points as `add_scalar` does: one event each."""
    from tracker.events.writer import EventWriter

    values = np.random.default_rng(0).normal(size=(steps, tags))
    with EventWriter(run) as writer:
        for step, row in enumerate(values.tolist()):
            for tag, value in zip(TAGS[:tags], row, strict=True):
                writer.scalars(step, {tag: value})


def write_with_pictures(run: Path, steps: int, tags: int) -> None:
    """Write through `SummaryWriter`, with ten pictures of 100 KB between the scalars."""
    from torch.utils.tensorboard import SummaryWriter

    rng = np.random.default_rng(0)
    with SummaryWriter(str(run)) as writer:
        for step in range(steps):
            for tag in TAGS[:tags]:
                writer.add_scalar(tag, rng.normal(), step)
            if step % max(1, steps // 10) == 0:
                noise = rng.integers(0, 256, (3, 180, 180), dtype=np.uint8)
                writer.add_image("picture", noise, step)


KINDS = (
    Kind("five a step", 100, 10_000, 5, write_together),
    Kind("ten a step", 1, 20_000, 10, write_together),
    Kind("one an event", 10, 10_000, 10, write_singly),
    Kind("with pictures", 100, 200, 10, write_with_pictures),
)


def _tracker(runs: list[Path]) -> tuple[int, int]:
    from tracker.events.reader import read_scalars

    found = [read_scalars(run).series for run in runs]  # kept, as by who asked for them
    return sum(len(series) for run in found for series in run.values()), 0


def _accumulator(runs: list[Path]) -> tuple[int, int]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = []
    for run in runs:
        events = EventAccumulator(str(run), size_guidance={"scalars": 0, "images": 1}).Reload()
        found.append([events.Scalars(tag) for tag in events.Tags()["scalars"]])
    return sum(len(points) for run in found for points in run), 0


def _tbparse(runs: list[Path]) -> tuple[int, int]:
    reader = import_module("tbparse").SummaryReader
    found = [reader(str(run), event_types={"scalars"}).scalars for run in runs]
    return sum(map(len, found)), 0


def _data_server(runs: list[Path]) -> tuple[int, int]:
    return _serve(runs, check=True)


def _data_server_trusting(runs: list[Path]) -> tuple[int, int]:
    return _serve(runs, check=False)


def _serve(runs: list[Path], *, check: bool) -> tuple[int, int]:
    from benchmarks.data_server import read

    root = runs[0].parent
    steps = json.loads((root / "steps.json").read_text())
    return read(root, {run.name: steps - 1 for run in runs}, check=check)


WAYS: Mapping[str, Way] = {
    "tracker": Way("tracker", True, _tracker),
    "data server": Way("tensorboard-data-server", True, _data_server),
    "data server, unchecked": Way("tensorboard-data-server", True, _data_server_trusting),
    "EventAccumulator": Way("tensorboard", False, _accumulator),
    "tbparse": Way("tbparse", False, _tbparse),
}


class Round(NamedTuple):
    """Seconds a point, and bytes of memory a byte of result."""

    seconds: float
    memory: float


def measure(way: str, runs: list[Path]) -> dict[str, float]:
    """Read `runs` in this process, once before on one of them to import all there is to."""
    if WAYS[way].is_fast and "server" not in way:
        WAYS[way].read(runs[:1])
    before = _peak()
    begin = time.perf_counter()
    points, elsewhere = WAYS[way].read(runs)
    seconds = time.perf_counter() - begin
    return {"points": points, "seconds": seconds, "memory": _peak() - before + elsewhere}


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def compare(root: Path, kind: Kind, ways: list[str], given: argparse.Namespace) -> list[Row]:
    """Write runs of a kind, read them every way by turns, and return a row for each way."""
    steps = max(10, round(kind.steps * given.share))
    for number in range(kind.runs):
        kind.write(root / str(number), steps, kind.tags)
    (root / "steps.json").write_text(str(steps))
    few = min(kind.runs, given.slow_runs)
    runs = {way: kind.runs if WAYS[way].is_fast else few for way in ways}
    points = {way: runs[way] * steps * kind.tags for way in ways}
    rounds: dict[str, list[Round]] = {way: [] for way in ways}
    for _ in range(given.repeats):
        for way, there in points.items():
            found = child("benchmarks.read_scalars", "--child", way, str(root), str(runs[way]))
            if found["points"] != there:
                raise SystemExit(f"{way}: {found['points']} points found, {there} written")
            rounds[way].append(Round(found["seconds"] / there, found["memory"] / (there * POINT)))
    ours = median(one.seconds for one in rounds[ways[0]])
    return [
        {
            "files": kind.name,
            "points": f"{kind.runs} x {steps * kind.tags:,}",
            "way": way,
            **middle("µs a point", [one.seconds for one in found], 1e6),
            "memory": _memory(median(one.memory for one in found), points[way] * POINT),
            "time / ours": median(one.seconds for one in found) / ours,
        }
        for way, found in rounds.items()
    ]


def _memory(ratio: float, result: int) -> float | str:
    return ratio if result >= TOLD else ""


def main() -> None:
    """Measure, print, and keep the result."""
    arguments = parser(__doc__)
    arguments.add_argument("--share", type=float, default=1.0, help="of the steps of each kind")
    arguments.add_argument("--slow-runs", type=int, default=5, help="that slow ways read")
    arguments.add_argument("--kinds", nargs="+", choices=[one.name for one in KINDS])
    arguments.add_argument("--child", nargs=3, metavar=("WAY", "FOLDER", "RUNS"), help="one, here")
    given = arguments.parse_args()
    if given.child:
        way, folder, count = given.child
        runs = (Path(folder) / str(number) for number in range(int(count)))
        print(json.dumps(measure(way, list(islice(runs, int(count))))))
        return
    ways = [way for way in WAYS if is_installed(WAYS[way].package)]
    rows = []
    for kind in KINDS:
        if not given.kinds or kind.name in given.kinds:
            with TemporaryDirectory() as directory:
                rows += compare(Path(directory), kind, ways, given)
    about = machine("numpy", "google-crc32c", *(way.package for way in WAYS.values()))
    absent = [way for way in WAYS if way not in ways]
    if absent:
        about["remarks"] = [f"not installed, so not measured: {', '.join(absent)}"]
    report("Reading scalars into arrays", rows, about, given.json)


if __name__ == "__main__":
    main()
