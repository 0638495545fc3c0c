"""What it costs a run to be shown in full: one of resnet50 with all pages, beside one with none.

    python -m benchmarks.logging_cost [--steps N] [--epochs E] [--repeats R] [--json FILE]

Whole runs on the CPU, in one process by turns: `off` writes curves and checkpoints alone, `default`
what a spec without a `logging` block writes, `all` the histograms of every parameter too. What is
compared is processor time, which other people's work on the machine disturbs less than the clock;
the ratio is the median over the rounds. An epoch here is of `--steps` steps of 32 pictures, then
320 validation pictures; one of CIFAR-10 has 1,562 such steps and as many pages, so `of CIFAR-10` is
the share of such an epoch.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from benchmarks.measure import Row, machine, parser, report
from tracker.launch import here
from tracker.launch.plan import choose, jobs_of

BATCH = 32
CIFAR10_STEPS = 50_000 // BATCH
OFF = {
    "pictures_every": 0,
    "pr_curves": False,
    "histograms": "none",
    "projector": False,
    "graph": False,
    "system": False,
    "git_diff": False,
}
WAYS: dict[str, dict[str, Any]] = {"off": OFF, "default": {}, "all": {"histograms": "all"}}


class Round(NamedTuple):
    """Of a run: seconds by the clock and of processor time, bytes of what is not a checkpoint."""

    clock: float
    processor: float
    size: int


def measure(logging: dict[str, Any], steps: int, epochs: int, backbone: str) -> Round:
    """Train once, in a fresh directory."""
    document = {
        "name": "cost",
        "data": {"name": "shapes", "train_size": steps * BATCH, "val_size": 320},
        "model": {"backbone": backbone},
        "training": {"epochs": epochs, "batch_size": BATCH, "device": "cpu"},
        "logging": logging,
        "checkpoint": {"every_epochs": epochs},
    }
    with TemporaryDirectory() as directory:
        spec, root = Path(directory) / "cost.json", Path(directory) / "runs"
        spec.write_text(json.dumps(document))
        jobs = choose(jobs_of(spec, root), "refuse")
        clock, processor = time.perf_counter(), time.process_time()
        [outcome] = here.execute(jobs, root=root, argv=[], watch=lambda _: None, say=lambda _: None)
        clock, processor = time.perf_counter() - clock, time.process_time() - processor
        if outcome.failure or outcome.run is None:
            raise RuntimeError(outcome.failure)
        files = [path for path in outcome.run.path.iterdir() if path.is_file()]
        return Round(clock, processor, sum(path.stat().st_size for path in files))


def main() -> None:
    """Measure, print, and keep the result."""
    arguments = parser(__doc__)
    arguments.add_argument("--steps", type=int, default=40, help="of an epoch")
    arguments.add_argument("--epochs", type=int, default=2)
    arguments.add_argument("--backbone", default="resnet50")
    given = arguments.parse_args()
    measure(OFF, 2, 1, given.backbone)  # libraries load
    rounds: dict[str, list[Round]] = {way: [] for way in WAYS}
    for _ in range(given.repeats):
        for way, logging in WAYS.items():
            rounds[way].append(measure(logging, given.steps, given.epochs, given.backbone))
    rows: list[Row] = []
    for way, found in rounds.items():
        pairs = list(zip(found, rounds["off"], strict=True))
        more = median(one.processor - off.processor for one, off in pairs) / given.epochs
        epoch = median(off.processor for off in rounds["off"]) / given.epochs
        rows.append(
            {
                "logging": way,
                "clock s": median(one.clock for one in found),
                "processor s": median(one.processor for one in found),
                "ratio": median(one.processor / off.processor for one, off in pairs),
                "more s an epoch": more,
                "of CIFAR-10 %": 100 * more / (epoch * CIFAR10_STEPS / given.steps),
                "KB": found[0].size / 1000,
            }
        )
    about = machine("torch", "tensorboard", "numpy")
    title = f"{given.backbone}, {given.epochs} epochs of {given.steps} steps of {BATCH} pictures"
    report(title, rows, about, given.json)


if __name__ == "__main__":
    main()
