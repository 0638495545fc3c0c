"""The table of scores: a row per group, in words and as dots on one scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tracker import tags
from tracker.reading.comparison.result import Compared, Comparison
from tracker.reading.comparison.tables import deciding_first, gap
from tracker.reading.comparison.words import chance, interval, scale, spread
from tracker.reading.report.axis import Axis, Tick, fitted

WIDTH = 240  # of the drawing in a row, in units of the SVG
_DOTS = 100  # runs of a group that get a dot, at most


@dataclass(frozen=True)
class Row:
    """A group: its numbers as words, and where its runs, mean and interval stand on the scale.

    `difference` is to the reference, in words too; `outcome` is what it comes to, empty for the
    reference.
    """

    number: int
    name: str
    n: int
    deciding: str
    interval: str
    other: str
    difference: str
    p: str
    outcome: str
    dots: tuple[float, ...]
    mean: float | None
    reach: tuple[float, float] | None


@dataclass(frozen=True)
class Scores:
    """All groups' scores of one series. `reference` is where the reference's mean stands."""

    tag: str
    title: str
    goal: str
    deciding: str
    other: str
    rows: tuple[Row, ...]
    reference: float | None
    ticks: tuple[Tick, ...]


def scores(comparison: Comparison, tag: str) -> Scores:
    """The table of `tag`, which is one of the comparison's metrics."""
    axis = _axis(comparison, tag)
    deciding, other = deciding_first(comparison)
    when = "" if comparison.step is None else f", as it was at step {comparison.step:,}"
    rows = tuple(
        _row(comparison, number, each, tag, axis) for number, each in enumerate(comparison.groups)
    )
    return Scores(
        tag=tag,
        title=tags.meaning(tag).title,
        goal=("higher" if comparison.metrics[tag] == "max" else "lower") + " is better" + when,
        deciding=deciding,
        other=other,
        rows=rows,
        reference=next(row.mean for row in rows if row.name == comparison.reference),
        ticks=tuple(axis.ticks(4, scale(tag))),
    )


def _axis(comparison: Comparison, tag: str) -> Axis:
    values: list[float] = []
    for each in comparison.groups:
        score = each.scores[tag]
        values += score.values.values()
        estimate = getattr(score, comparison.value)
        if estimate:
            values += [end for end in (estimate.low, estimate.high) if end is not None]
    return fitted(values, 6, WIDTH - 6)


def _row(comparison: Comparison, number: int, each: Compared, tag: str, axis: Axis) -> Row:
    score = each.scores[tag]
    deciding, other = (getattr(score, value) for value in deciding_first(comparison))
    verdict, reach = score.verdict, None
    if deciding and deciding.low is not None and deciding.high is not None:
        low, high = _places([deciding.low, deciding.high], axis)
        reach = (low, high)
    return Row(
        number=number,
        name=each.group.name,
        n=deciding.n if deciding else 0,
        deciding=spread(deciding.mean, deciding.std, tag) if deciding else "–",
        interval=interval(deciding.low, deciding.high, tag) if deciding else "–",
        other=spread(other.mean, other.std, tag) if other else "–",
        difference=_difference(comparison, each, tag),
        p=chance(verdict.p if verdict else None),
        outcome=verdict.outcome if verdict else "",
        dots=tuple(_places(list(score.values.values())[:_DOTS], axis)),
        mean=_places([deciding.mean], axis)[0] if deciding else None,
        reach=reach,
    )


def _difference(comparison: Comparison, each: Compared, tag: str) -> str:
    if each.group.name == comparison.reference:
        return "reference" if comparison.others else "–"
    return gap(each.scores[tag].differences.get(comparison.value), tag)


def _places(values: Sequence[float], axis: Axis) -> list[float]:
    return [round(float(at), 1) for at in axis.at(values)]
