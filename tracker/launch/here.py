"""Run experiments in this process, one after another."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from types import FrameType

from tracker import runner
from tracker.data.build import build as build_data
from tracker.data.dataset import Dataset
from tracker.errors import RunFailed, Stopped
from tracker.launch.plan import Job
from tracker.spec.experiment import Data, Experiment
from tracker.store.run import Run
from tracker.training.live import Live, StopFlag


@dataclass(frozen=True)
class Outcome:
    """What became of one experiment: its run, and why it failed if it did."""

    experiment: Experiment
    run: Run | None
    failure: str | None


def execute(
    jobs: Sequence[Job],
    *,
    root: Path,
    argv: Sequence[str],
    watch: Callable[[Live], None],
    say: Callable[[str], None],
) -> list[Outcome]:
    """Run each of `jobs`; one whose training fails does not keep the next from running.

    Everything else that goes wrong (data missing, disk full, a signal) ends the whole list and is
    raised. `watch` is handed each run's `Live` before it begins, `say` each line for a person.
    Ctrl-C and SIGTERM stop the run at its next step with its state saved; a second one stops at
    once.
    """

    @lru_cache(maxsize=1)  # the members of a matrix mostly share their data
    def dataset(spec: Data) -> Dataset:
        return build_data(spec, log=say)

    outcomes = []
    with _stop_on_signals() as stop:
        for number, job in enumerate(jobs, 1):
            if stop():
                raise Stopped("stopped between two runs", stop.signum or signal.SIGINT)
            experiment = job.experiment
            live = Live(f"[{number}/{len(jobs)}] {experiment.variant} s{experiment.seed}")
            watch(live)
            try:
                runner.run(
                    experiment,
                    dataset(experiment.data),
                    open_run=partial(job.open, root),
                    source=job.source,
                    argv=argv,
                    live=live,
                    stop=stop,
                    say=say,
                )
                outcomes.append(Outcome(experiment, live.run, None))
            except RunFailed as failure:
                say(f"failed: {failure}")
                # Its words alone: the exception's frames would keep the model in memory.
                outcomes.append(Outcome(experiment, live.run, str(failure)))
    return outcomes


@contextmanager
def _stop_on_signals() -> Iterator[StopFlag]:
    """Turn the first SIGINT, SIGTERM or SIGHUP into a flag; the second acts as if we were not here.

    While nobody looks at the flag, because data is still being prepared, the first one raises
    `Stopped` where it is met.
    """
    flag = StopFlag()

    def note(signum: int, _: FrameType | None) -> None:
        signal.signal(signum, before[signal.Signals(signum)])
        flag.signum = signum
        if not flag.is_watched:
            raise Stopped("stopped before training began", signum)

    before = {
        one: signal.getsignal(one)
        for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        # nohup ignores SIGHUP, and is to be obeyed
        if one != signal.SIGHUP or signal.getsignal(one) != signal.SIG_IGN
    }
    for signum in before:
        signal.signal(signum, note)
    try:
        yield flag
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
