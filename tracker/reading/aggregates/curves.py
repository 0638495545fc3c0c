"""The mean curves of a group as a run of TensorBoard's, each with a low and a high beside it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tracker import tags
from tracker.events.reader import read_scalars
from tracker.events.writer import EventWriter
from tracker.reading.comparison.bands import Band
from tracker.reading.comparison.result import Comparison
from tracker.store.index import RunRecord
from tracker.tags import Meaning

_ALWAYS = (tags.ACCURACY_TRAIN, tags.ACCURACY_VAL, tags.LOSS_TRAIN, tags.LOSS_VAL)


def series_of(comparison: Comparison) -> list[str]:
    """The tags whose means are worth a curve: those compared, accuracy and loss."""
    return list(dict.fromkeys([*comparison.metrics, *_ALWAYS]))


def margin(tag: str) -> tuple[str, str]:
    """The tags of one standard deviation below and above the mean of `tag`."""
    flat = tag.replace("/", "_")
    return f"spread/{flat}_low", f"spread/{flat}_high"


def meanings(shown: list[str]) -> dict[str, Meaning]:
    """What stands behind the info icons. Of a tag that runs have too it is theirs to the letter."""
    told = {tag: tags.meaning(tag) for tag in shown}
    for tag in shown:
        low, high = margin(tag)
        told[low] = Meaning(f"{tag}, low", "The mean less one standard deviation of the seeds.")
        told[high] = Meaning(f"{tag}, high", "The mean and one standard deviation of the seeds.")
    return told


class Clock:
    """When the steps of a run were written, between its points too: seconds since the epoch.

    So that the means stand where their runs do on a time axis, and writing them again makes the
    same bytes. `now` is what it reads; set it by `turn`.
    """

    def __init__(self, run: RunRecord) -> None:
        lines = read_scalars(run.run.path).series.values()
        steps = np.concatenate([np.zeros(0, np.int64), *(line.steps for line in lines)])
        times = np.concatenate([np.zeros(0), *(line.wall_times for line in lines)])
        order = np.lexsort((times, steps))
        self._steps, self._times = steps[order], np.maximum.accumulate(times[order])
        self.now = float(self._times[0]) if len(times) else 0.0

    def __call__(self) -> float:
        """Seconds since the epoch."""
        return self.now

    def turn(self, step: int) -> None:
        """Go to when `step` was written."""
        if len(self._steps):
            self.now = float(np.interp(step, self._steps, self._times))


def write_curves(writer: EventWriter, clock: Clock, bands: Mapping[str, Band]) -> None:
    """Write each band's mean under its tag, and its margins, where several runs have a spread."""
    points: dict[int, dict[str, float]] = {}
    for tag, band in bands.items():
        low, high = margin(tag)
        for step, mean, std in zip(
            band.steps.tolist(), band.mean.tolist(), band.std.tolist(), strict=True
        ):
            point = points.setdefault(step, {})
            point[tag] = mean
            if len(band.units) > 1:
                point[low], point[high] = mean - std, mean + std
    for step in sorted(points):
        clock.turn(step)
        writer.scalars(step, points[step])
