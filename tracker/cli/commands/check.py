"""`tracker check`: did a change break training?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from tracker.cli.gating import Asked, asked_options, observed, require_folder
from tracker.cli.options import json_option
from tracker.cli.render import show_json
from tracker.cli.terminal import say
from tracker.errors import NotComparable, Unavailable
from tracker.store.files import explain_os_error, write_atomic

if TYPE_CHECKING:
    from tracker.reading.gate.verdict import Check, Kind, Mode


@click.command()
@click.option(
    "--baseline",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    metavar="FILE",
    help="What `tracker baseline` recorded.",
)
@asked_options
@click.option(
    "--mode",
    type=click.Choice(["auto", "exact", "statistical"]),
    default="auto",
    show_default=True,
    help="Ask for the same bits, or for what the recorded seeds lead one to expect. "
    "auto: bits where machine and versions are the same.",
)
@click.option(
    "--fail-on",
    "deciding",
    type=click.Choice(["speed", "memory"]),
    multiple=True,
    help="Let this decide too, not only warn; may be given again.",
)
@click.option(
    "--false-alarms",
    type=click.FloatRange(0, 0.5, min_open=True, max_open=True),
    default=0.01,
    show_default=True,
    metavar="SHARE",
    help="Share of checks of unchanged code that may fail in statistical mode.",
)
@click.option("--accept", is_flag=True, help="Take a baseline that was edited by hand.")
@click.option("--junit", type=click.Path(path_type=Path), metavar="FILE", help="Write JUnit XML.")
@click.option(
    "--markdown",
    "page",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the table for a pull request.",
)
@json_option
@click.pass_obj
def check(
    root: Path,
    /,
    file: Path,
    mode: str,
    deciding: Sequence[Kind],
    *,
    false_alarms: float,
    accept: bool,
    junit: Path | None,
    page: Path | None,
    as_json: bool,
    **asked: Any,
) -> int:
    """Say if training is still what it was.

    A SPEC is run again, with the first seed of the baseline unless --seeds says otherwise; a RUN
    is compared as it is. Speed and memory are measured only of a SPEC.

    Exit code 7: it failed. 8: something could not be compared, which is no pass. On a failure the
    curves, then and now, are written for TensorBoard.
    """
    from tracker.reading.gate.file import read
    from tracker.reading.gate.judge import Manner, judge
    from tracker.reading.gate.verdict import nothing

    require_folder(junit)
    require_folder(page)
    about = Asked(**asked)
    manner = Manner(
        mode=None if mode == "auto" else cast("Mode", mode),
        deciding=deciding,
        false_alarms=false_alarms,
    )
    try:
        baseline = read(file, accept=accept)
        seen = observed(root, about, baseline.steps, baseline.seeds[:1])
        found = judge(baseline, seen.runs, manner, seen.calibration)
    except NotComparable as error:  # what reads the reports is to hear of it too
        found = nothing(" ".join(about.refs) or str(file), str(error))
    _tell(found, root, junit, page, as_json=as_json)
    return found.exit_code


def _tell(
    found: Check, root: Path, report: Path | None, page: Path | None, *, as_json: bool
) -> None:
    from tracker.cli.verdicts import markdown, show_check
    from tracker.reading.gate.junit import junit
    from tracker.reading.gate.overlay import write_overlay

    if as_json:
        show_json(**found.to_document())
    else:
        show_check(found)
    for path, write in ((report, junit), (page, markdown)):
        if path is not None:
            with explain_os_error("write", path):
                write_atomic(path, write(found))
    if found.exit_code and found.curves:
        try:
            folder = write_overlay(root, found)
        except Unavailable as error:  # the verdict stands all the same
            say(f"no curves for TensorBoard: {error}")
        else:
            say(f"tensorboard --logdir '{folder}'   the curves, then and now")
