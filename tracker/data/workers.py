"""Work shared out among processes, its results in order, with nothing to lock or to leak.

Item k goes to process k modulo their number, and each writes into a pipe of its own until that is
full: so each is one result ahead, no queue is shared, and any process may be killed at any moment
without harm to the others. (torch's DataLoader reports a dead worker from a signal handler, at
whatever line the program happens to be.)
"""

from __future__ import annotations

import atexit
import contextlib
import multiprocessing
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

# Started for every epoch: anew, each would import torch, which takes seconds.
_CONTEXT = multiprocessing.get_context("fork" if sys.platform == "linux" else None)


class WorkerDied(RuntimeError):
    """A process ended before its work did: how, in one line, and what may help."""


def in_order(
    function: Callable[[Item], Result], items: Sequence[Item], processes: int
) -> Iterator[Result]:
    """`function` of each item, in order, computed ahead by that many processes.

    They end with the iterator, and with this process however it ends. Signals that ask to stop do
    not reach them. Raises WorkerDied when one dies.
    """
    with _crew(function, items, processes) as crew:
        for number in range(len(items)):
            process, receiver = crew[number % processes]
            try:
                result: Result = receiver.recv()
            except (EOFError, OSError) as error:
                raise WorkerDied(_obituary(process)) from error
            yield result


@contextlib.contextmanager
def _crew(
    function: Callable[[Item], Result], items: Sequence[Item], processes: int
) -> Iterator[list[tuple[BaseProcess, Connection]]]:
    crew: list[tuple[BaseProcess, Connection]] = []

    def end() -> None:
        for process, receiver in crew:
            process.kill()
            receiver.close()
            process.join()

    atexit.register(end)  # before multiprocessing's own, which would ask them to end, and wait
    try:
        with _signals_held():
            for first in range(processes):
                receiver, sender = _CONTEXT.Pipe(duplex=False)
                share = items[first::processes]
                process = _CONTEXT.Process(
                    target=_work, args=(function, share, receiver, sender), daemon=True
                )
                process.start()
                sender.close()  # so that its end is the end of the pipe
                crew.append((process, receiver))
        yield crew
    finally:
        atexit.unregister(end)
        end()


def _work(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    receiver: Connection,
    sender: Connection,
) -> None:
    receiver.close()  # so that the pipe breaks when the parent is gone
    with contextlib.suppress(BrokenPipeError):  # nobody waits any more
        for item in items:
            sender.send(function(item))


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


def _obituary(process: BaseProcess) -> str:
    process.join()
    code = process.exitcode or 0
    how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    return (
        f"a process that decodes pictures died ({how}); if memory ran out, fewer data.workers "
        "need less"
    )
