"""Which values of two groups belong together.

The seed is what is repeated; other settings that are pooled (`--by`) are not. So the values of a
seed are averaged first, over the settings both groups have with it, and seeds are paired: counting
each setting as a repeat of its own would make nine independent runs of three seeds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from statistics import fmean

from tracker.reading.comparison.groups import Group


def seed_of(unit: str) -> str:
    """The seed of a unit: "seed 0" of "seed 0, optimizer.lr=0.1"."""
    return unit.partition(", ")[0]


def by_seed(values: Mapping[str, float]) -> dict[str, float]:
    """Values by unit, averaged over the units of each seed."""
    gathered: dict[str, list[float]] = {}
    for unit, value in values.items():
        gathered.setdefault(seed_of(unit), []).append(value)
    return {seed: fmean(some) for seed, some in gathered.items()}


def pairs(
    before: Mapping[str, float], after: Mapping[str, float]
) -> list[tuple[float, float]] | None:
    """A pair of values per seed that both have; None where the groups are better not paired.

    Where fewer than half of the larger group's seeds are shared, pairing would throw away most of
    what is known.
    """
    common = [unit for unit in before if unit in after]
    if not is_paired(before, after):
        return None
    ours = by_seed({unit: before[unit] for unit in common})
    theirs = by_seed({unit: after[unit] for unit in common})
    return [(value, theirs[seed]) for seed, value in ours.items()]


def is_paired(before: Iterable[str], after: Iterable[str]) -> bool:
    """Whether two groups with these units are compared seed by seed."""
    before, after = set(before), set(after)
    shared = {seed_of(unit) for unit in before & after}
    larger = max(len({seed_of(unit) for unit in units}) for units in (before, after))
    return bool(shared) and 2 * len(shared) >= larger and (len(shared) > 1 or larger == 1)


def may_pair(group: Group, other: Group) -> bool:
    """Whether the same seed means the same chance in both: not if only one was trained by us."""
    return len({"model" in run.asked for one in (group, other) for run in one.members.values()}) < 2
