"""What a group costs: its size, its speed, and how soon it gets where another ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tracker.reading.comparison.groups import Group
from tracker.reading.comparison.stats import Estimate, estimate
from tracker.store.index import RunRecord
from tracker.store.summary import Improvement, Metric


@dataclass(frozen=True, kw_only=True)
class Reach:
    """When the runs of a group first had `target`, the final mean of the group `other`.

    `reached` of `n` runs did; `steps` and `seconds` of training are over those. Only evaluations
    count, so both are known to within one.
    """

    other: str
    target: float
    reached: int
    n: int
    steps: Estimate | None
    seconds: Estimate | None


@dataclass(frozen=True, kw_only=True)
class GroupPrice:
    """A group's price; None where no run of it says. `flops`: one picture, forward.

    `seconds` are of training alone, evaluation and saving left out; `peak_memory_bytes` is the
    largest of any run.
    """

    parameters: int | None
    flops: int | None
    images_per_second: Estimate | None
    seconds_per_epoch: Estimate | None
    seconds: Estimate | None
    peak_memory_bytes: int | None
    reach: Reach | None


def price_of(group: Group, metric: str, target: tuple[str, float] | None) -> GroupPrice:
    """The price of `group`, with the time it took to `target`: a group's name and its mean."""
    runs = list(group.members.values())
    priced = [run.price for run in runs if run.price]
    known = priced[0] if priced else None
    memory = [price.peak_memory_bytes for price in priced if price.peak_memory_bytes is not None]
    return GroupPrice(
        parameters=known.parameters if known else None,
        flops=known.flops if known else None,
        images_per_second=_mean([price.images_per_second for price in priced]),
        seconds_per_epoch=_mean(
            [run.price.seconds / run.epoch for run in runs if run.price and run.epoch]
        ),
        seconds=_mean([price.seconds for price in priced]),
        peak_memory_bytes=max(memory, default=None),
        reach=reach(runs, metric, *target) if target else None,
    )


def reach(runs: Sequence[RunRecord], tag: str, other: str, target: float) -> Reach | None:
    """When `runs` first had `target` of `tag`; None where they kept no account of it."""
    metrics = [run.metrics[tag] for run in runs if tag in run.metrics]
    if not any(metric.improvements for metric in metrics):
        return None
    first = [found for metric in metrics if (found := _first(metric, target))]
    return Reach(
        other=other,
        target=target,
        reached=len(first),
        n=len(metrics),
        steps=_mean([one.step for one in first]),
        seconds=_mean([one.seconds for one in first]),
    )


def _first(metric: Metric, target: float) -> Improvement | None:
    sign = 1 if metric.goal == "max" else -1
    return next((one for one in metric.improvements if sign * one.value >= sign * target), None)


def _mean(values: Sequence[float | None]) -> Estimate | None:
    known = [value for value in values if value is not None]
    return estimate(known) if known else None
