"""Work shared out among processes, its results in order, with nothing to lock or to leak.

Item k goes to process k modulo their number, and a process is handed its next item when its last
result has been taken: so each is one result ahead, neither side ever waits for the other to listen,
no queue is shared, and any process may be killed at any moment without harm to the others. (torch's
DataLoader reports a dead worker from a signal handler, at whatever line the program happens to be.)

They are programs of their own, not forks: a fork has the locks of all threads as they were, and
none of the threads that would open them. What they compute should need no more than NumPy, for each
imports it anew.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

# Not multiprocessing's own: that would run the main program's file again, which may train.
_PROGRAM = "import sys; sys.path[:] = {path!r}; from {module} import work; work({descriptor})"


class WorkerDied(RuntimeError):
    """A process ended before its work did: how, in one line, and what may help."""


def in_order(
    function: Callable[[Item], Result], items: Sequence[Item], processes: int
) -> Iterator[Result]:
    """`function` of each item, in order, computed ahead by that many processes.

    It must be one that can be imported by its name; it, items and results are pickled. The
    processes end with the iterator, and with this process however it ends. Signals that ask to stop
    do not reach them. Raises WorkerDied when one dies.
    """
    with _crew(processes) as crew:
        for each in crew:
            each.hand(function)
        for each, item in zip(crew, items, strict=False):
            each.hand(item)
        for number in range(len(items)):
            each = crew[number % processes]
            result: Result = each.result()
            if number + processes < len(items):
                each.hand(items[number + processes])
            yield result


def work(descriptor: int) -> None:
    """What a process does: it computes what it is handed until nobody is there any more."""
    with Connection(descriptor) as parent, contextlib.suppress(EOFError, ConnectionError):
        function = parent.recv()
        while True:
            parent.send(function(parent.recv()))


@dataclass(frozen=True)
class _Worker:
    process: subprocess.Popen[bytes]
    connection: Connection

    def hand(self, what: object) -> None:
        try:
            self.connection.send(what)
        except ConnectionError as error:
            raise WorkerDied(_obituary(self.process)) from error

    def result(self) -> Any:
        try:
            return self.connection.recv()
        except (EOFError, OSError) as error:
            raise WorkerDied(_obituary(self.process)) from error


@contextlib.contextmanager
def _crew(processes: int) -> Iterator[list[_Worker]]:
    crew: list[_Worker] = []
    try:
        with _signals_held():
            for _ in range(processes):
                crew.append(_hired())  # noqa: PERF401 - should the next not start, this one ends
        yield crew
    finally:
        for each in crew:
            each.process.kill()
            each.connection.close()
            each.process.wait()


def _hired() -> _Worker:
    ours, theirs = Pipe()
    with theirs:  # closed here, so that its end is the end of the connection
        descriptor = theirs.fileno()
        program = _PROGRAM.format(path=sys.path, module=__name__, descriptor=descriptor)
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", program],
            pass_fds=[descriptor],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
    return _Worker(process, ours)


@contextlib.contextmanager
def _signals_held() -> Iterator[None]:
    """Keep signals that ask to stop waiting; a process started meanwhile never gets any.

    A terminal's Ctrl-C, or its end, reaches all its processes, but what they hold is still wanted:
    only the one that trains decides.
    """
    stops = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, stops)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _obituary(process: subprocess.Popen[bytes]) -> str:
    code = process.wait()
    how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    return (
        f"a process that decodes pictures died ({how}); if memory ran out, fewer data.workers "
        "need less"
    )
