"""Reads the scalars of a run back, strictly: every number is checked, and none is made up.

TensorBoard's own readers stop at damage in silence, or (its default server) show a flipped bit as
a value. This one reads up to the first damage of each file and reports it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tracker.events.alike import Group, read_alike
from tracker.events.event import Event, parse
from tracker.events.leap import split
from tracker.events.record import BAD_PAYLOAD, INFIX, Block, Report, Scan
from tracker.events.wire import WireError
from tracker.tags import Goal


@dataclass(frozen=True, eq=False)
class Series:
    """The points of a tag as they were written, oldest file first; three arrays of one length.

    `wall_times` are seconds since the epoch. `values` were float32 unless the writer chose more.
    """

    steps: NDArray[np.int64]
    wall_times: NDArray[np.float64]
    values: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.steps)

    @property
    def is_increasing(self) -> bool:
        """Whether every step is larger than the one before, as TensorBoard needs it."""
        return bool((self.steps[1:] > self.steps[:-1]).all())

    def by_step(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the steps, each once and increasing, with the value written last at each."""
        if self.is_increasing:
            return self.steps, self.values
        steps, from_the_end = np.unique(self.steps[::-1], return_index=True)
        return steps, self.values[::-1][from_the_end]

    def until(self, step: int) -> Series:
        """Return the points at `step` and before it."""
        within = self.steps <= step
        return Series(self.steps[within], self.wall_times[within], self.values[within])

    def best(self, goal: Goal) -> int | None:
        """Return where the best value stands, the earliest of equals; None if none is finite."""
        finite = np.isfinite(self.values)
        if not finite.any():
            return None
        signed = self.values if goal == "max" else -self.values
        return int(np.where(finite, signed, -np.inf).argmax())


@dataclass(frozen=True, eq=False)
class Scalars:
    """The series by tag, sorted by name, and a report on each file read.

    `backwards`: the tags whose steps somewhere fail to increase. Their points are all given.
    """

    series: dict[str, Series]
    reports: tuple[Report, ...]
    backwards: tuple[str, ...]


def read_scalars(path: Path, *, check: bool = True) -> Scalars:
    """Read all scalars of an event file, or of a run: the event files right in a directory.

    Files are read in the order of their names, as TensorBoard does. Scalars are simple values, and
    tensors of one number under tags whose metadata says so. What is damaged is reported, not
    raised; `FileNotFoundError` if `path` is not there. Without `check`, payloads are taken on trust
    (headers are not).
    """
    points = _Points()
    reports = []
    for file in event_files(path):
        scan = Scan(file)
        for block in scan.blocks(split):
            points.read(scan, block, check=check)
        reports.append(scan.report)
    series = points.series()
    backwards = tuple(tag for tag, line in series.items() if not line.is_increasing)
    return Scalars(series, tuple(reports), backwards)


def event_files(path: Path) -> list[Path]:
    """List what TensorBoard would read as the event files of the run `path`, oldest first.

    A path that is no directory stands for itself; raises `FileNotFoundError` if it is not there.
    """
    path.stat()
    if not path.is_dir():
        return [path]
    return sorted(entry for entry in path.iterdir() if INFIX in entry.name)


class _Part(NamedTuple):
    """Some points of a tag. `records` numbers the records they come from, through all files."""

    records: NDArray[np.int64]
    steps: NDArray[np.int64]
    wall_times: NDArray[np.float64]
    values: NDArray[np.float64]


class _Points:
    """Gathers points in any order, to be put into that of their records."""

    def __init__(self) -> None:
        self._parts: dict[tuple[str, bool], list[_Part]] = defaultdict(list)
        self._kinds: dict[str, tuple[int, bool]] = {}  # by a tag's first metadata: where, and what
        self._records = 0

    def read(self, scan: Scan, block: Block, *, check: bool) -> None:
        """Take in a block, up to the first record that is damaged or no event."""
        count = len(block.starts) - 1
        try:
            groups, rest = read_alike(block, check=check)
        except WireError:
            groups, rest = [], list(range(count))
        events = []
        for index in rest:
            event = _parse_one(block, index, check=check)
            if isinstance(event, str):
                scan.refuse(block, index, event)
                count = index
                break
            events.append((index, event))
        for group in groups:
            self._add_group(group, int(np.searchsorted(group.records, count)))
        self._add_events(events)
        self._records += count

    def series(self) -> dict[str, Series]:
        """Put the points of each tag in order, and the tags in that of their names."""
        parts: dict[str, list[_Part]] = defaultdict(list)
        for (tag, is_tensor), some in self._parts.items():
            if not is_tensor or self._kinds.get(tag, (0, False))[1]:
                parts[tag] += some
        return {tag: _in_order(some) for tag, some in sorted(parts.items())}

    def _add_group(self, group: Group, count: int) -> None:
        if not count:
            return
        records = group.records[:count] + self._records
        for column, point in enumerate(group.event.points):
            part = _Part(
                records, group.steps[:count], group.wall_times[:count], group.values[:count, column]
            )
            self._parts[point.tag, point.is_tensor].append(part)
        self._add_kinds(int(records[0]), group.event)

    def _add_events(self, events: list[tuple[int, Event]]) -> None:
        rows: dict[tuple[str, bool], list[tuple[int, int, float, float]]] = defaultdict(list)
        for index, event in events:
            record = self._records + index
            for point in event.points:
                row = (record, event.step, event.wall_time, point.value)
                rows[point.tag, point.is_tensor].append(row)
            self._add_kinds(record, event)
        for key, some in rows.items():
            records, steps, wall_times, values = zip(*some, strict=True)
            part = _Part(
                np.array(records, dtype=np.int64),
                np.array(steps, dtype=np.int64),
                np.array(wall_times, dtype=np.float64),
                np.array(values, dtype=np.float64),
            )
            self._parts[key].append(part)

    def _add_kinds(self, record: int, event: Event) -> None:
        for tag, is_scalar in event.kinds:
            if record < self._kinds.get(tag, (record + 1, False))[0]:
                self._kinds[tag] = (record, is_scalar)


def _parse_one(block: Block, index: int, *, check: bool) -> Event | str:
    """Return the event, or what is wrong with the record."""
    if check and not block.holds(index):
        return BAD_PAYLOAD
    try:
        return parse(block.payload(index))
    except WireError as error:
        return f"no event: {error}"


def _in_order(parts: list[_Part]) -> Series:
    records, steps, wall_times, values = zip(*parts, strict=True)
    whole = _Part(
        np.concatenate(records),
        np.concatenate(steps),
        np.concatenate(wall_times),
        np.concatenate(values),
    )
    if (whole.records[1:] >= whole.records[:-1]).all():
        return Series(whole.steps, whole.wall_times, whole.values)
    order = np.argsort(whole.records, kind="stable")
    return Series(whole.steps[order], whole.wall_times[order], whole.values[order])
