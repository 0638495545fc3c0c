"""Axes of a plot: where round numbers fall, and where on the paper a value stands."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

_ROUND = (1.0, 2.0, 2.5, 5.0, 10.0)
# From here on the small values of a series would lie flat on the axis.
_WIDE = 30.0


@dataclass(frozen=True)
class Tick:
    """A mark on an axis: where it is on the paper, and what stands there."""

    at: float
    label: str


@dataclass(frozen=True)
class Axis:
    """Maps values from `low` to `high` onto the paper from `start` to `stop` (in its units).

    Values beyond either end are drawn at that end. With `is_log`, equal ratios have equal lengths
    (both ends are above 0 then).
    """

    low: float
    high: float
    start: float
    stop: float
    is_log: bool = False

    def at(self, values: ArrayLike) -> NDArray[np.float64]:
        """Where `values` stand; NaN for NaN."""
        inside = np.clip(np.asarray(values, dtype=np.float64), self.low, self.high)
        low, high = self.low, self.high
        if self.is_log:
            inside, low, high = np.log(inside), math.log(low), math.log(high)
        share = (inside - low) / (high - low)
        return np.asarray(self.start + share * (self.stop - self.start))

    def ticks(self, most: int, times: float = 1.0) -> list[Tick]:
        """At most about `most` marks at round numbers of what is shown: values `times` a scale."""
        low, high = self.low * times, self.high * times
        numbers = _powers(low, high, most) if self.is_log else _multiples(low, high, most)
        return [Tick(round(float(self.at(n / times)), 1), f"{n:,.10g}") for n in numbers]


def fitted(values: Sequence[float], start: float, stop: float, *, bend: bool = False) -> Axis:
    """The axis that shows all finite `values`; where `bend`, a logarithmic one if they are wide."""
    finite = [value for value in values if math.isfinite(value)] or [0.0, 1.0]
    low, high = min(finite), max(finite)
    if bend and low > 0 and high / low >= _WIDE:
        return Axis(low, high, start, stop, is_log=True)
    margin = 0.04 * (high - low) or 0.1 * abs(high) or 1.0
    return Axis(low - margin, high + margin, start, stop)


def _multiples(low: float, high: float, most: int) -> list[float]:
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * one for one in _ROUND if power * one >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def _powers(low: float, high: float, most: int) -> list[float]:
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for factors in ((1, 2, 5), (1, 3), (1,)):
        numbers = [factor * 10.0**power for power in range(first, last + 1) for factor in factors]
        inside = [number for number in numbers if low <= number <= high]
        if len(inside) <= most:
            return inside
    return inside[:: -(-len(inside) // most)]
