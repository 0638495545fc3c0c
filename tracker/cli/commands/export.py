"""`tracker export`: what a run left, for other programs."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tracker.cli.settle import importing_libraries
from tracker.cli.terminal import is_terminal, say
from tracker.cli.trained import checkpoint_option
from tracker.errors import Damaged, NoSuchRun, printable
from tracker.events.record import Report
from tracker.reading.export import csv_of, json_of, require
from tracker.reading.selection import chosen
from tracker.store import index
from tracker.store.files import replacing
from tracker.store.index import RunRecord, list_runs

if TYPE_CHECKING:  # torch stays out of `--help`
    from tracker.trained.network import Which

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("refs", nargs=-1, metavar="[RUN|EXPERIMENT]…")
@click.option("--csv", "as_csv", is_flag=True, help="The curves, a row per point.")
@click.option("--json", "as_json", is_flag=True, help="The curves, three lists per series.")
@click.option("--tag", "tags", multiple=True, help="Only this series; may be given again.")
@click.option(
    "-o",
    "--output",
    type=_FILE,
    metavar="FILE",
    help="Write there, whole or not at all, instead of to stdout.",
)
@click.option("--weights", type=_FILE, metavar="FILE", help="The weights: .safetensors or .pth.")
@click.option("--onnx", type=_FILE, metavar="FILE", help="The network as ONNX: .onnx.")
@click.option("--program", type=_FILE, metavar="FILE", help="As a PyTorch program: .pt2.")
@checkpoint_option
@click.pass_obj
def export(
    root: Path,
    refs: tuple[str, ...],
    *,
    as_csv: bool,
    as_json: bool,
    tags: tuple[str, ...],
    output: Path | None,
    weights: Path | None,
    onnx: Path | None,
    program: Path | None,
    checkpoint: Which,
) -> None:
    """Write the curves of runs, or a run's network, to files.

    Curves: of all runs, or of those named; the name of an experiment, or experiment/variant, stands
    for all its runs. Every number comes out exactly as it was written. Exits with 5 if an event
    file is damaged: what is before the damage is written all the same.

    Networks: of the one run named, with its classes and what it expects of pictures inside. A file
    appears once it has been read back and found to compute the same.
    """
    asked = {"weights": weights, "onnx": onnx, "program": program}
    networks = {kind: path for kind, path in asked.items() if path}
    if networks:
        if as_csv or as_json or tags or output or len(refs) != 1:
            raise click.UsageError("a network is exported of one RUN, and without its curves")
        _export_networks(root, refs[0], networks, checkpoint)
        return
    if as_csv == as_json:
        raise click.UsageError("say what to write: --csv or --json, --weights, --onnx or --program")
    records = chosen(root, refs) if refs else list_runs(root)
    if not records:
        raise NoSuchRun(f"there are no runs in {printable(str(root))}; --runs names another folder")
    require(records, tags)
    damaged: list[str] = []

    def told(one: RunRecord, report: Report) -> None:
        if report.damage:
            where = f"byte {report.damage.offset:,} ({report.damage.reason})"
            damaged.append(f"{one.id}/{report.path.name}: damaged at {where}")

    if as_json:
        text = json_of(records, tags, told)
    elif output is None and is_terminal():
        text = csv_of(records, tags, told, printable)
    else:
        text = csv_of(records, tags, told)
    _write(text, output)
    if damaged:
        lines = "\n".join(map(printable, damaged))
        raise Damaged(f"{lines}\nwhat comes after that is missing; `tracker doctor` looks closer")


def _export_networks(root: Path, ref: str, asked: Mapping[str, Path], checkpoint: Which) -> None:
    """Write the network of one run in every form that is `asked` for."""
    run = index.find(root, ref)
    with importing_libraries():
        from tracker.trained.exporting import check, export
        from tracker.trained.network import open_network

    for kind, path in asked.items():
        check(kind, path)
    network = open_network(run, checkpoint, "cpu")
    for kind, path in asked.items():
        done = export(network, kind, path)
        same = (
            "the same weights, bit for bit"
            if done.deviation is None
            else f"logits within {done.deviation:.1e} of the run's"
        )
        say(f"wrote {path}: {done.size / 1e6:,.1f} MB, read back: {same}")


def _write(text: Iterator[str], output: Path | None) -> None:
    if output is None:
        for piece in text:
            sys.stdout.write(piece)
        return
    with replacing(output) as file:
        for piece in text:
            file.write(piece.encode("utf-8", "backslashreplace"))
    say(f"wrote {output}")
