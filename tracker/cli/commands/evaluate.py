"""`tracker evaluate`: how well a run's network does on labelled pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tracker.cli.options import json_option
from tracker.cli.render import show_facts, show_json, show_table
from tracker.cli.settle import importing_libraries
from tracker.cli.terminal import out, say
from tracker.cli.trained import classes_table, confusion_table, network_options, score_facts
from tracker.store import index

if TYPE_CHECKING:  # torch stays out of `--help`
    from tracker.trained.network import Device, Which


@click.command()
@click.argument("ref", metavar="RUN")
@click.option(
    "--data",
    metavar="DIR|SPEC|NAME",
    help="A folder of class folders, the validation pictures an experiment file asks for, or a "
    "data set by name. [default: the run's own validation pictures]",
)
@network_options
@json_option
@click.pass_obj
def evaluate(
    root: Path,
    ref: str,
    *,
    data: str | None,
    checkpoint: Which,
    device: Device,
    batch_size: int | None,
    as_json: bool,
) -> None:
    """Score a run on its own or on other pictures.

    Classes are matched by name: others than the run has learned are an error, and it need not be
    all of them. Nothing is written; the run stays as it is.
    """
    run = index.find(root, ref)
    with importing_libraries():
        from tracker.cli.progress import counting
        from tracker.trained.evaluation import evaluate as score
        from tracker.trained.given import given
        from tracker.trained.network import open_network
        from tracker.training.machine import prepare

    network = open_network(run, checkpoint, device)
    prepare(network.machine, network.experiment.seed)
    pictures = given(network, data, say)
    size = batch_size or network.experiment.training.eval_batch_size
    with counting(len(pictures.labels), "pictures") as count:
        scored = score(network, pictures, batch_size=size, advance=count.advance)
    if data is None and scored.same_data is False:
        say("these are not the pictures it was judged on: they have changed since")
    if as_json:
        show_json(**network.to_document(), **scored.to_document())
        return
    step = f"{network.checkpoint} checkpoint, of step {network.entry.step}"
    show_facts({"run": f"{run.id}, {step}", **score_facts(scored)})
    tables = (classes_table(scored), confusion_table(scored))
    for table in filter(None, tables):
        out("")
        show_table(table)
