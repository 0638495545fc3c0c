"""`tracker validate`: every problem of an experiment file, or the runs it would make."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from tracker.cli.options import json_option, overrides_option, seeds_option
from tracker.cli.render import show_json
from tracker.cli.terminal import out, say
from tracker.errors import Problem, SpecError, UsageError
from tracker.models.expected import check
from tracker.spec.load import load


@click.command()
@click.argument("specs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="SPEC…")
@overrides_option
@seeds_option
@json_option
def validate(
    specs: tuple[Path, ...],
    overrides: tuple[str, ...],
    seeds: tuple[int, ...] | None,
    *,
    as_json: bool,
) -> int:
    """Check experiment files; list their runs.

    All problems of a file are told at once, each with its line. Exits with 2 if there is any.
    """
    reports = [_check(spec, overrides, seeds) for spec in specs]
    if as_json:
        show_json(files=reports)
    else:
        for report in reports:
            _print(report)
    return 2 if any(report["problems"] for report in reports) else 0


def _check(spec: Path, overrides: tuple[str, ...], seeds: tuple[int, ...] | None) -> dict[str, Any]:
    try:
        found = load(spec, overrides=overrides, seeds=seeds)
        for each in found:
            check(each)
    except SpecError as error:
        return {"file": str(spec), "runs": [], "problems": [asdict(p) for p in error.problems]}
    except UsageError as error:
        wrong = Problem(str(spec), 0, 0, "", str(error))
        return {"file": str(spec), "runs": [], "problems": [asdict(wrong)]}
    runs = [f"{each.name}/{each.variant}/s{each.seed}" for each in found]
    return {"file": str(spec), "runs": runs, "problems": []}


def _print(report: dict[str, Any]) -> None:
    for problem in report["problems"]:
        say(str(Problem(**problem)))
    if not report["problems"]:
        runs = report["runs"]
        out(f"{report['file']}: OK, {len(runs)} run{'s' * (len(runs) != 1)}")
        out("\n".join(f"  {run}" for run in runs))
