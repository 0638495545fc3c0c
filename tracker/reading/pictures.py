"""The pictures that a run drew of itself, out of its event files."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tracker import tags
from tracker.errors import UsageError, printable
from tracker.events.record import Report
from tracker.events.tensors import ImagePoint, read_images
from tracker.store.run import Run

_DRAWN = (tags.INPUTS, tags.PREDICTIONS, tags.MISTAKES, tags.CONFUSION, tags.FILTERS)


class Drawn(NamedTuple):
    """A picture: what it is of, the step it was drawn at, its size in pixels and the PNG file."""

    name: str
    step: int
    width: int
    height: int
    png: bytes


def drawn(run: Run, step: int | None, told: Callable[[Report], None]) -> list[Drawn]:
    """What `run` drew last, of each kind; or what it drew at `step`, and the inputs.

    Of an imported run, only what is called as ours. `told` hears of each event file. Raises
    UsageError, naming the steps there are, where nothing was drawn at `step`, and
    FileNotFoundError if the run is gone.
    """
    found = read_images(run.path, _DRAWN, told=told)
    steps = sorted({point.step for points in found.values() for point in points})
    if step is not None and step not in steps:
        known = f"it did at {', '.join(map(str, steps))}" if steps else "nor at any other"
        raise UsageError(f"{printable(run.id)} drew no pictures at step {step}; {known}")
    return [
        _drawn(tag, points[-1])
        for tag, every in found.items()
        # Inputs are drawn once, before the first step.
        if (points := [one for one in every if step in (None, one.step) or tag == tags.INPUTS])
    ]


def _drawn(tag: str, point: ImagePoint) -> Drawn:
    name = tag.rpartition("/")[2]
    return Drawn(name, point.step, point.width, point.height, point.png)
