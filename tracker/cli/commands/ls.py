"""`tracker ls`: which runs there are, how far they got and how good they are."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import get_args

import click

from tracker.cli.options import json_option
from tracker.cli.render import show_json, show_table
from tracker.cli.terminal import say
from tracker.errors import NoSuchRun
from tracker.reading.listing import document, listed, remark
from tracker.store.index import RunRecord, list_runs
from tracker.store.status import RunState, utc_now


@click.command()
@click.argument("experiments", nargs=-1, metavar="[EXPERIMENT]…")
@click.option("--state", type=click.Choice(get_args(RunState)), help="Only runs in this state.")
@click.option("--tag", help="Only runs whose experiment has this tag.")
@json_option
@click.pass_obj
def ls(
    root: Path, experiments: tuple[str, ...], state: str | None, tag: str | None, *, as_json: bool
) -> None:
    """List runs with their state and their numbers.

    The metric is the one the experiment compares by: its last value, then its best. "crashed" is a
    run whose process is gone without a word. Below the table: which process writes a run and when
    it last said so, and why a run failed or cannot be read.
    """
    records = _of(experiments, list_runs(root), root)
    records = [record for record in records if state in (None, record.state)]
    records = [record for record in records if tag is None or tag in record.tags]
    if not records:
        tagged = "" if tag is None else f" tagged {tag!a}"
        say(f"no {state + ' ' if state else ''}runs{tagged} in {root}")
    if as_json:
        show_json(runs=[document(record) for record in records])
    elif records:
        now = utc_now()
        show_table(listed(records, now))
        for record in records:
            if words := remark(record, now):
                say(f"{record.state}: {record.id}: {words}")


def _of(experiments: tuple[str, ...], records: list[RunRecord], root: Path) -> list[RunRecord]:
    """The records of these experiments (all, if none is named). Raises NoSuchRun."""
    known = {record.experiment for record in records}
    for name in experiments:
        if name.rstrip("/") not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise NoSuchRun(f"no experiment {name!a} in {root}{hint}")
    wanted = {name.rstrip("/") for name in experiments} or known
    return [record for record in records if record.experiment in wanted]
