"""The waist: an Experiment goes in, a finished Run comes out."""

from __future__ import annotations

import shlex
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tracker.data.augment import Recipe
from tracker.data.batches import Loader, TrainBatches
from tracker.data.dataset import Dataset, Split
from tracker.errors import RunFailed, TrackerError, UsageError, printable
from tracker.events.rewind import check_there, damages, rewind
from tracker.models import freezing
from tracker.models.build import build as build_model
from tracker.models.cost import Cost, cost
from tracker.models.expected import Expected
from tracker.record.tensorboard import RunWriter
from tracker.spec.experiment import Experiment
from tracker.store import provenance
from tracker.store.active import ActiveRun
from tracker.store.files import explain_os_error
from tracker.training import checkpoint, fit, loop, machine, pages, report
from tracker.training.live import Live, StopFlag
from tracker.training.optim import learning_rates
from tracker.training.origin import Origin, begin_with, normalised
from tracker.training.state import Task, begin
from tracker.training.system import System


def run(
    experiment: Experiment,
    dataset: Dataset,
    *,
    origin: Origin,
    open_run: Callable[[provenance.Provenance], ActiveRun],
    source: Path,
    argv: Sequence[str],
    live: Live,
    stop: StopFlag,
    say: Callable[[str], None],
) -> None:
    """Train what `experiment` asks for on `dataset`, in the run directory that `open_run` gives.

    `origin` is what `training.origin.settle` found of the experiment, `dataset` the pictures that
    fit that. A run that has a checkpoint goes on from it. Nothing is created or changed before
    device, data and model are known to fit together. Raises `UsageError` or `Unavailable` where
    they don't, what `open_run` raises, `RunFailed` when training fails, `Stopped` when `stop` was
    raised; in the last two the run directory says so too. `live.run` is it, once there is one.
    """
    _check_batch_size(experiment, dataset)
    dataset, expected = normalised(dataset, experiment, origin)
    model = _built(experiment, dataset)
    price = cost(model, dataset.image_size)
    chosen = machine.choose(experiment.training, price)
    facts = provenance.collect(source, argv, patch=experiment.logging.git_diff)
    heard: list[str] = []  # until there is a log to write it to
    weights = begin_with(origin, model, experiment, dataset, heard.append, live.doing)
    with stop.watched(), open_run(facts) as active, _explained(active):
        live.run = active.run

        def note(line: str) -> None:
            active.log(line)
            say(line)

        for line in heard:
            note(line)
        saved = take_up(active, experiment, dataset, model, note) if active.is_taken_up else None
        if saved:
            chosen = machine.as_before(chosen, saved["machine"], note)
        machine.prepare(chosen, experiment.seed)
        with (
            RunWriter(active.run.path, warn=note) as writer,
            checkpoint.Saver(active.run) as saver,
        ):
            task = assemble(
                experiment,
                dataset,
                expected,
                weights,
                chosen,
                price,
                active,
                saver,
                writer,
                live,
                stop,
                note,
            )
            _train(task, model, saved, facts)


def _check_batch_size(experiment: Experiment, dataset: Dataset) -> None:
    size, there = experiment.training.batch_size, len(dataset.train)
    if size > there:
        raise UsageError(
            f"training.batch_size is {size}, but {dataset.name} has {there} training pictures; "
            "make it smaller"
        )


def _built(experiment: Experiment, dataset: Dataset) -> nn.Module:
    model = build_model(
        experiment.model,
        num_classes=len(dataset.classes),
        seed=experiment.seed,
        image_size=dataset.image_size,
    )
    freezing.never_trained(model, experiment.model.freeze)  # a layer that is not there is refused
    return model


def _train(
    task: Task, model: nn.Module, saved: dict[str, Any] | None, facts: provenance.Provenance
) -> None:
    """From the first step, or what a checkpoint `saved`, to the last page."""
    task.run.plan(task.total_steps)
    state = begin(task, model)
    if saved:
        state.load_state_dict(saved)
        task.say(f"going on at step {state.step} of {task.total_steps}")
    else:
        _describe(task, model, facts)
        task.run.update(0, 0.0, report.summary(task, state))  # what the weights were, say
    try:
        loop.train(task, state)
    finally:  # a small head's steps are taken on one
        torch.set_num_threads(task.machine.threads)
    task.writer.finish_hparams()
    task.writer.commit()


