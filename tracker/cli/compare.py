"""`tracker compare`: which group is better, by how much, at what price, and is it real?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tracker.cli.asking import compared, comparison_options
from tracker.cli.render import show_json
from tracker.cli.terminal import out, say

if TYPE_CHECKING:
    from tracker.reading.comparison.result import Comparison


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
@click.option(
    "--tensorboard",
    is_flag=True,
    help="Write means, bands and pictures side by side for TensorBoard too.",
)
@click.pass_obj
def compare(root: Path, /, form: str, *, as_json: bool, tensorboard: bool, **asked: Any) -> None:
    """Say which group is better, if any.

    Runs that differ in their seed alone are one group. Without a name, the experiment that ran
    last is compared. Each group is held against a reference: seed by seed (paired t-test) where
    both have the seeds, else by Welch's test, corrected for the number of tests (Holm).
    Exit code 8: there is nothing that can be compared.
    """
    # SciPy's import belongs to the commands that compare
    from tracker.cli.comparison import as_csv, markdown, show_comparison
    from tracker.reading.comparison.document import to_document

    comparison = compared(root, **asked)
    if tensorboard:
        say(_write(root, comparison, markdown(comparison)))
    if as_json or form == "json":
        show_json(comparison=to_document(comparison))
    elif form == "table":
        show_comparison(comparison)
    else:
        out({"csv": as_csv, "markdown": markdown}[form](comparison))


def _write(root: Path, comparison: Comparison, text: str) -> str:
    """Write the aggregates for TensorBoard; say where they are to be seen."""
    from tracker.reading.aggregates.write import write_aggregates

    written = write_aggregates(root, comparison, text)
    what = (
        f"wrote {len(written.changed)} of {len(written.runs)} runs"
        if written.changed
        else ("nothing has changed")
    )
    shown = written.folder.relative_to(root)
    return f"{what} in {written.folder}; `tracker tensorboard {shown}` shows them"
