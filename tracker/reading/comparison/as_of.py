"""Runs as they were at some step: so that unfinished ones, and longer ones, can be compared."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tracker.events.reader import Series, read_scalars
from tracker.store.index import RunRecord
from tracker.store.summary import Metric


def as_of(record: RunRecord, step: int) -> RunRecord:
    """`record` with the metrics that it had at `step`: of each, the values up to there.

    Reads its event files. A run that did not get so far, or whose files are gone, is returned as it
    is: `short_of` says so.
    """
    if short_of(step)(record):
        return record
    series = read_scalars(record.run.path).series
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
    within = series.steps <= step
    steps, values = series.steps[within], series.values[within]
    if not len(steps):
        return None
    finite = np.isfinite(values)
    best = None
    if finite.any():
        scored = np.where(finite, values if metric.goal == "max" else -values, -np.inf)
        best = int(scored.argmax())
    last = float(values[-1])
    return Metric(
        goal=metric.goal,
        last=last if math.isfinite(last) else None,
        last_step=int(steps[-1]),
        best=None if best is None else float(values[best]),
        best_step=None if best is None else int(steps[best]),
        improvements=tuple(one for one in metric.improvements if one.step <= step),
    )
