"""How fast scalars are read into arrays: `read_scalars` beside TensorBoard's `EventAccumulator`.

    python -m benchmarks.read_scalars [--points N] [--repeats R] [--json FILE]

Every checksum is verified by both. The files are in the page cache; the median round counts.
Both must find the same number of points, or the benchmark stops.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch.utils.tensorboard import SummaryWriter

from benchmarks.log_scalars import TAGS
from benchmarks.measure import Row, machine, parser, report
from tracker.events.reader import read_scalars
from tracker.events.writer import EventWriter


def write_together(run: Path, steps: int) -> None:
    """Write as this package does: all scalars of a step in one event."""
    values = np.random.default_rng(0).normal(size=(steps, len(TAGS)))
    with EventWriter(run) as writer:
        for step, row in enumerate(values.tolist()):
            writer.scalars(step, dict(zip(TAGS, row, strict=True)))


def write_singly(run: Path, steps: int) -> None:
    """Write the same points as `add_scalar` does: one event each."""
    values = np.random.default_rng(0).normal(size=(steps, len(TAGS)))
    with EventWriter(run) as writer:
        for step, row in enumerate(values.tolist()):
            for tag, value in zip(TAGS, row, strict=True):
                writer.scalars(step, {tag: value})


def write_with_pictures(run: Path, steps: int) -> None:
    """Write through `SummaryWriter`, with ten pictures of 100 KB between the scalars."""
    rng = np.random.default_rng(0)
    with SummaryWriter(str(run)) as writer:
        for step in range(steps):
            for tag in TAGS:
                writer.add_scalar(tag, rng.normal(), step)
            if step % max(1, steps // 10) == 0:
                noise = rng.integers(0, 256, (3, 180, 180), dtype=np.uint8)
                writer.add_image("picture", noise, step)


def ours(run: Path) -> int:
    """Read a run; return how many points it has."""
    return sum(map(len, read_scalars(run).series.values()))


def theirs(run: Path) -> int:
    """Read a run; return how many points it has."""
    events = EventAccumulator(str(run), size_guidance={"scalars": 0, "images": 1}).Reload()
    return sum(len(events.Scalars(tag)) for tag in events.Tags()["scalars"])


def measure(read: Callable[[Path], int], runs: list[Path], points: int) -> float:
    """Return the seconds a point that reading all `runs` takes."""
    begin = time.perf_counter()
    found = sum(map(read, runs))
    seconds = time.perf_counter() - begin
    if found != points:
        raise SystemExit(f"{read.__name__}: {found} points found, {points} written")
    return seconds / points


def compare(
    root: Path, name: str, write: Callable[[Path, int], None], runs: int, steps: int, repeats: int
) -> list[Row]:
    """Write `runs` runs, read them both ways by turns, and return a row for each way."""
    paths = [root / name / str(number) for number in range(runs)]
    for path in paths:
        write(path, steps)
    points = runs * steps * len(TAGS)
    seconds: dict[str, list[float]] = {"read_scalars": [], "EventAccumulator": []}
    for _ in range(repeats):
        seconds["read_scalars"].append(measure(ours, paths, points))
        seconds["EventAccumulator"].append(measure(theirs, paths, points))
    baseline = median(seconds["EventAccumulator"])
    return [
        {
            "files": f"{name}, {runs} x {steps * len(TAGS):,} points",
            "way": way,
            "µs a point": median(found) * 1e6,
            "best": min(found) * 1e6,
            "times faster": baseline / median(found),
        }
        for way, found in seconds.items()
    ]


def main() -> None:
    """Measure, print, and keep the result."""
    arguments = parser(__doc__)
    arguments.add_argument("--points", type=int, default=200_000, help="in each of the three cases")
    given = arguments.parse_args()
    steps = max(1, given.points // len(TAGS))
    few = max(1, steps // 100)
    with TemporaryDirectory() as directory:
        root = Path(directory)
        rows = [
            *compare(root, "ten a step", write_together, 1, steps, given.repeats),
            *compare(root, "one an event", write_singly, 1, steps, given.repeats),
            *compare(root, "with pictures", write_with_pictures, 100, few, given.repeats),
        ]
    about = machine("torch", "tensorboard", "google-crc32c", "numpy", "protobuf")
    report("Reading scalars into arrays", rows, about, given.json)


if __name__ == "__main__":
    main()
