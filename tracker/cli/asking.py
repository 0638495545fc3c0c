"""How a comparison is asked for: the options of every command that makes one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tracker.cli.terminal import say
from tracker.reading.selection import chosen

if TYPE_CHECKING:
    from tracker.reading.comparison.result import Comparison, Value

_OPTIONS = (
    click.argument("refs", nargs=-1, metavar="[RUN|EXPERIMENT]…"),
    click.option(
        "--by",
        metavar="PATH[,PATH]",
        help="Group by these fields of the spec, or by 'name', the experiment's. "
        "[default: every field that differs, but the seed]",
    ),
    click.option(
        "--metric",
        "metrics",
        multiple=True,
        metavar="TAG",
        help="Compare this series; the first one decides. [default: the experiment's own]",
    ),
    click.option(
        "--value",
        type=click.Choice(["last", "best"]),
        default="last",
        show_default=True,
        help="Which value of a run decides.",
    ),
    click.option(
        "--reference",
        metavar="GROUP",
        help="Hold the others against it. [default: the first that ran]",
    ),
    click.option(
        "--step",
        type=click.IntRange(min=1),
        metavar="N",
        help="Compare what runs had at step N, unfinished ones too; reads their event files.",
    ),
)


def comparison_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the runs it is about, and the arguments of `compared` that go with them."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def _paths(text: str) -> list[str]:
    """ "a, b" as paths; a comma too many names none."""
    return [path for part in text.split(",") if (path := part.strip())]


def compared(
    root: Path,
    refs: Sequence[str],
    *,
    by: str | None,
    metrics: Sequence[str],
    value: Value,
    reference: str | None,
    step: int | None,
    alone: bool = False,
) -> Comparison:
    """Compare the runs that were asked for; `alone` as in `compare`, whose errors are raised."""
    # SciPy's import belongs to the commands that compare
    from tracker.reading.comparison.as_of import compare_at

    records = chosen(root, refs)
    if not refs:
        say(f"this is about {records[0].experiment}, the experiment that ran last")
    return compare_at(
        records,
        step,
        by=_paths(by) if by else None,
        metrics=metrics,
        value=value,
        reference=reference,
        alone=alone,
    )
