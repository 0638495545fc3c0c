"""`tracker diff`: why two runs differ."""

from __future__ import annotations

from pathlib import Path

import click

from tracker.cli.differing import show_diff, unified
from tracker.cli.options import json_option
from tracker.cli.render import show_json
from tracker.cli.terminal import out
from tracker.reading.difference.diff import compare_runs
from tracker.store import index

DIFFERENT = 7


@click.command()
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@json_option
@click.option("--patch", is_flag=True, help="Print how their uncommitted changes differ, too.")
@click.option("--exit-code", is_flag=True, help="End with 7 if they differ in what counts.")
@click.pass_obj
def diff(root: Path, a: str, b: str, *, as_json: bool, patch: bool, exit_code: bool) -> int:
    """Say why two runs differ.

    First in a sentence, then in full: spec, code, data, packages, machine, and the metrics.
    A and B are each a path under the runs, a unique part of one, @last, or @best:METRIC.

    With --exit-code, what counts is whatever can change results, and every metric that is no
    timing.
    """
    found = compare_runs(index.find(root, a), index.find(root, b), Path.cwd())
    text = unified(found.code) if patch else None
    if as_json:
        show_json(**found.to_document(), **({} if text is None else {"patch": text}))
    else:
        show_diff(found)
        if text:
            out(f"\n{text}")
    return DIFFERENT if exit_code and found.differs else 0
