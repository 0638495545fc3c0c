"""What is about to run, settled before anything heavy is imported or anything is created."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tracker.errors import Busy, UsageError
from tracker.spec.experiment import Experiment
from tracker.store.run import Run


@dataclass(frozen=True)
class Job:
    """One experiment to run, and the file that asked for it."""

    source: Path
    experiment: Experiment


def choose(
    jobs: Sequence[Job], root: Path, *, again: bool = False, skip_finished: bool = False
) -> list[Job]:
    """Return which of `jobs` are to run under `root`: all, or all that are not finished yet.

    Raises `Busy`, naming every run that stands in the way, unless `again` asks for another beside
    each; `UsageError` where two jobs would be the same run.
    """
    runs = {Run.of(root, job.experiment): job for job in jobs}
    _refuse_twins([Run.of(root, job.experiment).id for job in jobs])
    states = {run: run.state() for run in runs if run.path.exists()}
    if skip_finished:
        runs = {run: job for run, job in runs.items() if states.get(run) != "finished"}
    taken = [run for run in runs if run in states]
    if taken and not again:
        names = "\n".join(f"  {run.id} ({states[run]})" for run in taken)
        raise Busy(
            f"{len(taken)} of these runs exist already:\n{names}\n"
            "--again runs them anew beside the old ones, --skip-finished only what is not finished"
        )
    return list(runs.values())


def _refuse_twins(ids: Sequence[str]) -> None:
    twins = [name for name, count in Counter(ids).items() if count > 1]
    if twins:
        raise UsageError(
            f"these specs ask for the same run twice: {', '.join(twins)}; "
            'give each experiment a "name" of its own'
        )
