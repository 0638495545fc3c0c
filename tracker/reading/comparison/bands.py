"""Learning curves of a group: its members' series put on one x axis, their mean and spread."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from tracker.events.reader import Series, read_scalars
from tracker.reading.comparison.groups import Group
from tracker.reading.comparison.stats import LEVEL, t_quantile


@dataclass(frozen=True, eq=False)
class Band:
    """A group's series of one tag at the steps that all its members have.

    `steps` int64 [S], `values` float64 [N, S] with a row per name in `units`; `mean` and `std`
    [S] are over the rows, the std of the sample, NaN for a single row or a value that is not a
    number.
    """

    units: tuple[str, ...]
    steps: NDArray[np.int64]
    values: NDArray[np.float64]

    @property
    def mean(self) -> NDArray[np.float64]:
        """The mean at each step."""
        return np.asarray(self.values.mean(axis=0))

    @property
    def std(self) -> NDArray[np.float64]:
        """The sample's standard deviation at each step."""
        if len(self.values) < 2:
            return np.full(len(self.steps), np.nan)
        return np.asarray(self.values.std(axis=0, ddof=1))

    @property
    def reach(self) -> NDArray[np.float64]:
        """Half the width of the 95 % interval of the mean at each step."""
        n = len(self.values)
        if n < 2:
            return np.full(len(self.steps), np.nan)
        return np.asarray(t_quantile(1 - LEVEL / 2, n - 1) * self.std / np.sqrt(n))


def bands(group: Group, tags: list[str]) -> dict[str, Band]:
    """The bands of a group by tag; a tag is missing where no two members share a step.

    Members without the tag are passed over. Reads the event files; raises FileNotFoundError if one
    is gone.
    """
    of_members = {unit: read_scalars(run.run.path).series for unit, run in group.members.items()}
    found = {}
    for tag in tags:
        series = {unit: known[tag] for unit, known in of_members.items() if tag in known}
        if series and len((band := align(series)).steps):
            found[tag] = band
    return found


def align(series: dict[str, Series]) -> Band:
    """One series per unit (one at least), at the steps that are in all of them.

    Where a step is there twice, the value written last counts.
    """
    unique = {unit: _last_of_each_step(one) for unit, one in series.items()}
    steps = reduce(np.intersect1d, (steps for steps, _ in unique.values()))
    rows = [values[np.searchsorted(mine, steps)] for mine, values in unique.values()]
    return Band(tuple(unique), steps, np.stack(rows))


def _last_of_each_step(series: Series) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    steps, first_from_the_end = np.unique(series.steps[::-1], return_index=True)
    return steps, series.values[::-1][first_from_the_end]
