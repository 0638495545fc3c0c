"""`tracker rm`: take runs away, so that they can come back."""

from __future__ import annotations

from pathlib import Path

import click

from tracker.cli.terminal import can_ask, out, say
from tracker.cli.typed import typed
from tracker.errors import printable
from tracker.store.run import Run
from tracker.store.trash import Trash, removable


@click.command()
@click.argument("refs", nargs=-1, required=True, metavar="RUN|EXPERIMENT…")
@click.option("--yes", is_flag=True, help="Remove a whole experiment without asking.")
@click.pass_obj
def rm(root: Path, refs: tuple[str, ...], *, yes: bool) -> None:
    """Move runs to the trash.

    RUN is a path under the runs, a unique part of one, @last, or @best:METRIC; the name of an
    experiment, or experiment/variant, stands for all its runs. A run that is being written is left
    alone, and then nothing is moved. `tracker restore` brings runs back, `tracker gc` deletes them.
    """
    runs = removable(root, refs)
    if _is_group(refs, runs) and not yes and not _agreed(runs):
        say("nothing was removed")
        return
    with Trash(root) as trash:
        for run in runs:
            trash.put(run)
            out(run.id)
    back, gone = typed("restore", runs[0].id), typed("gc")
    say(f"in the trash: `{back}` brings back, `{gone}` deletes")


def _is_group(refs: tuple[str, ...], runs: list[Run]) -> bool:
    return any(run.id.startswith(f"{ref.rstrip('/')}/") for ref in refs for run in runs)


def _agreed(runs: list[Run]) -> bool:
    """Ask, naming the runs. Raises UsageError where there is nobody to ask."""
    names = "".join(f"  {printable(run.id)}\n" for run in runs)
    if not can_ask():
        raise click.UsageError(f"this would remove\n{names}--yes does it without asking")
    say(names.rstrip("\n"))
    return click.confirm("Move all of these to the trash?", err=True)