def take_up(
    active: ActiveRun,
    experiment: Experiment,
    dataset: Dataset,
    model: nn.Module,
    say: Callable[[str], None],
) -> dict[str, Any] | None:
    """Bring a run's directory back to its newest checkpoint that fits; return the state in it.

    None where nothing was ever saved. All that is passed over, set aside or found damaged is said.
    Raises `Damaged` or `Unavailable`, with nothing changed, where there is none to go on from.
    """
    run, spec = active.run, experiment.training
    steps = len(dataset.train) // spec.batch_size * spec.epochs

    def check(state: dict[str, Any]) -> None:
        fit.check(state, experiment, model, len(dataset.classes), steps)
        check_there(run.path, state["events"])

    saved = checkpoint.newest(run, say, check)
    if saved:
        checkpoint.forget_after(run, saved["step"])
    else:
        say("no checkpoint was saved yet: starting anew from step 0")
    for path in active.clear_checkpoints():
        say(f"set aside {printable(str(path))}: no checkpoint that the run goes on from")
    committed = saved["events"] if saved else {}
    for path in rewind(run.path, committed, run.lost):
        say(f"set aside {printable(str(path))}: written after the last checkpoint")
    for damage in damages(run.path, committed):
        say(
            f"{damage}: training goes on, but that part of the curves is lost, and "
            f"`tracker doctor` will say so; restore it from a copy, or start anew with --again"
        )
    return saved


def assemble(
    experiment: Experiment,
    dataset: Dataset,
    expected: Expected,
    weights: Mapping[str, Any] | None,
    chosen: machine.Machine,
    price: Cost,
    active: ActiveRun,
    saver: checkpoint.Saver,
    writer: RunWriter,
    live: Live,
    stop: StopFlag,
    say: Callable[[str], None],
) -> Task:
    """Put together what the loop needs: the batches, the curve of learning rates, the length."""
    spec = experiment.training

    def loader(split: Split, batch_size: int) -> Loader:
        return Loader(
            split,
            batch_size,
            mean=dataset.mean,
            std=dataset.std,
            device=chosen.device,
            memory_format=chosen.memory_format,
        )

    recipe = Recipe.of(experiment.data, dataset.mean)
    batches = TrainBatches(loader(dataset.train, spec.batch_size), recipe, seed=experiment.seed)
    total = len(batches) * spec.epochs
    return Task(
        experiment=experiment,
        dataset=dataset,
        expected=expected,
        weights=weights,
        machine=chosen,
        cost=price,
        run=active,
        saver=saver,
        writer=writer,
        live=live,
        stop=stop,
        say=say,
        batches=batches,
        validation=loader(dataset.val, spec.eval_batch_size),
        learning_rate=learning_rates(
            experiment.schedule, experiment.optimizer.lr, len(batches), spec.epochs
        ),
        total_steps=min(total, spec.max_steps or total),
        system=System(chosen.device).sample if experiment.logging.system else dict,
    )


def _describe(task: Task, model: nn.Module, facts: provenance.Provenance) -> None:
    """Write the pages a run opens with: what was asked, where it runs, what the network is."""
    patch = facts.patch.decode(errors="replace")
    pages.write_opening(task.writer, task.experiment, _environment(task, facts), patch)
    pages.write_inputs(task.writer, task.dataset, task.batches)
    pages.write_reference(task.writer, task.dataset)
    if task.experiment.logging.graph:
        task.writer.graph(model, task.dataset.image_size)


def _environment(task: Task, facts: provenance.Provenance) -> dict[str, Any]:
    document = facts.to_document()
    shown = ("torch", "torchvision", "tensorboard", "numpy", "tracker")
    return {
        "computed on": task.machine.to_document(),
        "price": {"parameters": task.cost.parameters, "FLOPs per picture": task.cost.flops},
        "data": {"digest": task.dataset.digest},
        "command": shlex.join(document["command"]),
        **{key: document[key] for key in ("time", "directory", "user", "python")},
        "host": document["host"],
        "code": document["code"] or document["code_missing"],
        "packages": {name: facts.packages.get(name) for name in shown},
    }


@contextmanager
def _explained(active: ActiveRun) -> Iterator[None]:
    """Put into words what torch and the disk say; `active` then records it as the run's cause."""
    try:
        yield
    except OSError as error:
        place = Path(error.filename) if error.filename else active.run.path
        with explain_os_error("write", place):
            raise
    except TrackerError as error:
        active.log(str(error))
        raise
    # torch's words for out of memory, wrong shapes, too few pictures for a norm
    except (RuntimeError, ValueError) as error:
        active.log(traceback.format_exc())
        cause = str(error).strip().partition("\n")[0] or type(error).__name__
        raise RunFailed(f"{cause} (the whole story is in {active.run.log_file})") from error
    except Exception:
        active.log(traceback.format_exc())
        raise
