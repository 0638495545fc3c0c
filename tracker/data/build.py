"""The one door of this room: from the `data` block of an experiment to pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tracker.data import cifar10, image_folder, shapes
from tracker.data.dataset import Dataset
from tracker.data.scaling import Scaling
from tracker.spec import experiment

Log = Callable[[str], None]

# Each is handed the block that names it, of the class that belongs to it.
DATASETS: dict[str, Callable[[Any, Log], Dataset]] = {
    "cifar10": cifar10.build,
    "image_folder": image_folder.build,
    "shapes": lambda spec, _: shapes.build(spec),
}


def build(spec: experiment.Data, *, log: Log) -> Dataset:
    """The data set that `spec` asks for; `log` is told, one line each, what is worth knowing.

    Raises Unavailable where files are missing, with what to do; Damaged where they cannot be
    trusted, naming each.
    """
    dataset = DATASETS[spec.name](spec, log)
    if spec.image_size in (None, dataset.image_size):
        return dataset
    scaling = Scaling(spec.image_size, spec.interpolation or "bilinear")
    return replace(
        dataset,
        image_size=scaling.size,
        scaled_from=dataset.image_size,
        train=replace(dataset.train, scaling=scaling),
        val=replace(dataset.val, scaling=scaling),
    )
