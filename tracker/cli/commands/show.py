"""`tracker show`: everything that is known about one run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tracker.cli.facts import facts, metrics_table
from tracker.cli.options import json_option
from tracker.cli.render import show_facts, show_json, show_table
from tracker.cli.terminal import out, say
from tracker.errors import Damaged, Unavailable, printable
from tracker.reading.listing import document
from tracker.reading.table import Table
from tracker.store import index
from tracker.store.files import explain_os_error, read_json, write_atomic
from tracker.store.run import Run

if TYPE_CHECKING:  # NumPy stays out where no event file is read
    from tracker.events.record import Report
    from tracker.reading.pictures import Drawn


@click.command()
@click.argument("ref", metavar="RUN")
@click.option("--images", is_flag=True, help="Save the pictures it drew as PNG files.")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="With --images: where to. [default: a folder here, named after the run]",
)
@click.option(
    "--step",
    type=click.IntRange(min=0),
    metavar="N",
    help="With --images: those drawn at this step. [default: the last of each kind]",
)
@json_option
@click.pass_obj
def show(
    root: Path, ref: str, *, images: bool, output: Path | None, step: int | None, as_json: bool
) -> None:
    """Show everything about one run.

    RUN is a path under the runs, a unique part of one, @last, or @best:METRIC.

    With --images, the pictures it drew of its inputs, predictions, mistakes, confusion matrix and
    first filters are saved, and where is said. Names are of the kind and the step, and what bears
    such a name there already is replaced.
    """
    if not images and (output is not None or step is not None):
        raise click.UsageError("--output and --step go with --images")
    run = index.find(root, ref)
    if images:
        _save(run, output or Path(f"{run.id.replace('/', '-')}-pictures"), step, as_json=as_json)
    else:
        _tell(run, as_json=as_json)


def _tell(run: Run, *, as_json: bool) -> None:
    record = index.record(run)
    asked, asked_missing = _read(run.experiment_file)
    provenance, provenance_missing = _read(run.provenance_file)
    summary, _ = _read(run.summary_file)  # why it is missing, the record says
    missing = [reason for reason in (asked_missing, provenance_missing) if reason]
    files = sorted(path.name for path in run.path.iterdir() if path.name[0] != ".")
    if as_json:
        show_json(
            run=document(record),
            experiment=asked,
            provenance=provenance,
            files=files,
            missing=missing,
        )
        return
    show_facts(facts(record, asked or {}, provenance or {}, summary or {}, files, missing))
    if record.metrics:
        out("")
        show_table(metrics_table(record))


def _read(path: Path) -> tuple[dict[str, Any] | None, str | None]:
    """The object in a file of the run, or why there is none: half a run is worth showing too."""
    try:
        found = read_json(path)
    except (Damaged, Unavailable) as error:
        return None, str(error)
    return (found, None) if isinstance(found, dict) else (None, f"{path} holds no JSON object")


def _save(run: Run, folder: Path, step: int | None, *, as_json: bool) -> None:
    """Write the run's pictures into `folder` and say where each is."""
    from tracker.reading.pictures import drawn

    found = drawn(run, step, _warn)
    if not found:
        raise Unavailable(
            f"{printable(run.id)} drew no pictures, or not under the names that tracker gives them"
        )
    with explain_os_error("make", folder):
        folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{one.name}-{one.step}.png" for one in found]
    for one, file in zip(found, files, strict=True):
        write_atomic(file, one.png)
    if as_json:
        pairs = zip(found, files, strict=True)
        show_json(run=run.id, pictures=[_document(one, file) for one, file in pairs])
        return
    rows = [
        (one.name, str(one.step), f"{one.width}×{one.height}", str(file))
        for one, file in zip(found, files, strict=True)
    ]
    show_table(Table(("picture", "step", "pixels", "file"), rows, words=1, tail=2))


def _document(one: Drawn, file: Path) -> dict[str, Any]:
    facts = one._asdict()
    del facts["png"]
    return {**facts, "file": str(file)}


def _warn(report: Report) -> None:
    if report.damage:
        where = f"byte {report.damage.offset:,} ({report.damage.reason})"
        say(f"{report.path}: damaged at {where}; what comes after that is not read")
