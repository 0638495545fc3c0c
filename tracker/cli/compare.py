"""`tracker compare`: which group is better, by how much, at what price, and is it real?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tracker.cli.asking import compared, comparison_options
from tracker.cli.render import show_json
from tracker.cli.terminal import out


@click.command()
@comparison_options
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv", "markdown"]),
    default="table",
    show_default=True,
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.pass_obj
def compare(root: Path, /, form: str, *, as_json: bool, **asked: Any) -> None:
    """Compare groups of runs: which is better, by how much, at what price, and is it real?

    Runs that differ in their seed alone are one group. Without a name, the experiment that ran
    last is compared. Each group is held against a reference: seed by seed (paired t-test) where
    both have the seeds, else by Welch's test, corrected for the number of tests (Holm).
    Exit code 8: there is nothing that can be compared.
    """
    # SciPy's import belongs to the commands that compare
    from tracker.cli.comparison import as_csv, markdown, show_comparison
    from tracker.reading.comparison.document import to_document

    comparison = compared(root, **asked)
    if as_json or form == "json":
        show_json(comparison=to_document(comparison))
    elif form == "table":
        show_comparison(comparison)
    else:
        out({"csv": as_csv, "markdown": markdown}[form](comparison))
