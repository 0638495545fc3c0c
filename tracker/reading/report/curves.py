"""Learning curves of the groups, as paths of an SVG and the words that stand at each step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracker import tags
from tracker.reading.comparison.bands import Band, Curves
from tracker.reading.comparison.result import Comparison
from tracker.reading.comparison.words import scale, spread
from tracker.reading.report.axis import Axis, Tick, fitted

# The paper, in units of the SVG.
WIDTH, HEIGHT = 560, 300
LEFT, RIGHT, TOP, BOTTOM = 54, 548, 12, 262
POINTS = 120  # of a curve that are drawn, at most: four and a half units lie between two
LINES = 60  # single seeds that are drawn in one plot, at most
_POINTS_OF_LINES = 5000  # of all of them together


@dataclass(frozen=True)
class Curve:
    """A group in a plot: its number, paths of its mean, its band and its members (SVG's `d`).

    `points` are [x, y, step, words] of each point of the mean, for whoever points at it.
    """

    number: int
    mean: str
    band: str
    members: tuple[str, ...]
    points: tuple[tuple[float, float, int, str], ...]


@dataclass(frozen=True)
class Plot:
    """The curves of one series. `end` tells in words where each group ends."""

    tag: str
    title: str
    curves: tuple[Curve, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    notes: tuple[str, ...]
    end: str

    def document(self, names: Sequence[str]) -> dict[str, Any]:
        """What a script needs to answer a pointer."""
        return {
            "width": WIDTH,
            "height": HEIGHT,
            "groups": [
                {"number": each.number, "name": names[each.number], "points": each.points}
                for each in self.curves
            ],
        }


def series_of(comparison: Comparison) -> list[str]:
    """The tags that are drawn: those compared, then what was measured in training."""
    asked = [*comparison.metrics, tags.ACCURACY_TRAIN, tags.LOSS_TRAIN]
    return list(dict.fromkeys(asked))


def plots(curves: Curves, series: Sequence[str]) -> list[Plot]:
    """A plot for each of the tags `series` that any group has a curve of."""
    names = [group.name for group in curves.groups]
    found = []
    for tag in series:
        drawn = {number: known[tag] for number, known in enumerate(curves.bands) if tag in known}
        if drawn:
            found.append(plot(tag, names, drawn))
    return found


def plot(tag: str, names: Sequence[str], groups: Mapping[int, Band]) -> Plot:
    """Draw the bands of `groups` (one at least, by number) that each have a point at least."""
    count = sum(len(band.units) for band in groups.values())
    shows_members = count <= LINES and any(len(band.units) > 1 for band in groups.values())
    most = POINTS if count <= 1 else min(POINTS, max(20, _POINTS_OF_LINES // count))
    x, y = _axes(tag, groups, shows_members=shows_members)
    return Plot(
        tag=tag,
        title=tags.meaning(tag).title + (", %" if scale(tag) != 1 else ""),
        curves=tuple(
            _curve(number, tag, band, x, y, most if shows_members else 0)
            for number, band in groups.items()
        ),
        x_ticks=tuple(x.ticks(6)),
        y_ticks=tuple(y.ticks(6, scale(tag))),
        notes=(
            *_ends(names, groups),
            *_lacking(names, groups),
            *_notes(groups, y, shows_members=shows_members),
        ),
        end="; ".join(
            f"{names[number]} {_words(tag, band, -1)}{_where(band)}"
            for number, band in groups.items()
        ),
    )


def _where(band: Band) -> str:
    """Where the curve ends, if some of its runs go on: the table has their values from there."""
    last = int(band.steps[-1])
    return f" at step {last:,}, the last that all its runs have" if last < band.longest else ""


def _ends(names: Sequence[str], groups: Mapping[int, Band]) -> Iterator[str]:
    cut = {names[number]: where for number, band in groups.items() if (where := _where(band))}
    if cut:
        told = ", ".join(f"{name}{where}" for name, where in cut.items())
        yield f"not to the end of every run: {told}"


def _lacking(names: Sequence[str], groups: Mapping[int, Band]) -> Iterator[str]:
    some = [
        f"{names[number]} {len(band.units)} of {band.members}"
        for number, band in groups.items()
        if len(band.units) < band.members
    ]
    if some:
        yield f"not all runs of a group have this series: {', '.join(some)}"


def _axes(tag: str, groups: Mapping[int, Band], *, shows_members: bool) -> tuple[Axis, Axis]:
    steps = [float(step) for band in groups.values() for step in (band.steps[0], band.steps[-1])]
    values: list[float] = []
    for band in groups.values():
        low, high = band.mean - np.nan_to_num(band.std), band.mean + np.nan_to_num(band.std)
        # The lower edge of losses may fall below 0, where there is nothing to see.
        low = np.where(np.sign(low) == np.sign(band.mean), low, band.mean)
        for row in (low, high, *(band.values if shows_members else ())):
            values += row.tolist()
    first, last = min(steps), max(steps)
    if first == last:
        first, last = first - 1, last + 1
    bend = tags.GOALS.get(tag) == "min"
    return Axis(first, last, LEFT, RIGHT), fitted(values, BOTTOM, TOP, bend=bend)


def _curve(number: int, tag: str, band: Band, x: Axis, y: Axis, most: int) -> Curve:
    chosen = _evenly(len(band.steps), POINTS)
    across = x.at(band.steps)
    mean, std = y.at(band.mean), band.std
    low, high = y.at(band.mean - std), y.at(band.mean + std)
    thin = _evenly(len(band.steps), most) if most and len(band.units) > 1 else []
    return Curve(
        number=number,
        mean=_path(across[chosen], mean[chosen]),
        band=_area(across[chosen], low[chosen], high[chosen]),
        members=tuple(_path(across[thin], y.at(row)[thin]) for row in band.values if len(thin)),
        points=tuple(
            (round(float(across[at]), 1), round(float(mean[at]), 1), int(band.steps[at]), words)
            for at in chosen
            if np.isfinite(band.mean[at]) and (words := _words(tag, band, at))
        ),
    )


def _words(tag: str, band: Band, at: int) -> str:
    std = float(band.std[at])
    return spread(float(band.mean[at]), std if np.isfinite(std) else None, tag)


def _evenly(count: int, most: int) -> list[int]:
    """At most `most` of `count` places, evenly spread, the first and the last among them."""
    if count <= most:
        return list(range(count))
    return [round(at) for at in np.linspace(0, count - 1, most)]


def _path(x: NDArray[np.float64], y: NDArray[np.float64]) -> str:
    """A line through the points that are finite, broken where one is not; a dot of a lone one."""
    parts: list[str] = []
    begins = True
    for left, up in zip(x.tolist(), y.tolist(), strict=True):
        if not np.isfinite(up):
            begins = True
            continue
        place = f"{_short(left)} {_short(up)}"
        # A line of no length is drawn as a dot by its round ends.
        parts.append(f"M{place}l0 0" if begins else f"L{place}")
        begins = False
    return "".join(parts)


def _area(x: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]) -> str:
    """The outline of a band, in one piece for each stretch of points that are finite."""
    whole = np.isfinite(low) & np.isfinite(high)
    pieces = []
    edges = np.flatnonzero(np.diff(np.concatenate(([0], whole.view(np.int8), [0]))))
    for first, stop in zip(edges[::2], edges[1::2], strict=True):
        if stop - first > 1:
            over = zip(x[first:stop], high[first:stop], strict=True)
            back = zip(x[first:stop][::-1], low[first:stop][::-1], strict=True)
            places = [f"{_short(left)} {_short(up)}" for left, up in (*over, *back)]
            pieces.append(f"M{'L'.join(places)}Z")
    return "".join(pieces)


def _short(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


def _notes(groups: Mapping[int, Band], y: Axis, *, shows_members: bool) -> list[str]:
    notes = []
    if y.is_log:
        notes.append("the scale is logarithmic")
    if not shows_members and any(len(band.units) > 1 for band in groups.values()):
        notes.append(f"single runs are not drawn, there being more than {LINES}")
    longest = max(len(band.steps) for band in groups.values())
    if longest > POINTS:
        notes.append(f"of {longest:,} points {POINTS} are drawn, evenly spread")
    lost = [
        (number, int(band.steps[np.flatnonzero(~np.isfinite(band.mean))[0]]))
        for number, band in groups.items()
        if not np.isfinite(band.mean).all()
    ]
    if lost:
        notes.append(f"a mean is not a number from step {min(step for _, step in lost):,} on")
    return notes
