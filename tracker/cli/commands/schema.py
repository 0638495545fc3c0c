"""`tracker schema`: the contract of experiment files, for editors and for reading."""

from __future__ import annotations

import click

from tracker.cli.terminal import out
from tracker.spec.schema import FILE


@click.command()
def schema() -> None:
    """Print the JSON Schema of experiment files.

    It says of every field what it means, its unit, its bounds and its default.
    """
    out(FILE.read_text(encoding="utf-8").rstrip("\n"))
