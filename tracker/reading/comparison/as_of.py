"""Runs as they were at some step: so that unfinished ones, and longer ones, can be compared."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from tracker.errors import Damaged
from tracker.events.reader import Series
from tracker.reading.comparison.compare import compare
from tracker.reading.comparison.evidence import series_of
from tracker.reading.comparison.result import Comparison
from tracker.store.index import RunRecord
from tracker.store.summary import Metric


def compare_at(records: Sequence[RunRecord], step: int | None, **options: Any) -> Comparison:
    """`compare` the runs as they were at `step`, or (None) as they ended; `options` are its own.

    With a step unfinished runs count too, if they came so far.
    """
    if step is None:
        return compare(records, **options)
    then = [as_of(record, step) for record in records]
    return compare(then, step=step, unfit=short_of(step), **options)


def as_of(record: RunRecord, step: int) -> RunRecord:
    """`record` with the metrics that it had at `step`: of each, the values up to there.

    Reads its event files; where these are damaged or gone, the record is of a damaged run. A run
    that did not get so far is returned as it is. `short_of` says why for both.
    """
    if short_of(step)(record):
        return record
    try:
        series = series_of(record, step)
    except Damaged as error:
        return replace(record, state="damaged", cause=str(error))
    metrics = {
        tag: cut
        for tag, metric in record.metrics.items()
        if tag in series and (cut := _cut(metric, series[tag], step))
    }
    return replace(record, metrics=metrics, step=step)


def short_of(step: int) -> Callable[[RunRecord], str | None]:
    """Return what says why a run can't stand for its group at `step`, or None."""

    def reason(record: RunRecord) -> str | None:
        if record.state == "damaged":
            return f"damaged: {record.cause}"
        if record.step < step:
            return f"{record.state} at step {record.step:,}, short of {step:,}"
        return None

    return reason


def _cut(metric: Metric, series: Series, step: int) -> Metric | None:
    """The metric as the points up to `step` make it; None without any."""
    within = series.until(step)
    if not len(within):
        return None
    best = within.best(metric.goal)
    last = float(within.values[-1])
    return Metric(
        goal=metric.goal,
        last=last if math.isfinite(last) else None,
        last_step=int(within.steps[-1]),
        best=None if best is None else float(within.values[best]),
        best_step=None if best is None else int(within.steps[best]),
        improvements=tuple(one for one in metric.improvements if one.step <= step),
    )
