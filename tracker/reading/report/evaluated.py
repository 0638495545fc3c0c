"""What the groups made of the same validation pictures: side by side, and confused by class."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tracker import tags
from tracker.events.tensors import read_images
from tracker.reading.comparison.groups import Group
from tracker.reading.evaluations import Evaluations, Predictions, evaluations

RUNS = 10  # of a group that are asked, at most: each means reading its whole event file
_PNG_LIMIT = 1 << 20  # bytes of a stored picture that is put into the page
_Noted = TypeVar("_Noted")


@dataclass(frozen=True)
class Vote:
    """A class, how many runs took a picture for it, and how surely on average (0 to 1)."""

    label: str
    runs: int
    confidence: float


@dataclass(frozen=True)
class Cell:
    """What a group made of a picture: `votes`, most first; `right` of its `runs` were right."""

    votes: tuple[Vote, ...]
    right: int
    runs: int
    is_right: bool  # most of them


@dataclass(frozen=True)
class Shown:
    """A picture of the validation split: its `index` there, a data URI, what it shows."""

    index: int
    picture: str
    label: str
    cells: tuple[Cell, ...]

    @property
    def differs(self) -> bool:
        """Whether most runs of one group took it for something else than those of another."""
        return len({cell.votes[0].label for cell in self.cells}) > 1


@dataclass(frozen=True, eq=False)
class Judged:
    """A group's evaluations: those of its first `RUNS` runs that kept any, as far as `until`."""

    number: int
    name: str
    of_runs: tuple[Evaluations, ...]
    predictions: tuple[Predictions, ...]
    confusion: NDArray[np.int64] | None  # summed over the runs


@dataclass(frozen=True)
class Stored:
    """A picture that a run drew itself, as a data URI."""

    group: str
    run: str
    title: str
    step: int
    picture: str


def ask(number: int, group: Group, until: int | None = None) -> Judged:
    """Read what the runs of a group noted of their last evaluation, or their last up to `until`."""
    found = [evaluations(run.run) for run in list(group.members.values())[:RUNS]]
    with_pictures = [one for one in found if len(one.labels)]
    same = [one for one in with_pictures if _same(one, with_pictures[0])]
    last = [(one, _last(one.predictions, until)) for one in same]
    counts = [_last(one.confusion, until) for one in found]
    known = [one for one in counts if one is not None]
    alike = [one for one in known if one.shape == known[0].shape]
    return Judged(
        number=number,
        name=group.name,
        of_runs=tuple(one for one, told in last if told is not None),
        predictions=tuple(told for _, told in last if told is not None),
        confusion=np.sum(alike, axis=0, dtype=np.int64) if alike else None,
    )


def shown(groups: Sequence[Judged]) -> tuple[list[Judged], list[Shown]]:
    """The groups that saw the same pictures as the first that saw any, and those pictures."""
    seeing = [each for each in groups if each.predictions]
    if not seeing:
        return [], []
    first = seeing[0].of_runs[0]
    seeing = [each for each in seeing if _same(each.of_runs[0], first)]
    pictures = [
        Shown(
            index=int(first.indices[at]),
            picture=_uri(first.pictures[at]) if first.pictures else "",
            label=_label(first, int(label)),
            cells=tuple(_cell(each, at, int(label)) for each in seeing),
        )
        for at, label in enumerate(first.labels)
    ]
    return seeing, pictures


def stored(group: Group) -> list[Stored]:
    """The grids that the first run of a group drew last: of predictions, and of confusion."""
    record = next(iter(group.members.values()))
    found = read_images(record.run.path, (tags.PREDICTIONS, tags.CONFUSION))
    return [
        Stored(group.name, record.id, tags.meaning(tag).title, points[-1].step, _uri(png))
        for tag, points in found.items()
        if points and len(png := points[-1].png) <= _PNG_LIMIT
    ]


def _same(one: Evaluations, other: Evaluations) -> bool:
    """Whether two runs were asked about the same pictures."""
    return (
        one.classes == other.classes
        and np.array_equal(one.indices, other.indices)
        and np.array_equal(one.labels, other.labels)
    )


def _last(by_step: Mapping[int, _Noted], until: int | None) -> _Noted | None:
    steps = [step for step in by_step if until is None or step <= until]
    return by_step[max(steps)] if steps else None


def _cell(each: Judged, at: int, label: int) -> Cell:
    taken_for = [int(one.classes[at]) for one in each.predictions]
    sure = [float(one.confidence[at]) for one in each.predictions]
    counts = Counter(taken_for)
    means = {
        name: sum(s for t, s in zip(taken_for, sure, strict=True) if t == name) / counts[name]
        for name in counts
    }
    ranked = sorted(counts, key=lambda name: (-counts[name], -means[name]))
    return Cell(
        votes=tuple(Vote(_label(each.of_runs[0], n), counts[n], means[n]) for n in ranked),
        right=counts[label],
        runs=len(taken_for),
        is_right=ranked[0] == label,
    )


def _label(of: Evaluations, number: int) -> str:
    return of.classes[number] if number < len(of.classes) else str(number)


def _uri(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
