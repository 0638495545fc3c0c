"""`tracker doctor`: what is wrong, here or with a run, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from itertools import chain
from pathlib import Path

import click

from tracker.cli.options import json_option
from tracker.cli.render import show_json, show_table
from tracker.cli.terminal import say
from tracker.cli.typed import pasteable
from tracker.errors import Unavailable
from tracker.reading.checkup import inventory, software, surroundings
from tracker.reading.checkup.finding import Finding, Level, unfit
from tracker.reading.table import Table
from tracker.store.index import find_all
from tracker.store.status import utc_now


@click.command()
@click.argument("refs", nargs=-1, metavar="[RUN|EXPERIMENT]…")
@json_option
@click.pass_obj
def doctor(root: Path, refs: tuple[str, ...], *, as_json: bool) -> int:
    """Check this machine, or every file of a run.

    Without RUN: packages, disk, permissions, locks, clocks, and the states of runs and servers.
    With it: JSON, the sha256 of each checkpoint, each record of each event file. Changes nothing.
    Exits with 5 if a file is damaged, 6 if runs cannot work here; a warning is no error.
    """
    findings = list(_of_runs(root, refs) if refs else _of_all(root))
    if as_json:
        show_json(findings=[asdict(finding) for finding in findings])
    else:
        show_table(Table(("", "what", "finding"), [_row(one) for one in findings], words=3))
    say(f"{_count(findings, 'problem')}, {_count(findings, 'warning')}")
    return max(finding.exit_code for finding in findings)


def _of_all(root: Path) -> Iterator[Finding]:
    now = utc_now()
    try:
        yield from chain(software.check(), surroundings.check(root), inventory.check(root, now))
    except Unavailable as error:
        yield unfit("runs", str(error), "")


def _of_runs(root: Path, refs: tuple[str, ...]) -> Iterator[Finding]:
    # Reading event files takes numpy, which a look at the machine need not wait for.
    from tracker.reading.checkup import verify

    for run in dict.fromkeys(run for ref in refs for run in find_all(root, ref)):
        try:
            yield from verify.check(run, utc_now())
        except Unavailable as error:
            yield unfit(run.id, str(error), "")


def _count(findings: list[Finding], level: Level) -> str:
    number = sum(finding.level == level for finding in findings)
    return f"{number} {level}{'s' * (number != 1)}"


def _row(finding: Finding) -> tuple[str, str, str]:
    remedy = f"; {pasteable(finding.remedy)}" if finding.remedy else ""
    return finding.level, finding.subject, f"{finding.words}{remedy}"
