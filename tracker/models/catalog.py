"""What can be named and what it costs, read from catalog.json: no torch, so it answers at once."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One backbone and its price.

    Words, `stem` and `width` are written by hand; the numbers are `python -m
    tracker.models.measure`'s, and a contract test measures them again. FLOPs are those of one
    picture's forward pass, multiply and add counted as two.
    """

    backbone: str
    description: str  # one sentence
    paper: str  # where the network was published
    stem: Literal["cifar", "imagenet"] | None  # schema.json's default; None: no choice of stem
    width: int | None  # channels of the first layer, by default; None: no choice
    parameters: int  # with this stem and width and 10 classes
    flops: int  # the same, for a picture of 32×32
    parameters_imagenet: int | None  # as published: stem "imagenet", 1000 classes; None: no stem
    flops_imagenet: int | None  # the same, for a picture of 224×224
    smallest_image: int  # pixels, side of the smallest picture it takes


def entries() -> list[Entry]:
    """Every backbone, families together and small before large."""
    text = resources.files(__package__).joinpath("catalog.json").read_text(encoding="utf-8")
    return [Entry(**entry) for entry in json.loads(text)]
