"""How many bugs the gate notices, and how fast: `python -m tests.gate.study [NAME…]`.

Each bug is planted, the study's spec trained and held against the baseline of the sound code:
once as on the machine that recorded it (exact), once with another number of threads, which is
another machine to the gate (statistical). Prints a row of Markdown each, then the shares.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import nullcontext
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("GOMP_SPINCOUNT", "10000")

import click

from tests.gate.mutants import MUTANTS, Context
from tracker.errors import NotComparable
from tracker.launch.short import measure_drift, observe_short_runs
from tracker.reading.gate.baseline import Baseline, record
from tracker.reading.gate.judge import judge
from tracker.reading.gate.observed import Observed
from tracker.reading.gate.resources import Calibration
from tracker.reading.gate.verdict import Check, nothing
from tracker.spec.experiment import Experiment
from tracker.spec.load import load

HERE = Path(__file__).parent
SEEDS = (
    1,
    2,
    3,
    4,
    5,
)  # not 0, or code that forgets its seed could not be told from code that does not


class Found(NamedTuple):
    """What one check of a planted bug came to, in how many seconds."""

    check: Check
    seconds: float

    @property
    def is_caught(self) -> bool:
        """Whether the gate would not let it pass."""
        return self.check.exit_code != 0

    def __str__(self) -> str:
        bad = [one for one in self.check.verdicts if one.status in ("fail", "unknown")]
        if not bad:
            warned = [one.metric for one in self.check.verdicts if one.status == "warning"]
            return f"warned: {', '.join(warned)}" if warned else "no"
        first = min(bad, key=lambda one: one.since if one.since is not None else 10**9)
        since = "" if first.since is None else f", step {first.since}"
        return f"{first.metric}{since}"


def train(
    spec: str, root: Path, *, seeds: Sequence[int] = SEEDS[:1], threads: int = 1
) -> tuple[list[Observed], Calibration]:
    """Train one of the study's specs; raises NotComparable where that fails."""
    source, experiments = asked(spec, seeds, threads)
    return observe_short_runs(
        source,
        experiments,
        root,
        root / "scratch",
        keep=(),
        argv=["study"],
        watch=lambda _: None,
        say=lambda _: None,
    )


def asked(spec: str, seeds: Sequence[int], threads: int) -> tuple[Path, list[Experiment]]:
    """One of the study's specs: its file, and an experiment per seed."""
    source = HERE / f"{spec}.json"
    return source, load(source, overrides=[f"training.threads={threads}"], seeds=seeds)


@lru_cache
def baseline(spec: str) -> Baseline:
    """What the sound code comes to."""
    with tempfile.TemporaryDirectory() as place:
        runs, calibration = train(spec, Path(place), seeds=SEEDS)
        drift = measure_drift(*asked(spec, SEEDS, 1), runs, Path(place) / "noise")
    return record(runs, calibration=calibration, drift=drift)


def checked(name: str | None, *, threads: int, spec: str = "study") -> Found:
    """Check the code with the bug `name` in it; without a name, as it is."""
    spec = MUTANTS[name].spec if name else spec
    context: Context = MUTANTS[name].plant() if name else nullcontext()
    recorded = baseline(spec)
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as place, context:
        try:
            runs, calibration = train(spec, Path(place), threads=threads)
            check = judge(recorded, runs, calibration=calibration)
        except NotComparable as error:
            check = nothing(spec, str(error))
    return Found(check, time.perf_counter() - start)


def main(names: Sequence[str]) -> None:
    """Print the table, and the share caught in either way."""
    for spec in ("study", "study_adamw"):
        assert not checked(None, threads=1, spec=spec).is_caught, spec
        assert not checked(None, threads=2, spec=spec).is_caught, spec
    click.echo("| bug | exact: first seen in | another machine: first seen in | seconds |")
    click.echo("|---|---|---|---|")
    caught = [0, 0]
    for name in names or MUTANTS:
        found = [checked(name, threads=threads) for threads in (1, 2)]
        caught = [total + one.is_caught for total, one in zip(caught, found, strict=True)]
        cells = [MUTANTS[name].words, *map(str, found), f"{found[0].seconds:.1f}"]
        click.echo(f"| {' | '.join(cells)} |")
    count = len(names or MUTANTS)
    click.echo(f"\n{count} bugs: exact {caught[0]}, on another machine {caught[1]}")


if __name__ == "__main__":
    main(sys.argv[1:])
