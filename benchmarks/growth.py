"""How cost grows: with runs, steps, tags and pictures; as a table and, if asked for, as a plot.

    python -m benchmarks.growth [--most-runs N] [--most-points N] [--plot FILE] [--json FILE]

Each line varies one thing by tens and measures in this process: `ls` and `compare` over 1 to
10,000 runs, and over 100 runs whose event files grow; reading one run's scalars as its points grow,
and as pictures of 100 KB lie between them; a step's call as its tags grow. The median of the rounds
counts; a cost that grows in proportion has the same `each` all the way down. The plot is
matplotlib's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks import runs
from benchmarks.measure import Row, is_installed, machine, middle, parser, report
from tracker.events.reader import read_scalars
from tracker.events.writer import EventWriter
from tracker.reading.comparison.compare import compare
from tracker.reading.listing import listed
from tracker.record.tensorboard import RunWriter
from tracker.store.index import list_runs
from tracker.store.status import utc_now

TAGS = 10
STEPS_A_CALL = 2000
Sample = tuple[str, str, int, list[float]]  # what grows, in what, how much of it, seconds


def tens(most: int, first: int = 1) -> list[int]:
    """1, 10, 100, … up to `most`, from `first`."""
    found = [first]
    while found[-1] * 10 <= most:
        found.append(found[-1] * 10)
    return found


def timed(repeats: int, do: Callable[[Any], object], given: Any) -> list[float]:
    """Seconds that `do(given)` takes in each round, after one that is not counted."""
    do(given)
    moments = [time.perf_counter()]
    for _ in range(repeats):
        do(given)
        moments.append(time.perf_counter())
    return [after - before for before, after in pairwise(moments)]


def over_runs(most: int, repeats: int) -> Iterator[Sample]:
    """`ls` and `compare`, over more and more runs."""
    for count in tens(most):
        with TemporaryDirectory() as folder:
            root = Path(folder)
            runs.make(root, count)
            yield "ls", "runs", count, timed(repeats, _list, root)
            if count > 1:
                yield "compare", "runs", count, timed(repeats, _compare, root)


def over_length(most: int, repeats: int) -> Iterator[Sample]:
    """`ls` over ten runs that are longer and longer."""
    for steps in tens(most, 10):
        with TemporaryDirectory() as folder:
            root = Path(folder)
            runs.make(root, 10)
            for run in (one.run for one in list_runs(root)):
                write(run.path, steps, TAGS)
            yield "ls of 10 runs", "steps", steps, timed(repeats, _list, root)


def over_points(most: int, repeats: int) -> Iterator[Sample]:
    """Reading one run of more and more points."""
    for points in tens(most, 100):
        with TemporaryDirectory() as folder:
            run = Path(folder)
            write(run, points // TAGS, TAGS)
            yield "read a run", "points", points, timed(repeats, read_scalars, run)


def over_pictures(most: int, repeats: int) -> Iterator[Sample]:
    """Reading one run of 10,000 points and more and more pictures."""
    noise = np.random.default_rng(0).integers(0, 256, (180, 180, 3), dtype=np.uint8)
    for pictures in tens(most):
        with TemporaryDirectory() as folder:
            run = Path(folder)
            write(run, 1000, TAGS)
            with RunWriter(run, warn=print) as writer:
                for step in range(pictures):
                    writer.picture("picture", step, lambda: noise)
            seconds = timed(repeats, read_scalars, run)
            yield "read 10,000 points", "pictures", pictures, seconds


def over_tags(most: int, repeats: int) -> Iterator[Sample]:
    """A step's call, of more and more tags."""
    for count in tens(most):
        with TemporaryDirectory() as folder:
            seconds = timed(repeats, _log, (Path(folder), count))
            yield "log a step", "tags", count, [one / STEPS_A_CALL for one in seconds]


def _list(root: Path) -> object:
    return listed(list_runs(root), utc_now())


def _compare(root: Path) -> object:
    return compare(list_runs(root))


def _log(asked: tuple[Path, int]) -> None:
    run, tags = asked
    write(run, STEPS_A_CALL, tags)


def write(run: Path, steps: int, tags: int) -> None:
    """Write `steps` steps of so many tags."""
    names = [f"group/tag{number}" for number in range(tags)]
    values = np.random.default_rng(0).normal(size=tags).tolist()
    named = dict(zip(names, values, strict=True))
    with EventWriter(run) as writer:
        for step in range(steps):
            writer.scalars(step, named)


def draw(samples: list[Sample], path: Path) -> None:
    """Plot each line on its own axes, both logarithmic, with a line of proportion beside it."""
    pyplot = import_module("matplotlib.pyplot")
    kinds = dict.fromkeys((what, unit) for what, unit, _, _ in samples)
    figure, axes = pyplot.subplots(2, 3, figsize=(11, 6.2), layout="constrained")
    for panel, (what, unit) in zip(axes.flat, kinds, strict=False):
        mine = [(count, each) for name, of, count, each in samples if (name, of) == (what, unit)]
        counts = [count for count, _ in mine]
        middles = [1e3 * float(np.median(each)) for _, each in mine]
        panel.loglog(counts, middles, "o-", color="#1f6fb4")
        proportion = [middles[-1] * count / counts[-1] for count in counts]
        panel.loglog(counts, proportion, ":", color="#999999")
        panel.set_ylim(min(middles) / 4, max(middles) * 4)
        panel.set_title(f"{what}, ms")
        panel.set_xlabel(unit)
        panel.set_xticks(counts, [f"{count:,}" for count in counts])
        panel.minorticks_off()
        panel.grid(alpha=0.3)
    figure.supxlabel("dotted: in proportion", color="#777777", fontsize=9)
    figure.savefig(path, dpi=100)


def main() -> None:
    """Measure, print, draw, and keep the result."""
    arguments = parser(__doc__)
    arguments.add_argument("--most-runs", type=int, default=10_000)
    arguments.add_argument("--most-points", type=int, default=1_000_000, help="of one run")
    arguments.add_argument("--most-pictures", type=int, default=100)
    arguments.add_argument("--plot", type=Path, help="draw what was found here; needs matplotlib")
    given = arguments.parse_args()
    if given.plot and not is_installed("matplotlib"):
        arguments.error("--plot needs matplotlib: pip install -r benchmarks/peers.txt")
    samples = [
        *over_runs(given.most_runs, given.repeats),
        *over_length(given.most_points // 10, given.repeats),
        *over_points(given.most_points, given.repeats),
        *over_pictures(given.most_pictures, given.repeats),
        *over_tags(100, given.repeats),
    ]
    rows: list[Row] = []
    for what, unit, count, seconds in samples:
        each = {"each, µs": 1e6 * float(np.median(seconds)) / count}
        rows.append(
            {"what": what, "of": unit, "how many": count, **middle("ms", seconds, 1e3), **each}
        )
    report("How cost grows", rows, machine("numpy", "google-crc32c", "scipy"), given.json)
    if given.plot:
        draw(samples, given.plot)


if __name__ == "__main__":
    main()
