"""`tracker models`: which networks an experiment can name, and what each costs."""

from __future__ import annotations

from dataclasses import asdict
from fnmatch import fnmatchcase

import click

from tracker.cli.options import json_option
from tracker.cli.render import Table, count, show_json, show_table
from tracker.errors import UsageError
from tracker.models.catalog import Entry, entries
from tracker.spec.words import nearest


@click.command()
@click.argument("pattern", default="*")
@json_option
def models(pattern: str, *, as_json: bool) -> None:
    """List the models an experiment can name.

    PATTERN is a part of a name, or has wildcards: 'se_*'. Parameters and FLOPs are for 10 classes
    and a picture of 32×32; FLOPs count a forward pass, a multiply and an add as two. No picture
    may be smaller than "smallest".
    """
    wildcard = pattern if any(sign in pattern for sign in "*?[") else f"*{pattern}*"
    known = entries()
    found = [entry for entry in known if fnmatchcase(entry.backbone, wildcard)]
    if not found:
        near = nearest(pattern, [entry.backbone for entry in known])
        hint = f"did you mean {near}?" if near else "`tracker models` lists them all"
        raise UsageError(f"no model fits {pattern!a}; {hint}")
    if as_json:
        show_json(models=[asdict(entry) for entry in found])
    else:
        show_table(Table(_TITLES, [_row(entry) for entry in found], tail=1))


_TITLES = ("model", "params", "flops", "smallest", "what it is")


def _row(entry: Entry) -> tuple[str, ...]:
    smallest = f"{entry.smallest_image}×{entry.smallest_image}"
    price = count(entry.parameters), count(entry.flops)
    return entry.backbone, *price, smallest, entry.description
