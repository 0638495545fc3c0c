"""Summary, status and provenance of a run of which only the curves are known."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracker.events.reader import Series
from tracker.reading.adopting.goals import goal_of
from tracker.store.shape import SCHEMA_VERSION
from tracker.store.status import Status, stamp
from tracker.store.summary import Improvement, Metric, Summary
from tracker.tags import Goal

MOST_IMPROVEMENTS = 100  # of a series: summaries are read by the thousand
_YEAR_10000 = 253_402_300_800.0  # seconds since the epoch; no datetime goes so far
# torch, tensorboardX and TensorFlow 2 name a host and a process, TensorFlow 1 a host alone.
_FILE_NAME = re.compile(
    r"events\.out\.tfevents\.\d{1,15}\.(?P<host>.+?)(?:\.(?P<pid>\d{1,9})\.\d{1,9}(?:\.v2)?)?"
)


@dataclass(frozen=True)
class Account:
    """A run by its curves: when it began and ended, in seconds since the epoch, and its numbers."""

    begin: float
    end: float
    summary: Summary

    @property
    def step(self) -> int:
        """The last step of any series."""
        return max((one.last_step for one in self.summary.metrics.values()), default=0)

    @property
    def epoch(self) -> float:
        """The last value of a series called "epoch", which Lightning writes; else 0."""
        epoch = self.summary.metrics.get("epoch")
        return epoch.last if epoch and epoch.last is not None and np.isfinite(epoch.last) else 0.0


def account(series: Mapping[str, Series], goals: Mapping[str, Goal], begin: float) -> Account:
    """Sum up the series of a run, by their tags.

    `begin`: the earliest time known, in seconds since the epoch. Which way is better comes from
    `goals`, else from the tag's name; else more is.
    """
    times = np.concatenate([np.array([begin]), *(line.wall_times for line in series.values())])
    times = times[_is_time(times)]
    begin, end = (float(times.min()), float(times.max())) if len(times) else (0.0, 0.0)
    metrics = {
        tag: _metric(line, goals.get(tag) or goal_of(tag), begin) for tag, line in series.items()
    }
    return Account(begin, end, Summary(metrics=metrics))


def status(found: Account, file_name: str) -> dict[str, Any]:
    """The JSON object of status.json: a finished run, by the writer that named `file_name`."""
    writer = _FILE_NAME.fullmatch(file_name)
    return Status(
        state="finished",
        pid=int(writer["pid"] or 0) if writer else 0,
        host=writer["host"] if writer else "",
        boot_id="",
        process_start="",
        kernel_lock=True,
        started=_stamp(found.begin),
        updated=_stamp(found.end),
        ended=_stamp(found.end),
        step=found.step,
        epoch=found.epoch,
    ).to_document()


def provenance(found: Account, file_name: str, origin: Path, writer: str | None) -> dict[str, Any]:
    """The JSON object of provenance.json: what little the files themselves tell."""
    named = _FILE_NAME.fullmatch(file_name)
    return {
        "schema_version": SCHEMA_VERSION,
        "time": _stamp(found.begin),
        "command": [],
        "directory": str(origin),
        "host": {"name": named["host"]} if named else {},
        "code": None,
        "code_missing": "not known: the run was imported",
        "packages": {},
        "writer": writer,
    }


def _is_time(times: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which of these are times that a clock could have said."""
    sound: NDArray[np.bool_] = (times > 0) & (times < _YEAR_10000)
    return sound


def _stamp(seconds: float) -> str:
    return stamp(datetime.fromtimestamp(seconds, timezone.utc))


def _metric(line: Series, goal: Goal | None, begin: float) -> Metric:
    last, last_step = float(line.values[-1]), int(line.steps[-1])
    best = line.best(goal or "max")
    if best is None:
        return Metric(goal or "max", last, last_step, None, None)
    return Metric(
        goal or "max",
        last,
        last_step,
        float(line.values[best]),
        int(line.steps[best]),
        # Of what nobody judges by, such as an epoch or a learning rate, it would be every point.
        () if goal is None else _improvements(line, goal, begin),
    )


def _betterings(values: NDArray[np.float64], goal: Goal) -> NDArray[np.int64]:
    """Where a value is better than all before it; never one that is not finite."""
    signed = values if goal == "max" else -values
    raised = np.where(np.isfinite(values), signed, -np.inf)
    before = np.concatenate(([-np.inf], np.maximum.accumulate(raised)[:-1]))
    return np.flatnonzero(raised > before)


def _improvements(line: Series, goal: Goal, begin: float) -> tuple[Improvement, ...]:
    """The staircase of best values. Of a long one every n-th step is kept, and the last: a value
    may then seem to have been reached later than it was, but never earlier."""
    better = _betterings(line.values, goal)
    stride = max(1, -(-len(better) // MOST_IMPROVEMENTS))
    kept = better[::-stride][::-1]
    times = line.wall_times[kept]
    seconds = (np.where(_is_time(times), times, begin) - begin).clip(min=0.0).round(3)
    columns = (line.steps[kept], seconds, line.values[kept])
    return tuple(map(Improvement, *(column.tolist() for column in columns)))
