"""The kill storm: runs killed at random instants until they finish, then compared bit for bit.

    python -m tests.faults.storm 1000
    python -m tests.faults.storm 1000 --mutants

Ends with 1 where a run came out otherwise than the one that was never interrupted; or, of mutants,
where one of them did not.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.faults import servers
from tests.faults.bench import Bench, wait
from tests.faults.disk import Disk
from tests.faults.mutants import MUTANTS
from tracker.events.reader import read_scalars
from tracker.store.run import Run

SHOWN = 20  # finished runs that are also looked at in TensorBoard


@dataclass
class Figures:
    """What a storm came to. `redone`: optimizer steps that were logged, lost and taken again."""

    seed: int
    mutant: str = ""
    kills: int = 0
    finished: int = 0
    identical: int = 0
    most_redone: int = 0
    seconds: float = 0.0
    seconds_per_run: float = 0.0
    shown_alike_by: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


class Storm:
    """Kills and compares until enough processes were killed, or something came out wrong.

    `slow` is how many seconds more every write below the runs takes.
    """

    def __init__(self, bench: Bench, *, seed: int, mutant: str = "", slow: float = 0.0) -> None:
        self.bench = bench
        self.chance = random.Random(seed)
        self.figures = Figures(seed, mutant, seconds_per_run=round(bench.seconds, 3))
        self._name = re.sub(r"\W+", "-", mutant) or "run"
        self._change = MUTANTS[mutant] if mutant else lambda: None
        self._slow = slow

    def rage(self, kills: int, *, tell: Callable[[str], None] = lambda _: None) -> None:
        """Let runs begin, and die, until `kills` did and the last one finished."""
        began = time.monotonic()
        if self.figures.mutant:
            self._control()
        for number in itertools.count():
            if self.figures.kills >= kills or self.figures.failures:
                break
            name = f"{self._name}-{number:04d}"
            self._one_run(name)
            if number >= SHOWN and not self.figures.failures:
                shutil.rmtree(self.bench.root(name))
            tell(f"{self.figures.kills} kills, {self.figures.finished} runs finished")
        self.figures.seconds = round(time.monotonic() - began, 1)

    def runs(self) -> list[Run]:
        """The finished runs that are still there."""
        return [
            self.bench.run_of(path.name)
            for path in sorted(self.bench.folder.glob(f"{self._name}-[0-9]*/"))
        ]

    def _control(self) -> None:
        """A mutant that is never killed must do everything right, or catching it shows nothing."""
        name = f"{self._name}-control"
        ended = self.bench.run(name, self._prepare)
        if fault := ended.said if ended.code else self.bench.compare(name):
            raise RuntimeError(f"{self.figures.mutant}: wrong without a kill: {fault}")

    def _one_run(self, name: str) -> None:
        """Begin a run, kill it, and go on with it, until it is finished; then compare."""
        figures = self.figures
        while True:
            pid = self.bench.start(name, self._prepare)
            time.sleep(self.chance.uniform(0, self.bench.seconds))
            os.kill(pid, signal.SIGKILL)  # of one that has ended and was not waited for: nothing
            code = wait(pid)
            if code == 0:
                break
            if code != -signal.SIGKILL:
                self._failed(name, f"exit code {code}: {self.bench.said(name).strip()[-300:]}")
                return
            figures.kills += 1
            if fault := self.bench.look(name):
                self._failed(name, fault)
                return
            figures.most_redone = max(figures.most_redone, _to_redo(self.bench.run_of(name)))
        figures.finished += 1
        if fault := self.bench.compare(name):
            self._failed(name, fault)
        else:
            figures.identical += 1

    def _prepare(self) -> None:
        """In the process that is to be killed."""
        self._change()
        if self._slow:
            Disk(
                self.bench.folder, lambda _: time.sleep(self._slow), 1, ("write",), for_ever=True
            ).install()

    def _failed(self, name: str, why: str) -> None:
        self.figures.failures.append(f"{name}: {why}")


def _to_redo(run: Run) -> int:
    """How many of the optimizer steps that were logged come after the last checkpoint."""
    if not run.path.exists():
        return 0
    series = read_scalars(run.path).series.values()
    logged = max((int(one.steps[-1]) for one in series if len(one)), default=0)
    kept = run.manifest().kept
    return max(0, logged - (kept[-1].step if kept else 0))


def table(figures: Figures) -> str:
    """The figures for a person."""
    if figures.mutant:
        found = "; ".join(figures.failures) or "NOT CAUGHT"
        return f"{figures.mutant:<40}{figures.kills:>4} kills  {found.splitlines()[0]:.120}\n"
    rows = {
        "processes killed (SIGKILL, random instants)": figures.kills,
        "runs finished after all": figures.finished,
        "of these bit-identical to the uninterrupted run": figures.identical,
        "unreadable, stuck or different": len(figures.failures),
        "steps logged, lost and taken again, at most": figures.most_redone,
        "the same scalars shown by": ", ".join(figures.shown_alike_by) or "not asked",
        "seconds for one run, uninterrupted": figures.seconds_per_run,
        "seconds in all": figures.seconds,
    }
    width = max(map(len, rows))
    lines = [f"{name:<{width}}  {value}" for name, value in rows.items()]
    return "\n".join([*lines, *(f"! {one}" for one in figures.failures)]) + "\n"


def main() -> int:
    """Run a storm, print its figures, and return 1 where they are not as they should be."""
    parser = argparse.ArgumentParser(prog="tests.faults.storm")
    parser.add_argument("kills", nargs="?", type=int, default=100, help="or, at most")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--slow", type=float, default=0.0, help="seconds more for each write")
    parser.add_argument("--mutants", action="store_true", help="each must be caught")
    parser.add_argument("--servers", action="store_true", help="ask TensorBoard over HTTP, too")
    parser.add_argument("--json", type=Path, help="write the figures there")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tracker-storm-") as folder:
        bench = Bench(Path(folder))
        storms = [
            Storm(bench, seed=asked.seed, mutant=mutant, slow=asked.slow)
            for mutant in (MUTANTS if asked.mutants else [""])
        ]
        for storm in storms:
            storm.rage(asked.kills, tell=_progress)
            if asked.servers and not storm.figures.failures:
                storm.figures.failures += servers.disagreements(bench.folder, storm.runs())
                storm.figures.shown_alike_by = ["tracker", "EventAccumulator", *servers.LOADERS]
            sys.stdout.write(table(storm.figures))
            sys.stdout.flush()
    if asked.json:
        asked.json.write_text(json.dumps([asdict(one.figures) for one in storms], indent=2) + "\n")
    return int(any(bool(one.figures.failures) != asked.mutants for one in storms))


def _progress(line: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{line} ")
        sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
