"""How often sound code fails: `python -m tests.gate.repeats [N]`, with the processor under load.

Exact: the study's spec, N times with one seed, on 1 to 4 threads in turn, each against a baseline
of as many threads. Statistical: N seeds that were not recorded, on 1 to 4 threads in turn, against
one baseline of five seeds on one thread; and as many of the seed recorded, whose first steps count.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

os.environ.setdefault("GOMP_SPINCOUNT", "10000")

import click

from tests.gate.study import SEEDS, train
from tracker.reading.gate.baseline import Baseline, record
from tracker.reading.gate.judge import Manner, judge

THREADS = (1, 2, 3, 4)
SPEC = "study"
_BURN = "while True: pass"


@contextmanager
def load(processes: int) -> Iterator[None]:
    """Keep so many cores busy with something else."""
    burning = [subprocess.Popen([sys.executable, "-c", _BURN]) for _ in range(processes)]
    try:
        yield
    finally:
        for one in burning:
            one.kill()
            one.wait()


def recorded(seeds: Sequence[int], threads: int) -> Baseline:
    """A baseline of these seeds."""
    with tempfile.TemporaryDirectory() as place:
        return record(train(SPEC, Path(place), seeds=seeds, threads=threads)[0])


def verdicts(baseline: Baseline, seed: int, threads: int, mode: str) -> list[str]:
    """The metrics that did not pass when a run of `seed` is checked; raises if not in `mode`."""
    with tempfile.TemporaryDirectory() as place:
        runs, _ = train(SPEC, Path(place), seeds=[seed], threads=threads)
    manner = Manner(mode="statistical") if mode == "statistical" else Manner()
    check = judge(baseline, runs, manner)
    assert check.mode == mode, check.why_mode
    return [one.metric for one in check.verdicts if one.status in ("fail", "unknown")]


def exact(count: int) -> list[list[str]]:
    """What failed in each of `count` repeats on the machine that recorded."""
    baselines = {threads: recorded(SEEDS[:1], threads) for threads in THREADS[:count]}
    turns = [THREADS[number % len(THREADS)] for number in range(count)]
    return [verdicts(baselines[threads], SEEDS[0], threads, "exact") for threads in turns]


def statistical(count: int) -> list[list[str]]:
    """What failed for each of `count` new seeds and as many repeats of a recorded one."""
    baseline = recorded(SEEDS, 1)
    return [
        verdicts(baseline, seed, THREADS[number % len(THREADS)], "statistical")
        for number in range(count)
        for seed in (1000 + number, SEEDS[number % len(SEEDS)])
    ]


def main(count: int) -> None:
    """Print how many of the checks failed, and in what."""
    with load(max(1, (os.cpu_count() or 2) // 2)):
        for name, checks in (("exact", exact), ("statistical", statistical)):
            start = time.perf_counter()
            found = checks(count)
            failed = [one for one in found if one]
            which = dict(Counter(metric for one in failed for metric in one))
            seconds = (time.perf_counter() - start) / len(found)
            click.echo(
                f"{name}: {len(failed)} of {len(found)} failed {which or ''} ({seconds:.1f} s each)"
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
