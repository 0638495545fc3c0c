"""Which runs a question is about."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tracker.errors import NoSuchRun, printable
from tracker.store.collector import resting
from tracker.store.index import RunRecord, find_all, list_runs, record


def chosen(root: Path, refs: Sequence[str]) -> list[RunRecord]:
    """The runs that `refs` name: experiments, variants (as "experiment/variant") or runs.

    Without any, those of the experiment that ran last. Raises NoSuchRun where a ref fits none or
    several, and where there are no runs at all.
    """
    if not refs:
        return _of_last(list_runs(root), root)
    runs = dict.fromkeys(run for ref in refs for run in find_all(root, ref))
    with resting():
        return [record(run) for run in runs]


def _of_last(records: Sequence[RunRecord], root: Path) -> list[RunRecord]:
    last = max(records, key=lambda one: one.started or "", default=None)
    if last is None:
        where = printable(str(root))
        raise NoSuchRun(f"there are no runs in {where}; --runs names another folder")
    return [one for one in records if one.experiment == last.experiment]
