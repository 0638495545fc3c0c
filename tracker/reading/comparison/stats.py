"""The statistics of a comparison: means, intervals and tests of a few values, one per seed.

Everything rests on Student's t (Student 1908, "The probable error of a mean"): the values of a
group are taken as draws from one normal distribution. With few seeds that is an assumption no
data can check, which is why each result carries its n. The distribution is SciPy's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from scipy.special import stdtr, stdtrit

LEVEL = 0.05  # how often chance alone may be called a difference; intervals are of 1 - LEVEL
# Values come from float32 sums: a spread below this share of them is rounding, not chance.
ROUNDING = 1e-6


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """`n` values in short. `std` is the sample's (n - 1), None for one value; the 95 % interval
    `low` to `high` is of the mean, None where there is no `std`.
    """

    n: int
    mean: float
    std: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, kw_only=True)
class Difference:
    """By how much the mean of one group is above that of another, from `n` pairs or values.

    Paired: the values of each seed are subtracted, and `std` is of these differences (paired t).
    Unpaired: Welch's test (Welch 1947), `n` is the smaller group, `std` is √(s₁² + s₂²). `error`
    is the standard error of the mean, `p` is two-sided, `low` to `high` the 95 % interval. These
    three are None for one pair, and where the spread is nothing but rounding (then `std` is 0).
    """

    kind: Literal["paired", "unpaired"]
    n: int
    mean: float
    std: float | None
    error: float | None
    freedom: float | None
    low: float | None
    high: float | None
    p: float | None
    is_rounding: bool = False  # both are the same, but for the last bits

    def least(self, family: int = 1) -> float | None:
        """The smallest difference that this spread would let through as one of `family` tests."""
        if self.error is None or self.freedom is None or self.p is None:
            return None
        return t_quantile(1 - LEVEL / (2 * family), self.freedom) * self.error


def estimate(values: Sequence[float]) -> Estimate:
    """Mean, standard deviation and interval of `values` (one at least, all finite)."""
    n, mean = len(values), fmean(values)
    if n < 2:
        return Estimate(n=n, mean=mean, std=None, low=None, high=None)
    std = _std(values, mean)
    if std <= ROUNDING * max(map(abs, values)):
        std = 0.0
    reach = t_quantile(1 - LEVEL / 2, n - 1) * std / math.sqrt(n)
    return Estimate(n=n, mean=mean, std=std, low=mean - reach, high=mean + reach)


def paired(pairs: Sequence[tuple[float, float]]) -> Difference:
    """The second of each pair less the first: the paired t-test. One pair at least."""
    gaps = [after - before for before, after in pairs]
    n, mean = len(gaps), fmean(gaps)
    scale = max(abs(value) for pair in pairs for value in pair)
    std = _std(gaps, mean) if n > 1 else None
    error = None if std is None else std / math.sqrt(n)
    return _tested("paired", n, mean, std, error, float(n - 1), scale)


def unpaired(before: Sequence[float], after: Sequence[float]) -> Difference:
    """The mean of `after` less that of `before`, by Welch's t-test. One value each at least."""
    n, mean = min(len(before), len(after)), fmean(after) - fmean(before)
    scale = max(map(abs, (*before, *after)))
    if n < 2:
        return _tested("unpaired", n, mean, None, None, 0.0, scale)
    parts = [_std(values, fmean(values)) ** 2 / len(values) for values in (before, after)]
    error = math.sqrt(sum(parts))
    std = math.sqrt(sum(part * len(one) for part, one in zip(parts, (before, after), strict=True)))
    weights = [part**2 / (len(one) - 1) for part, one in zip(parts, (before, after), strict=True)]
    freedom = error**4 / sum(weights) if sum(weights) else 0.0
    return _tested("unpaired", n, mean, std, error, freedom, scale)


def holm(p_values: Sequence[float]) -> list[float]:
    """`p_values` corrected for there being several, in their order (Holm 1979).

    Calling those below `LEVEL` differences is wrong somewhere in at most `LEVEL` of families.
    """
    corrected, highest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = highest
    return corrected


def t_quantile(share: float, freedom: float) -> float:
    """The value below which `share` of Student's t with `freedom` degrees of freedom lies."""
    return float(stdtrit(freedom, share))


def _std(values: Sequence[float], mean: float) -> float:
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))


def _tested(
    kind: Literal["paired", "unpaired"],
    n: int,
    mean: float,
    std: float | None,
    error: float | None,
    freedom: float,
    scale: float,
) -> Difference:
    low = high = p = None
    is_rounding = False
    if std is not None and error is not None:
        if std <= ROUNDING * scale:
            std = error = 0.0
            is_rounding = abs(mean) <= ROUNDING * scale
        else:
            reach = t_quantile(1 - LEVEL / 2, freedom) * error
            low, high, p = mean - reach, mean + reach, 2 * float(stdtr(freedom, -abs(mean) / error))
    return Difference(
        kind=kind,
        n=n,
        mean=mean,
        std=std,
        error=error,
        freedom=freedom or None,
        low=low,
        high=high,
        p=p,
        is_rounding=is_rounding,
    )
