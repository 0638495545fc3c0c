"""`tracker restore`: what `tracker rm` took away, back where it was."""

from __future__ import annotations

from pathlib import Path

import click

from tracker.cli.options import json_option
from tracker.cli.render import show_json, show_table
from tracker.cli.terminal import out, say
from tracker.reading.table import Table, count, duration
from tracker.store import index
from tracker.store.garbage import size_of
from tracker.store.status import stamp, utc_now
from tracker.store.trash import Trash, choose, trashed


@click.command()
@click.argument("refs", nargs=-1, metavar="[RUN|EXPERIMENT]…")
@click.option("--list", "listing", is_flag=True, help="List what is in the trash.")
@json_option
@click.pass_obj
def restore(root: Path, refs: tuple[str, ...], *, listing: bool, as_json: bool) -> None:
    """Bring runs back from the trash.

    RUN is a name that --list shows, or whole last parts of one; an experiment, or
    experiment/variant, stands for all its runs. Of several runs of one name the one removed last
    comes back. A name that is taken by now is never overwritten.
    """
    if listing == bool(refs):
        raise click.UsageError("name the runs to bring back, or give --list alone")
    if listing:
        _list(root, as_json=as_json)
        return
    chosen = list(dict.fromkeys(one for ref in refs for one in choose(root, ref)))
    restored = []
    with Trash(root) as trash:
        for one in chosen:
            restored.append(trash.give_back(one).id)
            if not as_json:
                out(restored[-1])
    if as_json:
        show_json(restored=restored)


def _list(root: Path, *, as_json: bool) -> None:
    found = [(one, index.record(one.run).state, size_of(one.run.path)) for one in trashed(root)]
    if as_json:
        show_json(
            runs=[
                {
                    "id": one.run.id,
                    "state": state,
                    "removed": stamp(one.removed),
                    "bytes": size,
                    "path": str(one.run.path),
                }
                for one, state, size in found
            ]
        )
        return
    if not found:
        say(f"the trash of {root} is empty")
        return
    now = utc_now()
    rows = [
        (one.run.id, state, duration((now - one.removed).total_seconds()), f"{count(size)}B")
        for one, state, size in found
    ]
    show_table(Table(("run", "state", "removed", "size"), rows, words=2))
