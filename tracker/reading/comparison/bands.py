"""Learning curves of a group: its members' series put on one x axis, their mean and spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from tracker.errors import Damaged
from tracker.events.reader import Series
from tracker.reading.comparison.evidence import series_of
from tracker.reading.comparison.groups import Group, LeftOut
from tracker.reading.comparison.stats import LEVEL, t_quantile


@dataclass(frozen=True, eq=False)
class Band:
    """A group's series of one tag at the steps that all its members have.

    `steps` int64 [S], `values` float64 [N, S] with a row per name in `units`; `mean` and `std`
    [S] are over the rows, the std of the sample, NaN for a single row or a value that is not a
    number. `members` is how many units the group has, of which some may lack the series, and
    `longest` the last step that any of `units` has.
    """

    units: tuple[str, ...]
    steps: NDArray[np.int64]
    values: NDArray[np.float64]
    members: int
    longest: int

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


@dataclass(frozen=True, eq=False)
class Curves:
    """What the event files of groups hold: for each of `groups` its bands by tag.

    `groups` are without the members whose event files are damaged or gone; these are `unread`.
    """

    groups: tuple[Group, ...]
    bands: tuple[Mapping[str, Band], ...]
    unread: tuple[LeftOut, ...]

    @property
    def remarks(self) -> tuple[str, ...]:
        """A sentence on each run that is in no band, for the reader of the curves."""
        return tuple(f"{one.run} is in no curve: {one.reason}" for one in self.unread)


def read_curves(groups: Sequence[Group], tags: Sequence[str], until: int | None = None) -> Curves:
    """Read the event files of all members, up to the step `until`.

    A group has no band of a tag where no two members share a step; members without the tag are
    passed over.
    """
    sound, bands, unread = [], [], []
    for group in groups:
        known: dict[str, dict[str, Series]] = {}
        for unit, run in group.members.items():
            try:
                known[unit] = series_of(run, until)
            except Damaged as error:
                unread.append(LeftOut(run.id, str(error)))
        members = {unit: run for unit, run in group.members.items() if unit in known}
        sound.append(replace(group, members=members))
        bands.append(_bands(known, tags, until))
    return Curves(tuple(sound), tuple(bands), tuple(unread))


def align(series: Mapping[str, Series], members: int) -> Band:
    """One series per unit (one at least), at the steps that are in all of them.

    Where a step is there twice, the value written last counts. `members` is how many units the
    group has, those without the series counted in.
    """
    unique = {unit: one.by_step() for unit, one in series.items()}
    steps = reduce(np.intersect1d, (steps for steps, _ in unique.values()))
    rows = [values[np.searchsorted(mine, steps)] for mine, values in unique.values()]
    longest = max(int(mine[-1]) for mine, _ in unique.values())
    return Band(tuple(unique), steps, np.stack(rows), members=members, longest=longest)


def _bands(
    of_members: Mapping[str, Mapping[str, Series]], tags: Sequence[str], until: int | None
) -> dict[str, Band]:
    found = {}
    for tag in tags:
        lines = {
            unit: known[tag] if until is None else known[tag].until(until)
            for unit, known in of_members.items()
            if tag in known
        }
        lines = {unit: line for unit, line in lines.items() if len(line)}
        if lines and len((band := align(lines, len(of_members))).steps):
            found[tag] = band
    return found
