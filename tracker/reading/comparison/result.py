"""What a comparison found, as values: for a table, a page, a program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from tracker.reading.comparison.groups import Group, Grouping, LeftOut
from tracker.reading.comparison.price import GroupPrice
from tracker.reading.comparison.stats import Difference, Estimate
from tracker.tags import Goal

Value: TypeAlias = Literal["last", "best"]
Outcome: TypeAlias = Literal["better", "worse", "indistinguishable", "unknown", "incomparable"]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the difference between a group and the reference comes to, as the group sees it.

    `difference` is group less reference, in the metric's own unit; `p` is corrected for all `tests`
    of the metric (Holm 1979). `why` is a clause, given where no test could decide.
    """

    outcome: Outcome
    difference: Difference | None = None
    p: float | None = None
    tests: int = 0
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class Score:
    """A group's values of one metric.

    `last` and `best` are over the runs with a finite last value, None without any; `values` are
    the deciding ones by unit. `differences` are to the reference, of the last and the best values,
    `p` what chance each has, corrected for all tests of the metric; `verdict` is about the deciding
    one. All three are empty for the reference itself.
    """

    last: Estimate | None
    best: Estimate | None
    values: Mapping[str, float]
    left_out: tuple[LeftOut, ...]
    differences: Mapping[Value, Difference]
    p: Mapping[Value, float]
    verdict: Verdict | None


@dataclass(frozen=True, kw_only=True)
class Compared:
    """A group, its scores by metric, and its price."""

    group: Group
    scores: Mapping[str, Score]
    price: GroupPrice


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """All that is to be said about some runs; the first metric is the one that was asked about.

    `value` decides: the last value of each run, or its best; as it was at `step`, if that is given.
    `unread` are runs of which not even the settings are known.
    """

    grouping: Grouping
    metrics: Mapping[str, Goal]
    value: Value
    reference: str
    groups: tuple[Compared, ...]
    remarks: tuple[str, ...]
    unread: tuple[LeftOut, ...] = ()
    step: int | None = None

    @property
    def metric(self) -> str:
        """The tag that the question is about."""
        return next(iter(self.metrics))

    @property
    def others(self) -> list[Compared]:
        """The groups that are held against the reference."""
        return [each for each in self.groups if each.group.name != self.reference]

    @property
    def left_out(self) -> list[LeftOut]:
        """Every run that is in no average of the metric asked about, and why."""
        of_groups = [
            one
            for each in self.groups
            for one in (*each.group.left_out, *each.scores[self.metric].left_out)
        ]
        return [*self.unread, *of_groups]
