"""Two curves of one tag: what each comes to, and the first step at which they are not the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracker.events.reader import Series
from tracker.reading.adopting.goals import goal_of
from tracker.store.summary import Metric
from tracker.tags import Goal

_TIMINGS = ("perf/", "system/")  # how fast, how busy: never the same twice, and no result
_NO_POINTS = (np.empty(0, np.int64), np.empty(0, np.float64))


@dataclass(frozen=True)
class End:
    """What a series comes to. `best` is None without a goal, or where no value is finite.

    `points` is None where the event file did not tell and summary.json did.
    """

    points: int | None
    last: float | None
    last_step: int
    best: float | None
    best_step: int | None


@dataclass(frozen=True)
class Parting:
    """The first common step whose values differ, and the values."""

    step: int
    before: float
    after: float


@dataclass(frozen=True)
class MetricDiff:
    """A tag of either run. `same_up_to` is the last common step before the curves part.

    `common` counts the steps both have; values are the same if they are so bit for bit, and NaN is
    NaN.
    """

    tag: str
    goal: Goal | None
    before: End | None
    after: End | None
    common: int
    same_up_to: int | None
    parting: Parting | None
    differs: bool

    @property
    def is_timing(self) -> bool:
        """Whether it only says how fast the run was, or how busy its machine."""
        return self.tag.startswith(_TIMINGS)

    def to_document(self) -> dict[str, Any]:
        """As JSON values."""
        return {**asdict(self), "is_timing": self.is_timing}


def compare_curves(
    before: Mapping[str, Series],
    after: Mapping[str, Series],
    summaries: tuple[Mapping[str, Metric], Mapping[str, Metric]],
) -> tuple[MetricDiff, ...]:
    """Compare every tag that either run has, by name; `summaries` fill in for missing curves."""
    tags = sorted({*before, *after, *summaries[0], *summaries[1]})
    return tuple(
        _compare(
            tag, (before.get(tag), after.get(tag)), (summaries[0].get(tag), summaries[1].get(tag))
        )
        for tag in tags
    )


def _compare(
    tag: str,
    curves: tuple[Series | None, Series | None],
    metrics: tuple[Metric | None, Metric | None],
) -> MetricDiff:
    goal = next((metric.goal for metric in metrics if metric), goal_of(tag))
    ends = [_end(curve, metric, goal) for curve, metric in zip(curves, metrics, strict=True)]
    one, other = (_NO_POINTS if curve is None else curve.by_step() for curve in curves)
    steps, left, right = np.intersect1d(one[0], other[0], assume_unique=True, return_indices=True)
    before, after = one[1][left], other[1][right]
    unlike = np.flatnonzero(~_same_bits(before, after))
    first = int(unlike[0]) if len(unlike) else len(steps)
    parting = None
    if first < len(steps):
        parting = Parting(int(steps[first]), float(before[first]), float(after[first]))
    is_beyond = len(one[0]) != len(steps) or len(other[0]) != len(steps)
    is_unlike = not len(steps) and ends[0] != ends[1]
    return MetricDiff(
        tag=tag,
        goal=goal,
        before=ends[0],
        after=ends[1],
        common=len(steps),
        same_up_to=int(steps[first - 1]) if first else None,
        parting=parting,
        differs=parting is not None or is_beyond or is_unlike,
    )


def _end(curve: Series | None, metric: Metric | None, goal: Goal | None) -> End | None:
    if curve is None or not len(curve):
        if metric is None:
            return None
        return End(None, metric.last, metric.last_step, metric.best, metric.best_step)
    last, last_step = float(curve.values[-1]), int(curve.steps[-1])
    at = None if goal is None else curve.best(goal)
    if at is None:
        return End(len(curve), last, last_step, None, None)
    return End(len(curve), last, last_step, float(curve.values[at]), int(curve.steps[at]))


def _same_bits(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.bool_]:
    same: NDArray[np.bool_] = one.view(np.int64) == other.view(np.int64)
    return same | (np.isnan(one) & np.isnan(other))
