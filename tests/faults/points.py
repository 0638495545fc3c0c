"""Every single thing a run asks of the disk, killed at once or refused once: then what?

    python -m tests.faults.points crash           killed before each change, and amid each write
    python -m tests.faults.points crash --resume  the same for a run that is being taken up
    python -m tests.faults.points ENOSPC          each call fails, once
    python -m tests.faults.points EIO --for-ever  each call fails, and so do all after it

After each, what is there must be readable, and the run must go on to the very bits of the run that
was never troubled. Ends with 1 where it did not.
"""

from __future__ import annotations

import argparse
import errno
import json
import os
import re
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import NoReturn

from tests.faults.bench import Bench, Ended
from tests.faults.disk import CALLS, CHANGES, GROWS, Act, Disk, alike

WORDS = {"ENOSPC": "disk full", "EIO": "the disk reports an error"}
WRITES = 44  # of about 60, after which a run that is to be taken up was killed

Judge = Callable[[int, str], str]  # of exit code and words: what is wrong with them, if anything


@dataclass
class Figures:
    """What became of it: `points` is how many calls were troubled, `calls` what kinds they were."""

    trouble: str
    points: int = 0
    passed: int = 0
    calls: dict[str, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Trouble:
    """What goes wrong at a call: `act` of the words for it; see `Disk` for the rest."""

    name: str
    act: Act
    calls: Sequence[str]
    for_ever: bool = False
    torn: bool = False


@dataclass(frozen=True)
class Point:
    """A call: the one numbered `number` of those like the words `like`; or, of all."""

    like: str
    number: int


class Points:
    """Goes from call to call; `begun` is a folder of runs to start from, if it is not to be new.

    Unless `every` single one is wanted, calls alike (the same on a file of the same name) are
    troubled the first time and the last.
    """

    def __init__(self, bench: Bench, *, every: bool, begun: Path | None = None) -> None:
        self.bench = bench
        self._every = every
        self._begun = begun

    def visit(self, trouble: Trouble, judge: Judge) -> Figures:
        """Trouble one call in each run; `judge` says what is wrong with its end."""
        figures = Figures(trouble.name)
        for number, point in enumerate(self._points(trouble)):
            try:
                fault = self._fault(trouble, point, judge, f"{trouble.name} {number}")
            except TimeoutError as error:
                fault = str(error)
            if fault is None:
                continue
            figures.points += 1
            call = point.like.partition(" ")[0]
            figures.calls[call] = figures.calls.get(call, 0) + 1
            if fault:
                figures.failures.append(f"{point.like} ({point.number}): {fault}")
            else:
                figures.passed += 1
        return figures

    def _points(self, trouble: Trouble) -> list[Point]:
        """Which calls to trouble: found out in a run without any."""
        untroubled = replace(trouble, act=lambda _: None, for_ever=True, torn=False)
        calls = self._run(trouble.name, untroubled, Point("", 1))[1]
        points = []
        for kind, count in Counter(map(alike, calls)).items():
            numbers = range(1, count + 1) if self._every else sorted({1, count})
            points += [Point(kind, number) for number in numbers]
        return points

    def _fault(self, trouble: Trouble, point: Point, judge: Judge, name: str) -> str | None:
        """What is wrong after trouble at `point`, then and in the end; "" if all is well.

        None where the run ended without that call: a slow one reports its progress more often.
        """
        bench = self.bench
        ended, calls = self._run(name, trouble, point)
        if not calls:
            return None
        if fault := judge(ended.code, ended.said) or bench.look(_folder(name)):
            return fault
        again = bench.run(_folder(name))
        if fault := again.said[-300:] if again.code else bench.compare(_folder(name)):
            return fault
        shutil.rmtree(bench.root(_folder(name)))
        return ""

    def _run(self, name: str, trouble: Trouble, point: Point) -> tuple[Ended, list[str]]:
        """Run `name` with trouble from `point` on; return its end, and each call troubled."""
        root = self.bench.root(_folder(name))
        noted = root.with_suffix(".calls")
        if self._begun:
            shutil.copytree(self._begun, root, symlinks=True)

        def prepare() -> None:
            note = os.open(noted, os.O_WRONLY | os.O_CREAT)

            def act(call: str) -> None:
                os.write(note, f"{call}\n".encode())
                trouble.act(call)

            disk = Disk(root, act, point.number, trouble.calls, trouble.for_ever, trouble.torn)
            replace(disk, like=point.like).install()

        ended = self.bench.run(_folder(name), prepare)
        return ended, noted.read_text().splitlines()


def _folder(name: str) -> str:
    return re.sub(r"\W+", "-", name)


def crash(bench: Bench, *, resume: bool, every: bool) -> list[Figures]:
    """Kill a run before each change of the disk, and in the middle of each write."""

    def judge(code: int, said: str) -> str:
        return "" if code == -signal.SIGKILL else f"exit code {code}: {said[-300:]}"

    points = Points(bench, every=every, begun=_crashed(bench) if resume else None)
    where = "resumed" if resume else "new"
    before = Trouble(f"{where}, killed before", _die, CHANGES)
    amid = Trouble(f"{where}, killed amid", _die, ("write",), torn=True)
    return [points.visit(before, judge), points.visit(amid, judge)]


def _crashed(bench: Bench) -> Path:
    """Runs with one that died in its second half, a record of an event file half written."""
    disk = Disk(bench.root("crashed"), _die, WRITES, ("write",), torn=True)
    ended = bench.run("crashed", disk.install)
    if ended.code != -signal.SIGKILL or not bench.run_of("crashed").manifest().kept:
        raise RuntimeError(f"nothing to take up: {ended.said}")
    return bench.root("crashed")


def _die(_: str) -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("not killed")


def errors(bench: Bench, name: str, *, resume: bool, for_ever: bool, every: bool) -> Figures:
    """Let each call of a run fail with `name`, such as "EIO", once or from then on."""
    number = getattr(errno, name)

    def fail(_: str) -> NoReturn:
        raise OSError(number, os.strerror(number))

    def judge(code: int, said: str) -> str:
        words = {0: "", 6: WORDS[name]}
        fine = code in words and words[code] in said and "Traceback" not in said
        return "" if fine else f"exit code {code}: {said[-300:]}"

    # A full disk stays full only for what needs room.
    calls = GROWS if name == "ENOSPC" else CALLS
    how = f"{'resumed' if resume else 'new'}, {name} {'for ever' if for_ever else 'once'}"
    trouble = Trouble(how, fail, calls, for_ever, torn=name == "ENOSPC")
    begun = _crashed(bench) if resume else None
    return Points(bench, every=every, begun=begun).visit(trouble, judge)


def main() -> int:
    """Visit all points, print what came of it, and return 1 where it was not right."""
    parser = argparse.ArgumentParser(prog="tests.faults.points")
    parser.add_argument("trouble", choices=["crash", *WORDS])
    parser.add_argument("--resume", action="store_true", help="of a run that is taken up")
    parser.add_argument("--for-ever", action="store_true", help="errors: not only once")
    parser.add_argument("--every", action="store_true", help="not only calls unlike each other")
    parser.add_argument("--json", type=Path, help="write the figures there")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tracker-points-") as folder:
        bench = Bench(Path(folder), epochs=2)
        if asked.trouble == "crash":
            told = crash(bench, resume=asked.resume, every=asked.every)
        else:
            options = {"resume": asked.resume, "for_ever": asked.for_ever, "every": asked.every}
            told = [errors(bench, asked.trouble, **options)]
    for one in told:
        sys.stdout.write(f"{one.trouble}: {one.passed} of {one.points} points, {one.calls}\n")
        sys.stdout.writelines(f"! {failure}\n" for failure in one.failures)
    if asked.json:
        asked.json.write_text(json.dumps([asdict(one) for one in told], indent=2) + "\n")
    return int(any(one.failures for one in told))


if __name__ == "__main__":
    sys.exit(main())
