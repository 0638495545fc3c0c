"""`tracker export`: what a run left, for other programs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click

from tracker.cli.terminal import is_terminal, say
from tracker.errors import Damaged, NoSuchRun, printable
from tracker.events.record import Report
from tracker.reading.export import csv_of, json_of, require
from tracker.reading.selection import chosen
from tracker.store.files import replacing
from tracker.store.index import RunRecord, list_runs


@click.command()
@click.argument("refs", nargs=-1, metavar="[RUN|EXPERIMENT]…")
@click.option("--csv", "as_csv", is_flag=True, help="The curves, a row per point.")
@click.option("--json", "as_json", is_flag=True, help="The curves, three lists per series.")
@click.option("--tag", "tags", multiple=True, help="Only this series; may be given again.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write there, whole or not at all, instead of to stdout.",
)
@click.pass_obj
def export(
    root: Path,
    refs: tuple[str, ...],
    *,
    as_csv: bool,
    as_json: bool,
    tags: tuple[str, ...],
    output: Path | None,
) -> None:
    """Write the curves of runs as CSV or JSON.

    Of all runs, or of those named; the name of an experiment, or experiment/variant, stands for all
    its runs. Every number comes out exactly as it was written. Exits with 5 if an event file is
    damaged: what is before the damage is written all the same.
    """
    if as_csv == as_json:
        raise click.UsageError("say what to write: --csv or --json")
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


def _write(text: Iterator[str], output: Path | None) -> None:
    if output is None:
        for piece in text:
            sys.stdout.write(piece)
        return
    with replacing(output) as file:
        for piece in text:
            file.write(piece.encode("utf-8", "backslashreplace"))
    say(f"wrote {output}")
