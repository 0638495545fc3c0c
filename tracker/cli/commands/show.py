"""`tracker show`: everything that is known about one run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tracker.cli.facts import facts, metrics_table
from tracker.cli.options import json_option
from tracker.cli.render import show_facts, show_json, show_table
from tracker.cli.terminal import out
from tracker.errors import Damaged, Unavailable
from tracker.reading.listing import document
from tracker.store import index
from tracker.store.files import read_json


@click.command()
@click.argument("ref", metavar="RUN")
@json_option
@click.pass_obj
def show(root: Path, ref: str, *, as_json: bool) -> None:
    """Show everything about one run.

    RUN is a path under the runs, a unique part of one, @last, or @best:METRIC.
    """
    record = index.record(index.find(root, ref))
    asked, asked_missing = _read(record.run.experiment_file)
    provenance, provenance_missing = _read(record.run.provenance_file)
    missing = [reason for reason in (asked_missing, provenance_missing) if reason]
    files = sorted(path.name for path in record.run.path.iterdir() if path.name[0] != ".")
    if as_json:
        show_json(
            run=document(record),
            experiment=asked,
            provenance=provenance,
            files=files,
            missing=missing,
        )
        return
    show_facts(facts(record, asked or {}, provenance or {}, files, missing))
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
