"""What is about to run, settled before anything heavy is imported or anything is created."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

from tracker.errors import Busy, Damaged, UsageError
from tracker.models.expected import check
from tracker.spec.convert import to_document
from tracker.spec.differences import differences
from tracker.spec.experiment import Experiment
from tracker.spec.load import load
from tracker.store import index
from tracker.store.active import ActiveRun
from tracker.store.asked import asked
from tracker.store.files import write_json
from tracker.store.provenance import Provenance
from tracker.store.run import Run

# What to do where a run of the name exists.
Existing: TypeAlias = Literal["refuse", "again", "skip_finished", "resume"]
MAY_CHANGE = "training.max_steps"  # a run cut short is a prefix of the longer one: it may go on


@dataclass(frozen=True)
class Job:
    """One experiment to run, the file that asked for it, and the run it makes or takes up."""

    source: Path
    experiment: Experiment
    run: Run
    how: Literal["new", "again", "resume"] = "new"

    def open(self, root: Path, provenance: Provenance) -> ActiveRun:
        """Make the run's directory under `root`, or take up the one there.

        Raises Busy where another process has it, Damaged where it can't be taken up.
        """
        if self.how == "resume":
            with _remedied():
                active = ActiveRun.reopen(self.run, provenance)
            write_json(self.run.experiment_file, to_document(self.experiment))  # `MAY_CHANGE`
            return active
        return ActiveRun.create(root, self.experiment, provenance, again=self.how == "again")


def jobs_of(
    target: Path,
    root: Path,
    *,
    overrides: Sequence[str] = (),
    seeds: Sequence[int] | None = None,
    max_steps: int | None = None,
    resume: bool = False,
) -> list[Job]:
    """Return the runs that a spec asks for or, to `resume`, the one run that `target` names.

    Raises SpecError and, where a network has no such weights or takes no such pictures, UsageError.
    """
    if resume and not target.is_file():
        run = index.find(root, str(target))
        source, experiment = run.experiment_file, _asked(run)
        if overrides or seeds or max_steps:
            experiment = load(source, overrides=overrides, seeds=seeds, max_steps=max_steps)[0]
        return [Job(source, experiment, run)]
    found = load(target, overrides=overrides, seeds=seeds, max_steps=max_steps)
    for experiment in found:
        check(experiment)
    return [Job(target, experiment, Run.of(root, experiment)) for experiment in found]


def choose(jobs: Sequence[Job], existing: Existing = "refuse") -> list[Job]:
    """Return which of `jobs` are to run, and how, given what exists already.

    Raises `Busy`, naming every run that stands in the way; `UsageError` where two jobs would be
    the same run, or where a run to be taken up was asked for something else.
    """
    _refuse_twins([job.run.id for job in jobs])
    states = {job.run: job.run.state() for job in jobs if job.run.path.exists()}
    if existing in ("skip_finished", "resume"):
        jobs = [job for job in jobs if not _is_finished(job, states.get(job.run))]
    if existing == "resume":
        return [_resumed(job, states[job.run]) if job.run in states else job for job in jobs]
    taken = [job.run for job in jobs if job.run in states]
    if taken and existing != "again":
        names = "\n".join(f"  {run.id} ({states[run]})" for run in taken)
        raise Busy(
            f"{len(taken)} of these runs exist already:\n{names}\n"
            "--resume goes on with what is not finished, --skip-finished runs only what does not "
            "exist, --again runs all anew beside the old ones"
        )
    return [replace(job, how="again" if job.run in states else "new") for job in jobs]


def _is_finished(job: Job, state: str | None) -> bool:
    """Return whether the run of `job` has done all that `job` asks for.

    One that ended at its `training.max_steps` has not, if that now lies further on.
    """
    if state != "finished":
        return False
    asked_before = _asked(job.run)
    before, now = asked_before.training.max_steps, job.experiment.training.max_steps
    was_cut = before is not None and job.run.status().step >= before
    return not was_cut or (now is not None and before is not None and now <= before)


def _resumed(job: Job, state: str) -> Job:
    """Return `job` as one that takes up its run. Raises where that can't be."""
    if state == "running":
        status = job.run.status()
        raise Busy(
            f"{job.run.id} is running as process {status.pid} on {status.host} "
            f"since {status.started}; wait for it, or stop it with Ctrl-C there"
        )
    with _remedied():
        job.run.look()
    before = _asked(job.run)
    changed = [
        f"  {one.path}: was {one.before!r}, is {one.after!r}"
        for one in differences(to_document(before), to_document(job.experiment))
        if one.path != MAY_CHANGE
    ]
    if changed:
        raise UsageError(
            f"{job.run.id} was asked for something else, so it can't be taken up:\n"
            + "\n".join(changed)
            + "\n--again runs it anew beside the old one"
        )
    return replace(job, how="resume")


def _asked(run: Run) -> Experiment:
    """Return what `run` was asked for. Raises as `asked`."""
    with _remedied():
        return asked(run)


@contextmanager
def _remedied() -> Iterator[None]:
    """Say of damage inside what to do about it."""
    try:
        yield
    except Damaged as error:
        raise Damaged(f"{error}; restore it from a copy, or start anew with --again") from error


def _refuse_twins(ids: Sequence[str]) -> None:
    twins = [name for name, count in Counter(ids).items() if count > 1]
    if twins:
        raise UsageError(
            f"these specs ask for the same run twice: {', '.join(twins)}; "
            'give each experiment a "name" of its own'
        )
