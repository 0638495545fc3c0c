"""Another machine or another seed: what the spread of the seeds recorded lets one expect.

The mean of k new runs lies within t·s·√(1/k + 1/n) of the mean of the n recorded, s being their
standard deviation and t Student's with n − 1 degrees of freedom: a prediction interval for a mean
(Hahn and Meeker, "Statistical Intervals", 1991, §4.7). It holds as far as seeds are draws from one
normal distribution. Several metrics share the chance of a false alarm by Holm (1979).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import stdtr

from tracker.reading.comparison.stats import ROUNDING, estimate, t_quantile
from tracker.tags import Goal

FALSE_ALARMS = 0.01  # share of checks of unchanged code that may fail


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """What `n` recorded values say of the mean of `k` new ones, and what that mean is.

    `error` is the standard error of their difference, above zero.
    """

    n: int
    k: int
    mean: float
    now: float
    std: float
    error: float
    goal: Goal | None

    @property
    def p(self) -> float:
        """How often chance alone is as much worse; without a goal, as far off either way."""
        distance = (self.now - self.mean) / self.error
        if self.goal is None:
            return 2 * float(stdtr(self.n - 1, -abs(distance)))
        return float(stdtr(self.n - 1, distance if self.goal == "max" else -distance))

    @property
    def p_better(self) -> float:
        """How often chance alone is as much better; 1 without a goal."""
        return 1.0 if self.goal is None else 1.0 - self.p

    def reach(self, level: float) -> float:
        """How far from `mean` the new mean may lie if chance may be blamed `level` of times."""
        tail = level / 2 if self.goal is None else level
        return t_quantile(1 - tail, self.n - 1) * self.error


def predict(
    recorded: Sequence[float], new: Sequence[float], goal: Goal | None, grain: float = 0.0
) -> Prediction:
    """Hold `new` (one at least) against `recorded` (two at least), all finite.

    `grain` is the least that a value can change by. The spread is taken for no smaller, nor for
    smaller than the rounding of float32: seeds that agree by luck promise nothing.
    """
    found = estimate(recorded)
    scale = max(map(abs, (*recorded, *new)))
    std = max(found.std or 0.0, grain, ROUNDING * scale, 1e-300)
    n, k = len(recorded), len(new)
    return Prediction(
        n=n,
        k=k,
        mean=found.mean,
        now=estimate(new).mean,
        std=std,
        error=std * math.sqrt(1 / k + 1 / n),
        goal=goal,
    )


def levels(p_values: Sequence[float], level: float) -> list[float]:
    """The level that each of `p_values` is held to, by Holm's method, in their order.

    One fails where it is no larger than its own level. Those that pass are all shown the level of
    the first that does, which none of them reaches.
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    held = [0.0] * len(p_values)
    for rank, place in enumerate(order):
        current = level / (len(p_values) - rank)
        if p_values[place] > current:
            for left in order[rank:]:
                held[left] = current
            break
        held[place] = current
    return held
