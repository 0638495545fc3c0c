"""`tracker compare`: which group is better, by how much, at what price, and is it real?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tracker.cli.asking import compared, comparison_options
from tracker.cli.render import show_json
from tracker.cli.terminal import out, say
from tracker.cli.typed import typed
from tracker.errors import printable

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
    from tracker.cli.comparison import as_csv, show_comparison
    from tracker.reading.comparison.document import to_document
    from tracker.reading.comparison.tables import markdown

    comparison = compared(root, **asked)
    if tensorboard:
        _write(root, comparison)
    if as_json or form == "json":
        show_json(comparison=to_document(comparison))
    elif form == "table":
        show_comparison(comparison)
    else:
        out({"csv": as_csv, "markdown": markdown}[form](comparison))


def _write(root: Path, comparison: Comparison) -> None:
    """Write the aggregates for TensorBoard; say where they are to be seen."""
    from tracker.reading.aggregates.write import write_aggregates

    written = write_aggregates(root, comparison)
    for remark in written.remarks:
        say(printable(remark))
    what = f"wrote {len(written.changed)} of {len(written.runs)} runs"
    if not written.changed:
        what = "nothing has changed"
    command = typed("tensorboard", str(written.folder.relative_to(root)))
    say(f"{what} in {written.folder}; `{command}` shows them")
