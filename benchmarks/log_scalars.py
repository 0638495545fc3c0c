"""How fast scalars are written: `EventWriter` beside PyTorch's `SummaryWriter`, in one process.

    python -m benchmarks.log_scalars [--steps N] [--repeats R] [--json FILE]

Ten tags a step. The two take turns, so that a busy machine slows both; the median round counts.
`SummaryWriter` leaves the work to a thread, so its time runs until all is in the file; p99 is what
the training loop waits for a step, whoever works.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
from torch.utils.tensorboard import SummaryWriter

from benchmarks.measure import Row, machine, parser, report
from tracker.events.writer import EventWriter

TAGS = [
    "accuracy/train", "accuracy/val", "loss/train", "loss/val", "optim/lr",
    "optim/grad_norm", "perf/epoch", "perf/images_per_second", "perf/memory", "perf/seconds",
]  # fmt: skip


class Round(NamedTuple):
    """Seconds a step in all; 99th percentile of the seconds of a step's call; bytes a point."""

    step: float
    p99: float
    size: float


def log_ours(directory: Path, steps: list[dict[str, float]]) -> list[float]:
    """Write all and return the seconds each step took."""
    calls = []
    with EventWriter(directory) as writer:
        for step, values in enumerate(steps):
            begin = time.perf_counter()
            writer.scalars(step, values)
            calls.append(time.perf_counter() - begin)
    return calls


def log_theirs(directory: Path, steps: list[dict[str, float]]) -> list[float]:
    """Write all and return the seconds each step took of the calling thread."""
    calls = []
    with SummaryWriter(str(directory)) as writer:
        for step, values in enumerate(steps):
            begin = time.perf_counter()
            for tag, value in values.items():
                writer.add_scalar(tag, value, step)
            calls.append(time.perf_counter() - begin)
    return calls


def measure(
    log: Callable[[Path, list[dict[str, float]]], list[float]], steps: list[dict[str, float]]
) -> Round:
    """Run one round in a fresh directory."""
    with TemporaryDirectory() as directory:
        begin = time.perf_counter()
        calls = log(Path(directory), steps)
        seconds = time.perf_counter() - begin
        size = sum(path.stat().st_size for path in Path(directory).iterdir())
    points = len(steps) * len(TAGS)
    return Round(seconds / len(steps), float(np.percentile(calls, 99)), size / points)


def main() -> None:
    """Measure, print, and keep the result."""
    arguments = parser(__doc__)
    arguments.add_argument("--steps", type=int, default=20_000, help="for ours")
    arguments.add_argument("--their-steps", type=int, default=2_000, help="for SummaryWriter")
    given = arguments.parse_args()
    values = np.random.default_rng(0).normal(size=(max(given.steps, given.their_steps), len(TAGS)))
    steps = [dict(zip(TAGS, row, strict=True)) for row in values.tolist()]
    ours, theirs = [], []
    for _ in range(given.repeats):
        ours.append(measure(log_ours, steps[: given.steps]))
        theirs.append(measure(log_theirs, steps[: given.their_steps]))
    rows: list[Row] = []
    baseline = median(found.step for found in theirs)
    for name, rounds in (("EventWriter.scalars", ours), ("SummaryWriter.add_scalar", theirs)):
        step = median(found.step for found in rounds)
        rows.append(
            {
                "way": name,
                "µs a step": step * 1e6,
                "best": min(found.step for found in rounds) * 1e6,
                "µs a point": step * 1e6 / len(TAGS),
                "p99 µs a step": median(found.p99 for found in rounds) * 1e6,
                "bytes a point": rounds[0].size,
                "times faster": baseline / step,
            }
        )
    about = machine("torch", "tensorboard", "google-crc32c", "numpy", "protobuf")
    report(f"Writing {len(TAGS)} scalars a step", rows, about, given.json)


if __name__ == "__main__":
    main()
