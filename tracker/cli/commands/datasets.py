"""`tracker datasets`: what an experiment can learn from."""

from __future__ import annotations

import click

from tracker.cli.options import json_option
from tracker.cli.render import show_json, show_table
from tracker.reading.table import Table
from tracker.spec.schema import choices


@click.command()
@json_option
def datasets(*, as_json: bool) -> None:
    """List the data sets it can name.

    They are named in an experiment's data.name. `tracker schema` has the fields of each.
    """
    found = choices("data")
    if as_json:
        show_json(datasets=[choice._asdict() for choice in found])
        return
    rows = [(choice.name, choice.description) for choice in found]
    show_table(Table(("data set", "what it is"), rows, words=2))
