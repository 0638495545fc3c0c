"""What can be named and what it costs, read from catalog.json: no torch, so it answers at once."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal, TypeAlias

from tracker.spec.experiment import Interpolation

Channels: TypeAlias = tuple[float, float, float]  # red, green, blue, white being 1


@dataclass(frozen=True, kw_only=True)
class Weights:
    """Published weights: what they were trained to take, and how well they tell ImageNet apart.

    A picture's shorter side is scaled to `resize` pixels by `interpolation`, the centre square of
    `image_size` is cut out, and each channel is normalised by `mean` and `std`. All is what
    torchvision says of them,
    but for the mean and deviation of GoogLeNet and Inception v3: there torchvision converts the
    pictures once more inside the network, and these do both at once.
    """

    name: str
    default: bool  # whether "DEFAULT" means these
    url: str
    image_size: int
    resize: int
    interpolation: Interpolation
    mean: Channels
    std: Channels
    accuracy: float | None  # share of ImageNet's 50,000 validation pictures; None: tells no classes
    accuracy_top5: float | None  # the same, one of five guesses being right


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One backbone and its price.

    Words, `stem` and `width` are written by hand; the rest is `python -m
    tracker.models.measure`'s, and a contract test measures it again. FLOPs are those of one
    picture's forward pass, multiply and add counted as two.
    """

    backbone: str
    description: str  # one sentence
    paper: str  # where the network was published
    stem: Literal["cifar", "imagenet"] | None  # schema.json's default; None: no choice of stem
    width: int | None  # channels of the first layer, by default; None: no choice
    image_size: int  # pixels: what it is meant for with this stem, and what `flops` are counted at
    parameters: int  # with this stem and width and 10 classes
    flops: int  # the same, for a picture of `image_size`
    parameters_imagenet: int | None  # as published: stem "imagenet", 1000 classes; None: not there
    flops_imagenet: int | None  # the same, at the size it was published for
    smallest_image: int  # pixels, side of the smallest picture it can be trained on
    multiple_of: int  # pixels: a picture's side must be a multiple of this
    weights: tuple[Weights, ...]  # that can be had by name, the default ones last

    def named_weights(self, name: str) -> Weights | None:
        """The published weights called `name`, "DEFAULT" included; None where there are none."""
        known = (one for one in self.weights if name in (one.name, "DEFAULT" * one.default))
        return next(known, None)


@cache
def entries() -> tuple[Entry, ...]:
    """Every backbone, families together and small before large."""
    text = resources.files(__package__).joinpath("catalog.json").read_text(encoding="utf-8")
    return tuple(
        Entry(**{**entry, "weights": tuple(map(_weights, entry["weights"]))})
        for entry in json.loads(text)
    )


def entry(backbone: str) -> Entry | None:
    """The entry of `backbone`; None of a timm model, which timm alone knows."""
    return next((one for one in entries() if one.backbone == backbone), None)


def _weights(found: dict[str, Any]) -> Weights:
    return Weights(**{**found, "mean": tuple(found["mean"]), "std": tuple(found["std"])})
