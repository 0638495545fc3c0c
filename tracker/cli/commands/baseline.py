"""`tracker baseline`: write a short run down, to hold later ones to it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tracker.cli.gating import Asked, Seen, asked_options, observed, require_folder
from tracker.cli.options import json_option
from tracker.cli.render import show_json, show_table
from tracker.cli.terminal import say
from tracker.errors import Busy, printable
from tracker.reading.table import NOTHING, Table, number

if TYPE_CHECKING:
    from tracker.reading.gate.baseline import Baseline

_METRIC = re.compile(r"(.+?)(?:@(\d{1,9}))?")


@click.command()
@click.option(
    "-o",
    "--output",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    metavar="FILE",
    help="Where to write it.",
)
@asked_options
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    metavar="TAG[@STEP]",
    help="Judge by this series, at its end or at a step; may be given again. "
    "[default: accuracy and loss of validation, training loss, gradient norm]",
)
@click.option("--update", is_flag=True, help="Replace a baseline, and show what changes.")
@click.option("--accept", is_flag=True, help="Take a baseline that was edited by hand.")
@json_option
@click.pass_obj
def baseline(
    root: Path,
    /,
    file: Path,
    metrics: tuple[str, ...],
    *,
    update: bool,
    accept: bool,
    as_json: bool,
    **asked: Any,
) -> None:
    """Write down what a short run comes to.

    `tracker check` holds later runs to it. A SPEC is run now; runs that are there already are
    taken as they are, without their speed. Several seeds record how far chance alone carries:
    without them `tracker check` can ask for the same bits on this machine, and for little on any
    other. Of a SPEC some runs are made again with noise, which shows how far rounding carries: by
    that the same seed is known on another machine.

    With --accept alone, a baseline that was edited by hand gets a checksum that fits.
    """
    from tracker.reading.gate.baseline import record
    from tracker.reading.gate.file import write

    require_folder(file)
    before = _before(file, update=update, accept=accept)
    if before is not None and accept and not update:
        write(file, before)
        say(f"{printable(str(file))} is taken as it is")
        return
    judged = [_metric(one) for one in metrics]
    steps = {step for _, step in judged if step is not None}
    seen = observed(root, Asked(**asked), steps, with_drift=True)
    if before is not None:
        judged = judged or [(one.tag, one.step) for one in before.judged]
    found = record(seen.runs, judged, seen.calibration, seen.drift)
    if before is not None and not as_json:
        _show_difference(before, seen)
    write(file, found)
    _show(found, file, as_json=as_json)


def _before(file: Path, *, update: bool, accept: bool) -> Baseline | None:
    """The baseline that is there. Raises Busy where it may not be replaced."""
    from tracker.reading.gate.file import read

    if not file.exists():
        return None
    if not (update or accept):
        raise Busy(f"{printable(str(file))} is there already; --update replaces it")
    return read(file, accept=accept)


def _metric(text: str) -> tuple[str, int | None]:
    match = _METRIC.fullmatch(text)
    if match is None:
        raise click.BadParameter(f"{text!a} is no TAG or TAG@STEP", param_hint="--metric")
    return match[1], int(match[2]) if match[2] else None


def _show_difference(before: Baseline, seen: Seen) -> None:
    """What the runs now recorded would have been told by the baseline they replace."""
    from tracker.cli.verdicts import show_check
    from tracker.reading.gate.judge import judge

    show_check(judge(before, seen.runs, calibration=seen.calibration))
    say("this is what changes; the baseline now becomes:")


def _show(found: Baseline, file: Path, *, as_json: bool) -> None:
    from tracker.reading.comparison.stats import estimate

    each = [(one.name, one.goal, estimate(found.values(one))) for one in found.judged]
    if as_json:
        names = ("metric", "goal", "mean", "std", "seeds")
        rows = [(name, goal, it.mean, it.std, it.n) for name, goal, it in each]
        show_json(file=str(file), metrics=[dict(zip(names, row, strict=True)) for row in rows])
    else:
        shown = [
            (name, goal or NOTHING, number(it.mean), number(it.std), str(it.n))
            for name, goal, it in each
        ]
        show_table(Table(("metric", "goal", "mean", "std", "seeds"), shown, words=2))
    say(f"\nwritten to {printable(str(file))}: `tracker check` holds later runs to it")
    if len(found.seeds) < 2:
        say(
            "It is of one seed, so no spread is known: where the same bits can't be asked for, a "
            "check will end with 8 unless the spec has an `expect`. --seeds 0,1,2,3,4 records one."
        )
