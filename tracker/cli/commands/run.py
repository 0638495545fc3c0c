"""`tracker run`: train what experiment files ask for."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tracker.cli.options import json_option, overrides_option, seeds_option
from tracker.cli.render import show_json, show_table
from tracker.cli.settle import importing_libraries
from tracker.cli.terminal import say
from tracker.cli.typed import typed
from tracker.errors import NotComparable, UsageError
from tracker.launch import plan
from tracker.reading.listing import document, just_made
from tracker.reading.selection import chosen
from tracker.reading.table import Table
from tracker.spec.convert import to_document
from tracker.spec.experiment import Experiment
from tracker.store import index
from tracker.store.run import Run

if TYPE_CHECKING:  # torch stays out until the plan stands
    from tracker.launch.here import Outcome


UNMET = 7


@click.command()
@click.argument("specs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="SPEC…")
@overrides_option
@seeds_option
@click.option("--max-steps", type=click.IntRange(min=1), metavar="N", help="End each run here.")
@click.option("--resume", is_flag=True, help="Go on with runs that did not finish.")
@click.option("--again", is_flag=True, help="Run anew beside a run of the same name (s0.2, …).")
@click.option("--skip-finished", is_flag=True, help="Leave out what is finished already.")
@click.option("--dry-run", is_flag=True, help="List the runs this would make; make none.")
@json_option
@click.pass_obj
def run(
    root: Path,
    specs: tuple[Path, ...],
    overrides: tuple[str, ...],
    seeds: tuple[int, ...] | None,
    max_steps: int | None,
    resume: bool,
    again: bool,
    skip_finished: bool,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Train what experiment files ask for.

    Their runs follow one another, and at the end a table shows what came out. Ctrl-C stops at the
    next step with the state saved; a second one stops at once.

    Exit code 7: all of them finished, and one did not come to what its spec expects.
    """
    asked = [
        job
        for target in specs
        for job in plan.jobs_of(
            target,
            root,
            overrides=overrides,
            seeds=seeds,
            max_steps=max_steps,
            resume=resume,
        )
    ]
    jobs = plan.choose(asked, _existing(resume=resume, again=again, skip_finished=skip_finished))
    chosen_runs = {job.run for job in jobs}
    expecting = [job.run for job in asked if job.run not in chosen_runs and job.experiment.expect]
    if not jobs:
        say("nothing to run: all of it is finished")
        if as_json:
            show_json(runs=[])
        return UNMET if _unmet(expecting) else 0
    if dry_run:
        _show_plan(jobs, as_json=as_json)
        return 0
    outcomes = _execute(jobs, root)
    _show_outcomes(outcomes, root, as_json=as_json)
    if any(outcome.failure for outcome in outcomes):
        return 1
    expecting += [one.run for one in outcomes if one.run and one.experiment.expect]
    return UNMET if _unmet(expecting) else 0


def _existing(*, resume: bool, again: bool, skip_finished: bool) -> plan.Existing:
    flags: dict[plan.Existing, bool] = {
        "resume": resume,
        "again": again,
        "skip_finished": skip_finished,
    }
    given = [name for name, is_set in flags.items() if is_set]
    if len(given) > 1:
        names = " and ".join(f"--{name.replace('_', '-')}" for name in given)
        raise click.UsageError(f"{names} exclude each other")
    return given[0] if given else "refuse"


def _execute(jobs: Sequence[plan.Job], root: Path) -> list[Outcome]:
    with importing_libraries():
        from tracker.cli.progress import progress
        from tracker.launch import here

    with progress() as shown:
        return here.execute(jobs, root=root, argv=sys.argv, watch=shown.watch, say=shown.say)


def _show_outcomes(outcomes: Sequence[Outcome], root: Path, *, as_json: bool) -> None:
    records = [index.record(outcome.run) for outcome in outcomes if outcome.run]
    if as_json:
        show_json(runs=[document(record) for record in records])
        return
    if not records:  # each failed before it had a directory; why is on stderr already
        return
    show_table(just_made(records))
    experiments = list(dict.fromkeys(record.experiment for record in records))
    answers = [line for name in experiments for line in _answers(root, name)]
    next_steps = [
        f"{typed('tensorboard', *experiments)}   curves, pictures, graphs",
        f"{typed('show', records[-1].id)}   one run in full",
    ]
    if answers:
        compare = typed("compare", *experiments)
        next_steps.insert(0, f"{compare}   what that rests on, and the price")
    say("\n".join(["", *(f"{line}.\n" for line in answers), *next_steps]))


def _unmet(asked: Sequence[Run]) -> bool:
    """Whether one of these did not come to what its spec expects; says which, and by how much."""
    if not asked:
        return False
    from tracker.reading.gate.expectation import expected
    from tracker.reading.gate.observed import observe

    verdicts = [(run.id, one) for run in asked for one in expected(observe(run))]
    failed = [(name, one) for name, one in verdicts if one.status == "fail"]
    for name, one in failed:
        say(f"{name} does not meet {one.metric}: {one.words}, {one.tolerance} is expected")
    return bool(failed)


def _answers(root: Path, experiment: str) -> list[str]:
    """What all runs of the experiment come to so far; nothing where they have no answer yet."""
    from tracker.reading.comparison.compare import compare
    from tracker.reading.comparison.words import sentences

    try:
        return sentences(compare(chosen(root, [experiment])))
    except (NotComparable, UsageError):  # one group alone, or runs that can't be put together
        return []


def _show_plan(jobs: Sequence[plan.Job], *, as_json: bool) -> None:
    ids = [job.run.id for job in jobs]
    if as_json:
        documents = [to_document(job.experiment) for job in jobs]
        pairs = zip(ids, documents, strict=True)
        show_json(runs=[{"id": name, "experiment": document} for name, document in pairs])
        return
    titles = ("run", "data", "backbone", "optimizer", "lr", "batch", "epochs", "steps")
    rows = [(name, *_row(job.experiment)) for name, job in zip(ids, jobs, strict=True)]
    show_table(Table(titles, rows, words=4))


def _row(experiment: Experiment) -> tuple[str, ...]:
    training, optimizer = experiment.training, experiment.optimizer
    return (
        experiment.data.name,
        experiment.model.backbone,
        optimizer.name,
        f"{optimizer.lr:g}",
        str(training.batch_size),
        str(training.epochs),
        "all" if training.max_steps is None else f"≤ {training.max_steps}",
    )
