"""The one door of this room: from the `data` block of an experiment to pictures."""

from __future__ import annotations

from collections.abc import Callable

from tracker.data import shapes
from tracker.data.dataset import Dataset
from tracker.spec import experiment


def build(spec: experiment.Data, *, log: Callable[[str], None]) -> Dataset:
    """The data set that `spec` asks for; `log` is told, one line each, what is worth knowing.

    Raises Unavailable where files are missing, with what to do; Damaged where they cannot be
    trusted, naming each.
    """
    if isinstance(spec, experiment.Shapes):
        return shapes.build(spec)
    log(spec.name)
    raise NotImplementedError(spec.name)
