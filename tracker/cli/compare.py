"""`tracker compare`: which group is better, by how much, at what price, and is it real?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tracker.cli.render import show_json
from tracker.cli.terminal import out, say
from tracker.reading.selection import chosen

if TYPE_CHECKING:
    from tracker.reading.comparison.result import Value


@click.command()
@click.argument("refs", nargs=-1, metavar="[RUN|EXPERIMENT]…")
@click.option(
    "--by",
    metavar="PATH[,PATH]",
    help="Group by these fields of the spec, or by 'name', the experiment's. "
    "[default: every field that differs, but the seed]",
)
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    metavar="TAG",
    help="Compare this series; the first one decides. [default: the experiment's own]",
)
@click.option(
    "--value",
    type=click.Choice(["last", "best"]),
    default="last",
    show_default=True,
    help="Which value of a run decides.",
)
@click.option(
    "--reference", metavar="GROUP", help="Hold the others against it. [default: the first that ran]"
)
@click.option(
    "--step",
    type=click.IntRange(min=1),
    metavar="N",
    help="Compare what runs had at step N, unfinished ones too; reads their event files.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv", "markdown"]),
    default="table",
    show_default=True,
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.pass_obj
def compare(
    root: Path,
    refs: tuple[str, ...],
    by: str | None,
    metrics: tuple[str, ...],
    value: Value,
    reference: str | None,
    step: int | None,
    form: str,
    *,
    as_json: bool,
) -> None:
    """Compare groups of runs: which is better, by how much, at what price, and is it real?

    Runs that differ in their seed alone are one group. Without a name, the experiment that ran
    last is compared. Each group is held against a reference: seed by seed (paired t-test) where
    both have the seeds, else by Welch's test, corrected for the number of tests (Holm).
    Exit code 8: there is nothing that can be compared.
    """
    # SciPy's import belongs to this command alone
    from tracker.cli.comparison import as_csv, markdown, show_comparison
    from tracker.reading.comparison import fairness
    from tracker.reading.comparison.as_of import as_of, short_of
    from tracker.reading.comparison.compare import compare as compare_runs
    from tracker.reading.comparison.document import to_document

    records = chosen(root, refs)
    if not refs:
        say(f"comparing {records[0].experiment}, the experiment that ran last")
    comparison = compare_runs(
        records if step is None else [as_of(record, step) for record in records],
        by=by.split(",") if by else None,
        metrics=metrics,
        value=value,
        reference=reference,
        unfit=fairness.unfit if step is None else short_of(step),
    )
    if as_json or form == "json":
        show_json(comparison=to_document(comparison))
    elif form == "table":
        show_comparison(comparison)
    else:
        out({"csv": as_csv, "markdown": markdown}[form](comparison))
