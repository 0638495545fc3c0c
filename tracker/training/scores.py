"""The running account of a run's metrics: the last value, the best, and whether to go on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tracker.spec.experiment import EarlyStopping
from tracker.store.summary import Improvement, Metric
from tracker.tags import GOALS, Goal


def beats(value: float, other: float | None, goal: Goal, by: float = 0.0) -> bool:
    """Return whether `value` is better than `other` by more than `by`; never for NaN."""
    if not math.isfinite(value):
        return False
    if other is None:
        return True
    return value > other + by if goal == "max" else value < other - by


class Scores:
    """Last and best of each metric in `goals`; other tags are ignored.

    A value that is not finite can be the last one but never the best.
    """

    def __init__(self, goals: Mapping[str, Goal]) -> None:
        self.goals = dict(goals)
        self.metrics: dict[str, Metric] = {}

    def note(
        self, step: int, values: Mapping[str, float], seconds: float | None = None
    ) -> set[str]:
        """Take in the values of `step`; return the tags whose value is the best so far.

        With `seconds` of training, of an evaluation, each best value is kept as an improvement.
        """
        improved = set()
        for tag, value in values.items():
            if tag not in self.goals:
                continue
            goal, before = self.goals[tag], self.metrics.get(tag)
            best, best_step = (before.best, before.best_step) if before else (None, None)
            improvements = before.improvements if before else ()
            if beats(value, best, goal):
                best, best_step = value, step
                improved.add(tag)
                if seconds is not None:
                    improvements = (*improvements, Improvement(step, round(seconds, 3), value))
            self.metrics[tag] = Metric(goal, value, step, best, best_step, improvements)
        return improved

    def to_document(self) -> dict[str, dict[str, Any]]:
        """Return the account as JSON values, tag by tag."""
        return {
            tag: {**vars(metric), "improvements": [list(each) for each in metric.improvements]}
            for tag, metric in self.metrics.items()
        }

    def restore(self, document: Mapping[str, Mapping[str, Any]]) -> None:
        """Take up an account that `to_document` gave."""
        for tag, saved in document.items():
            improvements = map(Improvement._make, saved.get("improvements", ()))
            self.metrics[tag] = Metric(**{**saved, "improvements": tuple(improvements)})


@dataclass
class Patience:
    """Early stopping: how many evaluations in a row have not bettered the best one seen."""

    spec: EarlyStopping
    best: float | None = None
    waited: int = 0

    def over(self, value: float) -> bool:
        """Take in one evaluation; return whether training should end."""
        if beats(value, self.best, GOALS[self.spec.metric], self.spec.min_delta):
            self.best, self.waited = value, 0
        else:
            self.waited += 1
        return self.waited >= self.spec.patience
