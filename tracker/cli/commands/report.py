"""`tracker report`: the answer as a file to hand on."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tracker.cli.asking import compared, comparison_options
from tracker.cli.terminal import say
from tracker.errors import UsageError, printable
from tracker.store.files import write_atomic
from tracker.store.status import utc_now

if TYPE_CHECKING:
    from tracker.reading.comparison.result import Comparison

_FORMS = (".html", ".md")


@click.command()
@comparison_options
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write there: a page (.html), or Markdown for a pull request (.md).",
)
@click.pass_obj
def report(root: Path, /, output: Path, **asked: Any) -> None:
    """Write the answer as a page or Markdown.

    The page is one file that opens from disk and asks nothing of any network: the verdict, the
    scores, learning curves, predictions for the same pictures, confusion matrices, the price,
    the settings, and the commands that made it all. What is compared is chosen as in `tracker
    compare`; a single group is reported without being compared.
    Exit code 8: there are several groups, and nothing of them can be compared.
    """
    if output.suffix not in _FORMS:
        raise UsageError(f"{printable(str(output))}: name a file that ends in .html or .md")
    # SciPy and Jinja: their imports belong to the commands that need them
    from tracker.cli.pull_request import pull_request
    from tracker.reading.report.page import html
    from tracker.reading.report.report import gather

    comparison = compared(root, **asked, alone=True)
    command = _command(root, comparison, output, **asked)
    if output.suffix == ".md":
        text = pull_request(comparison, command)
    else:
        text = html(gather(comparison, command=command, now=utc_now()))
    write_atomic(output, text.encode("utf-8", "backslashreplace"))
    say(f"wrote {output}")


def _command(
    root: Path, comparison: Comparison, output: Path, refs: tuple[str, ...], **asked: Any
) -> str:
    """The line that makes this report once more, when other experiments have run since."""
    runs = (run for each in comparison.groups for run in each.group.members.values())
    words = ["tracker", "--runs", str(root), "report"]
    words += refs or dict.fromkeys(run.experiment for run in runs)
    for name in ("by", "reference", "step"):
        if asked[name] is not None:
            words += [f"--{name}", str(asked[name])]
    for tag in asked["metrics"]:
        words += ["--metric", tag]
    if asked["value"] != "last":
        words += ["--value", asked["value"]]
    return printable(shlex.join([*words, "-o", str(output)]))
