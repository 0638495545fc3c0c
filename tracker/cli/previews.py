"""What runs would learn from, in words, as a table and as JSON values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from tracker.models.catalog import Channels
from tracker.reading.table import Table
from tracker.spec.experiment import ImageFolder

if TYPE_CHECKING:  # torch stays out of `--help`
    from torch import Tensor

    from tracker.launch.preview import Preview

View: TypeAlias = Literal["training", "plain", "validation"]

_NAMED = 100  # classes that the table has; the JSON has them all
_NORM = {
    "spec": "as data.mean and data.std say",
    "weights": "as the weights were trained with",
    "pictures": "as the training pictures have it",
}
_VIEWS: dict[View, str] = {
    "training": "the first training batch as the network will see it, seed {seed}",
    "plain": "the first training batch without augmentation, seed {seed}",
    "validation": "validation pictures as they are evaluated",
}


def facts(one: Preview, *, alone: bool) -> dict[str, str]:
    """Name and text of each fact; `alone` where all runs are given this."""
    dataset, training = one.dataset, one.experiment.training
    batches, left = len(one.batches), len(dataset.train) % training.batch_size
    rest = f"; {left} other pictures are left out of each" if left else ""
    page = {
        "runs": "" if alone else ", ".join(one.variants),
        "data": (
            f"{dataset.name}: {len(dataset.train):,} training and {len(dataset.val):,} validation "
            f"pictures of {len(dataset.classes):,} classes"
        ),
        "pictures": _sizes(one),
        "augmented": "\n".join(changes(one)) or "not at all",
        "normalised": f"mean {_channels(dataset.mean)}, deviation {_channels(dataset.std)}, "
        + _NORM[one.norm],
        "training": f"batches of {training.batch_size}, {batches:,} an epoch{rest}",
        "evaluation": f"all of them, not augmented, {training.eval_batch_size} at a time",
        "digest": dataset.digest,
    }
    return {name: fact for name, fact in page.items() if fact}


def class_table(one: Preview) -> Table:
    """How many pictures of each class there are, of at most 100 classes."""
    rows = [(entry["name"], f"{entry['train']:,}", f"{entry['val']:,}") for entry in _classes(one)]
    if len(rows) > _NAMED:
        rows = [*rows[:_NAMED], (f"and {len(rows) - _NAMED:,} more", "", "")]
    return Table(("class", "training", "validation"), rows)


def title(one: Preview, view: View, count: int) -> list[str]:
    """What is drawn, and what has been done to it."""
    what = _VIEWS[view].format(seed=one.experiment.seed)
    batch = min(one.experiment.training.batch_size, len(one.dataset.train))
    of = len(one.dataset.val) if view == "validation" else batch
    names = ", ".join(one.experiment.data.augment) or "no augmentation"
    done = [names] if view == "training" else []
    lines = [
        f"{one.dataset.name}: {what}",
        "; ".join([f"{count} of {of:,} pictures", *done, _sizes(one)]),
    ]
    return [line.replace("×", " x ") for line in lines]  # the sheet's font has no other


def document(one: Preview) -> dict[str, Any]:
    """The same as JSON values."""
    dataset, training = one.dataset, one.experiment.training
    return {
        "runs": list(one.variants),
        "seed": one.experiment.seed,
        "name": dataset.name,
        "train_size": len(dataset.train),
        "val_size": len(dataset.val),
        "classes": _classes(one),
        "digest": dataset.digest,
        "input": one.expected.to_document(),
        "normalised_by": one.norm,
        "augment": changes(one),
        "batch_size": training.batch_size,
        "batches": len(one.batches),
        "eval_batch_size": training.eval_batch_size,
    }


def changes(one: Preview) -> list[str]:
    """What is done to training pictures, in order, a sentence each."""
    data, training = one.experiment.data, one.experiment.training
    found = [f"{name}: {_CHANGES[name](data)}" for name in data.augment]
    if training.mixup_alpha:
        found.append(f"mixup: blended in pairs in each step, alpha {training.mixup_alpha:g}")
    return found


_CHANGES: dict[str, Callable[[Any], str]] = {
    "random_crop": lambda data: (
        f"{data.crop_padding} pixels added on each side by reflection, cut back at a random place"
    ),
    "horizontal_flip": lambda _: "half of them mirrored",
    "random_resized_crop": lambda _: "8 to 100 % of the area, stretched to the whole",
    "cutout": lambda data: f"a square of {data.cutout_size} pixels painted over",
}


def _sizes(one: Preview) -> str:
    expected = one.expected
    size = f"{expected.image_size}×{expected.image_size}"
    if expected.scaled_from:
        kept = f"{expected.scaled_from}×{expected.scaled_from}"
        return f"{kept}, scaled to {size} on their way into the network ({expected.interpolation})"
    if isinstance(one.experiment.data, ImageFolder):
        return f"{size}, cut out of {expected.resize} ({expected.interpolation})"
    return size


def _classes(one: Preview) -> list[dict[str, Any]]:
    dataset = one.dataset
    train, val = (_counts(split.labels, dataset.classes) for split in (dataset.train, dataset.val))
    rows = zip(dataset.classes, train, val, strict=True)
    return [{"name": name, "train": here, "val": there} for name, here, there in rows]


def _counts(labels: Tensor, classes: Sequence[str]) -> list[int]:
    counts: list[int] = labels.bincount(minlength=len(classes)).tolist()
    return counts


def _channels(values: Channels) -> str:
    return " ".join(f"{value:.3f}" for value in values)
