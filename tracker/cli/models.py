"""`tracker models`: which networks an experiment can name, and what each costs."""

from __future__ import annotations

from dataclasses import asdict
from fnmatch import fnmatchcase

import click

from tracker.cli.options import json_option
from tracker.cli.render import Table, count, show_json, show_table
from tracker.cli.terminal import say
from tracker.models.catalog import entries


@click.command()
@click.argument("pattern", default="*")
@json_option
def models(pattern: str, *, as_json: bool) -> None:
    """List the models an experiment can name.

    PATTERN is a part of a name, or has wildcards: 'se_*'. Parameters and FLOPs are for 10 classes
    and a picture of 32×32; FLOPs count a forward pass, a multiply and an add as two.
    """
    wildcard = pattern if any(sign in pattern for sign in "*?[") else f"*{pattern}*"
    found = [entry for entry in entries() if fnmatchcase(entry.backbone, wildcard)]
    if not found:
        say(f"No model fits {pattern!a}; `tracker models` lists them all.")
    if as_json:
        show_json(models=[asdict(entry) for entry in found])
    elif found:
        titles = ("model", "params", "flops", "what it is")
        rows = [(e.backbone, count(e.parameters), count(e.flops), e.description) for e in found]
        show_table(Table(titles, rows, tail=1))
