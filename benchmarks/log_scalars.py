"""How fast scalars are written: `EventWriter` beside PyTorch's `SummaryWriter` and other programs.

    python -m benchmarks.log_scalars [--ways WAY…] [--share S] [--repeats R] [--json FILE]

Ten tags a step. The ways take turns, each round in a fresh interpreter, so that a busy machine
slows all and no one's threads are in another's way; the median round counts. Opening is not timed.
Who leaves the work to a thread is timed until all is in the file; p99 is what the training loop
waits for a step, whoever works. Programs that are not installed are left out and named.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections import Counter
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np

from benchmarks.measure import Row, child, is_installed, machine, middle, parser, report
from benchmarks.peers import WRITERS, environment

TAGS = [
    "accuracy/train", "accuracy/val", "loss/train", "loss/val", "optim/lr",
    "optim/grad_norm", "perf/epoch", "perf/images_per_second", "perf/memory", "perf/seconds",
]  # fmt: skip

PATIENCE = 60.0  # seconds: some programs come to wait for themselves


class Round(NamedTuple):
    """Seconds a step in all, and of the call alone: median and 99th percentile; bytes a point."""

    step: float
    call: float
    p99: float
    size: float


def measure(way: str, count: int) -> Round:
    """Log `count` steps in this process, in a fresh directory."""
    rows = np.random.default_rng(0).normal(size=(count, len(TAGS))).tolist()
    steps = [dict(zip(TAGS, row, strict=True)) for row in rows]
    calls = []
    with TemporaryDirectory(dir=Path.cwd()) as directory:
        with WRITERS[way].open(Path(directory)) as log:
            begin = time.perf_counter()
            for step, values in enumerate(steps):
                before = time.perf_counter()
                log(step, values)
                calls.append(time.perf_counter() - before)
        seconds = time.perf_counter() - begin
        size = sum(path.stat().st_size for path in Path.cwd().rglob("*") if path.is_file())
    call, p99 = np.percentile(calls, [50, 99]).tolist()
    return Round(seconds / count, call, p99, size / (count * len(TAGS)))


def main() -> None:
    """Measure, print, and keep the result."""
    arguments = parser(__doc__)
    arguments.add_argument("--ways", nargs="+", choices=WRITERS, default=list(WRITERS))
    arguments.add_argument("--share", type=float, default=1.0, help="of each way's own steps")
    arguments.add_argument("--child", nargs=2, metavar=("WAY", "STEPS"), help="one round, here")
    given = arguments.parse_args()
    if given.child:
        print(json.dumps(measure(given.child[0], int(given.child[1]))))
        return
    ways = [way for way in given.ways if is_installed(WRITERS[way].package)]
    rounds: dict[str, list[Round]] = {way: [] for way in ways}
    stuck = Counter[str]()
    for _ in range(given.repeats):
        for way in ways:
            steps = str(max(1, round(WRITERS[way].steps * given.share)))
            with TemporaryDirectory() as place:
                there = Path(place)
                try:
                    found = child(
                        "benchmarks.log_scalars", "--child", way, steps,
                        cwd=there, environment=environment(there), patience=PATIENCE,
                    )  # fmt: skip
                except subprocess.TimeoutExpired:
                    stuck[way] += 1
                else:
                    rounds[way].append(Round(*found))
    rounds = {way: found for way, found in rounds.items() if found}
    calls = {way: median(one.call for one in found) for way, found in rounds.items()}
    rows: list[Row] = []
    for way, found in rounds.items():
        rows.append(
            {
                "way": way,
                **middle("µs a step", [one.step for one in found], 1e6),
                "µs a call": calls[way] * 1e6,
                "p99": median(one.p99 for one in found) * 1e6,
                "bytes a point": median(one.size for one in found),
                "call / ours": calls[way] / calls[ways[0]],
            }
        )
    about = machine("numpy", "google-crc32c", *(writer.package for writer in WRITERS.values()))
    remarks = [f"{way} never ended in {count} of the rounds" for way, count in stuck.items()]
    if absent := [way for way in given.ways if way not in ways]:
        remarks.append(f"not installed, so not measured: {', '.join(absent)}")
    about["remarks"] = remarks
    report(f"Writing {len(TAGS)} scalars a step", rows, about, given.json)


if __name__ == "__main__":
    main()
