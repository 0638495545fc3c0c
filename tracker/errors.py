"""What can go wrong, as one tree. Each leaf knows the exit code it ends the program with.

TrackerError            70  our bug, unless a leaf says better
├ UsageError             2  the command line is wrong
│ └ SpecError            2  the experiment file is wrong: every problem at once
├ NoSuchRun              3  nothing under runs/ matches
├ Busy                   4  it exists, is running, or the port is taken
├ Damaged                5  a file is torn, altered or not to be trusted
├ Unavailable            6  disk, permission or data missing
├ NotComparable          8  the runs can't answer the question; never to be read as "no worse"
├ RunFailed              1  the experiment itself failed (a loss of NaN, say)
└ Stopped      129/130/143  a signal asked us to stop; the state is saved

Raised anywhere, caught once (`cli.main`). A message says what is wrong, where, and what to do next.
"""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass


class TrackerError(Exception):
    """Root of the tree; raised itself only for what should be impossible."""

    exit_code = 70


class UsageError(TrackerError):
    """The command line asks for something that cannot be."""

    exit_code = 2


@dataclass(frozen=True, order=True)
class Problem:
    """One thing wrong in an experiment file.

    `line` and `column` count from 1; both are 0 where the value did not come from a file
    (`source` is then the `--set` argument that gave it).
    """

    source: str
    line: int
    column: int
    path: str
    message: str

    def __str__(self) -> str:
        place = f"{self.source}:{self.line}:{self.column}" if self.line else self.source
        return f"{place}: {self.path}: {self.message}" if self.path else f"{place}: {self.message}"


class SpecError(UsageError):
    """An experiment file is refused. `problems` holds every reason, in file order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class NoSuchRun(TrackerError):
    """No run, or more than one, answers to the name given."""

    exit_code = 3


class Busy(TrackerError):
    """The run exists or is running, or the port is held."""

    exit_code = 4


class Damaged(TrackerError):
    """A file of a run, a data set or a checkpoint is torn, altered or untrusted."""

    exit_code = 5


class Unavailable(TrackerError):
    """The disk, a permission or the data an experiment needs is missing."""

    exit_code = 6


class NotComparable(TrackerError):
    """These runs have nothing that could be compared."""

    exit_code = 8


class RunFailed(TrackerError):
    """The experiment ran and failed; the run directory says why."""

    exit_code = 1


class Stopped(TrackerError):
    """A signal asked the run to stop and the state is saved. `signum` is that signal's number."""

    def __init__(self, message: str, signum: int = signal.SIGINT) -> None:
        super().__init__(message)
        self.signum = signum

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        """128 + the signal's number, as a shell has it: 129 SIGHUP, 130 Ctrl-C, 143 SIGTERM."""
        return 128 + self.signum


def printable(text: str, *, keep: str = "") -> str:
    r"""`text` harmless to a terminal: what cannot be printed stands as an escape such as \x1b.

    Names in specs, directories and argv are other people's. Printed raw, one could clear the
    screen, retitle the window or, through marks that turn the direction, read as another name.
    Letters of any script stay as they are, as do characters of `keep` ("\n" for several lines).
    """
    rest = text
    for one in keep:
        rest = rest.replace(one, "")
    if rest.isprintable():
        return text
    return "".join(
        one
        if one.isprintable() or one in keep
        else one.encode("unicode_escape", "backslashreplace").decode("ascii")
        for one in text
    )
