"""What runs would learn from, without making any: their data sets, and the first pictures of each.

Put together from what training itself uses, so that nothing is shown that is not fed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Literal, TypeAlias

import torch

from tracker.data.augment import Recipe
from tracker.data.batches import Batch, Loader, TrainBatches
from tracker.data.build import build
from tracker.data.dataset import Dataset, Split, reference_pictures
from tracker.models.expected import Expected
from tracker.spec.experiment import Data, Experiment
from tracker.training.origin import Origin, normalised, pictures, settle

# Where the mean and deviation that pictures are normalised by are from.
Norm: TypeAlias = Literal["spec", "weights", "pictures"]


@dataclass(frozen=True, eq=False)
class Preview:
    """What the runs called `variants` are given; `experiment` is the first of them.

    `dataset` has the mean and deviation that pictures are normalised by, taken from `norm`.
    """

    experiment: Experiment
    variants: tuple[str, ...]
    dataset: Dataset
    expected: Expected
    norm: Norm

    @property
    def batches(self) -> TrainBatches:
        """The batches of the run's training, on the CPU."""
        return self._batches(Recipe.of(self.experiment.data, self.dataset.mean))

    def first_batch(self) -> Batch:
        """What the network is given in the very first step."""
        return next(self.batches.epoch(0))

    def first_unchanged(self) -> Batch:
        """The pictures of the very first step without augmentation."""
        return next(self._batches(Recipe()).epoch(0))

    def evaluated(self, count: int) -> Batch:
        """At most `count` validation pictures, of all classes alike, as they are evaluated.

        They begin with those that every run shows in its pictures of predictions.
        """
        labels = self.dataset.val.labels
        chosen = reference_pictures(labels, count)
        loader = self._loader(self.dataset.val, max(len(chosen), 1))
        images, their = next(loader.pictures([chosen]))
        return Batch(loader.normalise(images), their)

    def _batches(self, recipe: Recipe) -> TrainBatches:
        loader = self._loader(self.dataset.train, self.experiment.training.batch_size)
        return TrainBatches(loader, recipe, seed=self.experiment.seed)

    def _loader(self, split: Split, batch_size: int) -> Loader:
        return Loader(
            split,
            batch_size,
            mean=self.dataset.mean,
            std=self.dataset.std,
            device=torch.device("cpu"),
        )


def previews(
    experiments: Sequence[Experiment], root: Path, say: Callable[[str], None]
) -> list[Preview]:
    """What each of `experiments` would be given, those that are given the same thing together.

    Of a variant with several seeds the first counts. `root` is where runs are, whose weights an
    experiment may name. Raises what building the data raises, and NoSuchRun, Unavailable, Damaged
    and UsageError where weights that decide on it can't be had.
    """

    @lru_cache(maxsize=1)
    def dataset(spec: Data) -> Dataset:
        return build(spec, log=say)

    found: dict[object, Preview] = {}
    firsts = {one.variant: one for one in reversed(experiments)}
    for experiment in (firsts[name] for name in dict.fromkeys(one.variant for one in experiments)):
        origin = settle(experiment, root)
        asked = pictures(experiment, origin)
        training = experiment.training
        key = asked, origin.expected, training.batch_size, training.mixup_alpha, experiment.seed
        if key in found:
            same = found[key]
            found[key] = replace(same, variants=(*same.variants, experiment.variant))
            continue
        given, expected = normalised(dataset(asked), experiment, origin)
        found[key] = Preview(
            experiment, (experiment.variant,), given, expected, _norm(experiment, origin)
        )
    return list(found.values())


def _norm(experiment: Experiment, origin: Origin) -> Norm:
    if experiment.data.mean is not None:
        return "spec"
    return "pictures" if origin.expected is None else "weights"
