"""What is about to run, settled before anything heavy is imported or anything is created."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tracker.errors import Busy
from tracker.spec.experiment import Experiment
from tracker.store.run import Run
from tracker.store.status import RunState


@dataclass(frozen=True)
class Step:
    """One member of the plan, and the state of the run that has its name already, if one does."""

    experiment: Experiment
    run: Run
    state: RunState | None


def survey(experiments: Sequence[Experiment], root: Path) -> list[Step]:
    """Look up, for each experiment, whether a run of its name exists."""
    steps = []
    for experiment in experiments:
        run = Run.of(root, experiment)
        steps.append(Step(experiment, run, run.state() if run.path.exists() else None))
    return steps


def choose(steps: Sequence[Step], *, again: bool, skip_finished: bool) -> list[Experiment]:
    """Return what is to run. Raises `Busy`, naming every run that stands in the way."""
    if skip_finished:
        steps = [step for step in steps if step.state != "finished"]
    taken = [step for step in steps if step.state is not None]
    if taken and not again:
        names = "\n".join(f"  {step.run.id} ({step.state})" for step in taken)
        raise Busy(
            f"{len(taken)} of these runs exist already:\n{names}\n"
            "--again runs them anew beside the old ones, --skip-finished runs only the rest"
        )
    return [step.experiment for step in steps]
