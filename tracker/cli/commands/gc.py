"""`tracker gc`: the only command that deletes."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import click

from tracker.cli.options import json_option
from tracker.cli.render import show_json, show_table
from tracker.cli.terminal import say
from tracker.reading.table import Table, count
from tracker.store.garbage import KEPT_DAYS, collect, find
from tracker.store.status import utc_now


@click.command()
@click.option(
    "--older-than",
    "days",
    type=click.IntRange(min=0, max=36500),
    default=KEPT_DAYS,
    show_default=True,
    metavar="DAYS",
    help="Leave what was removed since then.",
)
@click.option("--dry-run", is_flag=True, help="List what would go; delete nothing.")
@json_option
@click.pass_obj
def gc(root: Path, days: int, *, dry_run: bool, as_json: bool) -> int:
    """Delete old trash and leftovers for good.

    That is: runs that were removed more than DAYS ago, and what killed processes left behind (files
    half written, runs half made, checkpoints never committed). Of finished runs also the folder
    lost/, where a resumed run put the events after its last checkpoint, if it is as old.
    """
    before = utc_now() - timedelta(days=days)
    found, reasons = (find(root, before), []) if dry_run else collect(root, before)
    total = sum(one.size for one in found)
    if as_json:
        show_json(dry_run=dry_run, bytes=total, garbage=[asdict(one) for one in found])
    elif found:
        rows = [(one.kind, str(one.path), f"{count(one.size)}B") for one in found]
        show_table(Table(("what", "where", "size"), rows, words=2))
    if found:
        say(f"{'would free' if dry_run else 'freed'} {count(total)}B")
    else:
        say("nothing to delete")
    for reason in reasons:
        say(reason)
    return 6 if reasons else 0
