"""`tracker predict`: what a run's network makes of somebody's pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tracker.cli.options import json_option
from tracker.cli.render import show_json, show_table
from tracker.cli.settle import importing_libraries
from tracker.cli.terminal import say
from tracker.cli.trained import network_options, predictions_table
from tracker.errors import Damaged
from tracker.store import index
from tracker.store.files import explain_os_error, write_atomic

if TYPE_CHECKING:  # torch stays out of `--help`
    from tracker.trained.network import Device, Which


@click.command()
@click.argument("ref", metavar="RUN")
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="IMAGE|DIR…"
)
@click.option(
    "--topk", type=click.IntRange(min=1), default=5, show_default=True, help="Classes to name."
)
@click.option(
    "--grid",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.png",
    help="Draw the pictures there, with what they were taken for.",
)
@network_options
@json_option
@click.pass_obj
def predict(
    root: Path,
    ref: str,
    paths: tuple[Path, ...],
    *,
    topk: int,
    grid: Path | None,
    checkpoint: Which,
    device: Device,
    batch_size: int | None,
    as_json: bool,
) -> None:
    """Say what is on pictures, by what a run has learned.

    They may be of any size and kind, in files or in folders, which are searched to any depth. Each
    is cut and normalised as the run's own evaluation did it. Exits with 5 if some cannot be read:
    each is named, and the rest is done all the same.
    """
    if grid is not None and grid.suffix.lower() != ".png":
        raise click.UsageError("--grid: the file's name must end in .png")
    run = index.find(root, ref)
    with importing_libraries():
        from tracker.cli.progress import counting
        from tracker.trained.grid import SHOWN, sheet
        from tracker.trained.network import open_network
        from tracker.trained.pictures import found
        from tracker.trained.prediction import predict as predict_all
        from tracker.training.machine import prepare

    pictures = found(paths, say)
    network = open_network(run, checkpoint, device)
    if grid is not None:  # what stands in its way is better said now than after an hour
        with explain_os_error("make", grid.parent):
            grid.parent.mkdir(parents=True, exist_ok=True)
    prepare(network.machine, network.experiment.seed)
    with counting(len(pictures), "pictures") as count:
        seen = predict_all(
            network,
            pictures,
            topk=topk,
            batch_size=batch_size or network.experiment.training.eval_batch_size,
            keep=SHOWN if grid else 0,
            faulty=lambda path, why: count.say(f"{path}: {why}"),
            advance=count.advance,
        )
    try:
        if as_json:
            show_json(**network.to_document(), **seen.to_document())
        elif seen.pictures:
            show_table(predictions_table(seen.pictures))
    finally:  # who reads stdout may have had enough: the grid was asked for all the same
        if grid is not None and seen.pictures:
            write_atomic(grid, sheet(seen))
            left = len(seen.pictures) - len(seen.images)
            say(f"wrote {grid}" + (f", without the last {left:,} pictures" if left else ""))
    if seen.faults:
        raise Damaged(f"{len(seen.faults):,} of {len(pictures):,} pictures could not be read")
