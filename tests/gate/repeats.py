"""How often sound code fails: `python -m tests.gate.repeats [N]`, with the processor under load.

Exact: nine steps of the study's spec, N times with one seed, on 1 to 4 threads in turn, each held
to a baseline of as many threads. Statistical: N times, on 1 to 4 threads in turn, held to one
baseline of five seeds on one thread; by turns with a seed that was not recorded, and with one that
was, whose first steps count too. Says on stderr how far it is.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

os.environ.setdefault("GOMP_SPINCOUNT", "10000")

import click

from tests.gate.study import HERE, SEEDS
from tracker.launch import here
from tracker.launch.plan import choose, jobs_of
from tracker.reading.gate.baseline import Baseline, record
from tracker.reading.gate.judge import Manner, judge
from tracker.reading.gate.observed import Observed, observe

THREADS = (1, 2, 1, 3, 1, 2, 1, 4)  # in turn; many threads on busy cores are slow
STEPS = 9
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


def train(seeds: Sequence[int], threads: int) -> list[Observed]:
    """Train for `STEPS` steps; the calibration kernel has no part in this."""
    source = HERE / f"{SPEC}.json"
    overrides = [f"training.threads={threads}"]
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        jobs = jobs_of(source, root, overrides=overrides, seeds=seeds, max_steps=STEPS)
        outcomes = here.execute(
            choose(jobs), root=root, argv=["repeats"], watch=lambda _: None, say=lambda _: None
        )
        return [observe(outcome.run) for outcome in outcomes if outcome.run]


def recorded(seeds: Sequence[int], threads: int) -> Baseline:
    """A baseline of these seeds."""
    return record(train(seeds, threads))


def verdicts(baseline: Baseline, seed: int, threads: int, mode: str) -> list[str]:
    """The metrics that did not pass when a run of `seed` is checked; raises if not in `mode`."""
    manner = Manner(mode="statistical") if mode == "statistical" else Manner()
    check = judge(baseline, train([seed], threads), manner)
    assert check.mode == mode, check.why_mode
    return [one.metric for one in check.verdicts if one.status in ("fail", "unknown")]


def exact(count: int) -> Iterator[list[str]]:
    """What failed in each of `count` repeats on the machine that recorded."""
    baselines = {threads: recorded(SEEDS[:1], threads) for threads in {*THREADS[:count]}}
    for number in range(count):
        threads = THREADS[number % len(THREADS)]
        yield verdicts(baselines[threads], SEEDS[0], threads, "exact")


def statistical(count: int) -> Iterator[list[str]]:
    """What failed in each of `count` repeats on what might be another machine."""
    baseline = recorded(SEEDS, 1)
    for number in range(count):
        known = SEEDS[number // 2 % len(SEEDS)]
        seed = 1000 + number if number % 2 else known
        yield verdicts(baseline, seed, THREADS[number // 2 % len(THREADS)], "statistical")


def main(count: int) -> None:
    """Print how many of the checks failed, and in what."""
    with load(max(1, (os.cpu_count() or 2) // 2)):
        for name, checks in (("exact", exact), ("statistical", statistical)):
            failed: list[list[str]] = []
            for number, metrics in enumerate(checks(count), 1):
                failed += [metrics] if metrics else []
                if number % 20 == 0 or number == count:
                    click.echo(f"{name}: {len(failed)} of {number} failed", err=True)
            which = dict(Counter(metric for one in failed for metric in one))
            click.echo(f"{name}: {len(failed)} of {count} failed {which or ''}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
