"""How often sound code fails: `python -m tests.gate.repeats [N]`, with the processor under load.

Exact: nine steps of the study's spec, N times with one seed, on 1 to 4 threads in turn, each held
to a baseline of as many threads. Statistical: N times, on 1 to 4 threads in turn, held to one
baseline of five seeds on one thread; by turns with a seed that was not recorded, and with one that
was, which rounding alone may tell apart. Shipped: the same of experiments/golden.json, each of five
seeds recorded on one thread checked on 2, 3 and 4. Says on stderr how far it is.
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
from tracker.launch.short import measure_drift, short_runs
from tracker.reading.gate.baseline import Baseline, record
from tracker.reading.gate.judge import Manner, judge
from tracker.reading.gate.observed import Observed
from tracker.spec.experiment import Experiment
from tracker.spec.load import load

THREADS = (1, 2, 1, 3, 1, 2, 1, 4)  # in turn; many threads on busy cores are slow
STEPS = 9
SPEC = HERE / "study.json"
SHIPPED = HERE.parents[1] / "experiments" / "golden.json"
_BURN = "while True: pass"


@contextmanager
def burning(processes: int) -> Iterator[None]:
    """Keep so many cores busy with something else."""
    started = [subprocess.Popen([sys.executable, "-c", _BURN]) for _ in range(processes)]
    try:
        yield
    finally:
        for one in started:
            one.kill()
            one.wait()


def experiments(spec: Path, seeds: Sequence[int], threads: int) -> list[Experiment]:
    """What a repeat trains: so few steps that two hundred take minutes."""
    overrides = [f"training.threads={threads}"]
    return load(spec, overrides=overrides, seeds=seeds, max_steps=STEPS)


def train(spec: Path, seeds: Sequence[int], threads: int) -> list[Observed]:
    """Train and look; the calibration kernel has no part in this."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        return short_runs(spec, experiments(spec, seeds, threads), root / "runs", root)


def recorded(spec: Path, seeds: Sequence[int], threads: int) -> Baseline:
    """A baseline of these seeds, its drift measured."""
    runs = train(spec, seeds, threads)
    with tempfile.TemporaryDirectory() as place:
        drift = measure_drift(spec, experiments(spec, seeds, threads), runs, Path(place))
    return record(runs, drift=drift)


def verdicts(spec: Path, baseline: Baseline, seed: int, threads: int, mode: str) -> list[str]:
    """The metrics that did not pass when a run of `seed` is checked; raises if not in `mode`."""
    manner = Manner(mode="statistical") if mode == "statistical" else Manner()
    check = judge(baseline, train(spec, [seed], threads), manner)
    assert check.mode == mode, check.why_mode
    return [one.metric for one in check.verdicts if one.status in ("fail", "unknown")]


def exact(count: int) -> Iterator[list[str]]:
    """What failed in each of `count` repeats on the machine that recorded."""
    baselines = {threads: record(train(SPEC, SEEDS[:1], threads)) for threads in {*THREADS[:count]}}
    for number in range(count):
        threads = THREADS[number % len(THREADS)]
        yield verdicts(SPEC, baselines[threads], SEEDS[0], threads, "exact")


def statistical(count: int) -> Iterator[list[str]]:
    """What failed in each of `count` repeats on what might be another machine."""
    baseline = recorded(SPEC, SEEDS, 1)
    for number in range(count):
        known = SEEDS[number // 2 % len(SEEDS)]
        seed = 1000 + number if number % 2 else known
        yield verdicts(SPEC, baseline, seed, THREADS[number // 2 % len(THREADS)], "statistical")


def shipped(count: int) -> Iterator[list[str]]:
    """The same of the spec that is shipped: its recorded seeds on 2, 3 and 4 threads in turn."""
    baseline = recorded(SHIPPED, SEEDS, 1)
    for number in range(count):
        seed, threads = SEEDS[number % len(SEEDS)], 2 + number // len(SEEDS) % 3
        yield verdicts(SHIPPED, baseline, seed, threads, "statistical")


def main(count: int) -> None:
    """Print how many of the checks failed, and in what."""
    with burning(max(1, (os.cpu_count() or 2) // 2)):
        for checks in (exact, statistical, shipped):
            name = checks.__name__
            failed: list[list[str]] = []
            for number, metrics in enumerate(checks(count), 1):
                failed += [metrics] if metrics else []
                if number % 20 == 0 or number == count:
                    click.echo(f"{name}: {len(failed)} of {number} failed", err=True)
            which = dict(Counter(metric for one in failed for metric in one))
            click.echo(f"{name}: {len(failed)} of {count} failed {which or ''}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
