"""The same validation pictures as the networks of several groups see them, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracker.reading.comparison.groups import Group
from tracker.reading.evaluations import Evaluations, evaluations
from tracker.store.index import RunRecord


@dataclass(frozen=True, eq=False)
class Gallery:
    """N pictures, and what one run of each group made of them at the steps they have in common.

    `runs` says which run stands for a group, and `noted` what that noted; at every one of `steps`
    all of them have predictions. `pictures` are PNG files; `indices` and `labels` int64 [N] as
    `Evaluations` has them.
    """

    classes: tuple[str, ...]
    pictures: tuple[bytes, ...]
    indices: NDArray[np.int64]
    labels: NDArray[np.int64]
    runs: Mapping[str, RunRecord]
    noted: Mapping[str, Evaluations]
    steps: tuple[int, ...]


def stand_ins(groups: Sequence[Group]) -> dict[str, RunRecord]:
    """One run per group that has any: of the first unit all have, else each group's own first."""
    peopled = [group for group in groups if group.members]
    if not peopled:
        return {}
    shared = set.intersection(*(set(group.members) for group in peopled))
    unit = next((unit for unit in peopled[0].members if unit in shared), None)
    return {group.name: group.members[unit or next(iter(group.members))] for group in peopled}


def gallery(groups: Sequence[Group]) -> Gallery | None:
    """Lay side by side what the stand-ins of `groups` noted; None where none noted anything.

    A group that was shown other pictures than the first, or noted none, is not in it. Reads event
    files; raises FileNotFoundError if a run is gone.
    """
    runs = stand_ins(groups)
    noted = {name: evaluations(run.run) for name, run in runs.items()}
    first = next((one for one in noted.values() if one.pictures and one.predictions), None)
    if first is None:
        return None
    alike = {name: one for name, one in noted.items() if _same_pictures(one, first)}
    return Gallery(
        classes=first.classes,
        pictures=first.pictures,
        indices=first.indices,
        labels=first.labels,
        runs={name: runs[name] for name in alike},
        noted=alike,
        steps=tuple(sorted(set.intersection(*(set(one.predictions) for one in alike.values())))),
    )


def _same_pictures(one: Evaluations, other: Evaluations) -> bool:
    return bool(
        one.predictions
        and one.classes == other.classes
        and one.pictures == other.pictures
        and np.array_equal(one.indices, other.indices)
        and np.array_equal(one.labels, other.labels)
    )
