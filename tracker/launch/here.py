"""Run experiments in this process, one after another."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from tracker.training.origin import pictures, settle

_ANSWER = "{0}: saving and stopping after this step; a second {0} stops at once"
_NAMES: Mapping[int, str] = {signal.SIGINT: "Ctrl-C"}
_OVER = b"\0"  # no signal has this number


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
    Ctrl-C and SIGTERM stop the run at its next step with its state saved, which is said at once; a
    second one stops it there and then.
    """

    @lru_cache(maxsize=1)  # the members of a matrix mostly share their data
    def dataset(spec: Data) -> Dataset:
        return build_data(spec, log=say)

    outcomes = []
    with _stop_on_signals(say) as stop:
        for number, job in enumerate(jobs, 1):
            if stop():
                raise Stopped("stopped between two runs", stop.signum or signal.SIGINT)
            experiment = job.experiment
            taken_up = job.run if job.how == "resume" else None
            origin = settle(experiment, root, taken_up)
            live = Live(f"[{number}/{len(jobs)}] {experiment.variant} s{experiment.seed}")
            watch(live)
            try:
                runner.run(
                    experiment,
                    dataset(pictures(experiment, origin)),
                    origin=origin,
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
def _stop_on_signals(say: Callable[[str], None]) -> Iterator[StopFlag]:
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
    with _answered(before, lambda name: say(_ANSWER.format(name)) if flag.is_watched else None):
        for signum in before:
            signal.signal(signum, note)
        try:
            yield flag
        finally:
            for signum, handler in before.items():
                signal.signal(signum, handler)


@contextmanager
def _answered(
    signals: Mapping[signal.Signals, object], answer: Callable[[str], None]
) -> Iterator[None]:
    """Call `answer` with the name of the first of `signals` that comes, the moment it does.

    Python calls a signal's handler between two instructions of the main thread, which a long
    computation keeps waiting. The wake-up descriptor is written to by the system's handler itself;
    a thread waits for that, and speaks as all others do, so no line is broken by it.
    """
    listening, waking = os.pipe()
    os.set_blocking(waking, False)
    thread = threading.Thread(target=_listen, args=(listening, signals, answer), daemon=True)
    thread.start()
    before = signal.set_wakeup_fd(waking, warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        os.write(waking, _OVER)
        thread.join()
        os.close(listening)
        os.close(waking)


def _listen(
    listening: int, signals: Mapping[signal.Signals, object], answer: Callable[[str], None]
) -> None:
    answered = False
    while (number := os.read(listening, 1)) != _OVER:
        if number[0] in signals and not answered:
            answered = True
            answer(_NAMES.get(number[0]) or signal.Signals(number[0]).name)
