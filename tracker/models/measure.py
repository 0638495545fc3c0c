"""Measure every backbone again and write the numbers into catalog.json.

    python -m tracker.models.measure

A new backbone needs an entry there first, with the words and defaults that no measurement gives.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import nn

from tracker.models.build import MODELS
from tracker.models.cost import cost, smallest_image
from tracker.spec.experiment import Model

CATALOG = Path(__file__).with_name("catalog.json")
IMAGE_SIZE = 32  # pixels: CIFAR's, and the embedded data set's
IMAGENET_SIZE = 224  # pixels: the size papers count at


def measured(entry: dict[str, Any]) -> dict[str, Any]:
    """`entry` with the same words and defaults, and every number counted anew (no weights made).

    Raises KeyError where a word or default is missing or the backbone is not in MODELS.
    """
    stem, width = entry["stem"], entry["width"]
    net = _net(Model(backbone=entry["backbone"], stem=stem, width=width), 10)
    here, published = cost(net, IMAGE_SIZE), None
    if stem is not None:
        imagenet = Model(backbone=entry["backbone"], stem="imagenet", width=width)
        published = cost(_net(imagenet, 1000), IMAGENET_SIZE)
    return {
        "backbone": entry["backbone"],
        "description": entry["description"],
        "paper": entry["paper"],
        "stem": stem,
        "width": width,
        "parameters": here.parameters,
        "flops": here.flops,
        "parameters_imagenet": published.parameters if published else None,
        "flops_imagenet": published.flops if published else None,
        "smallest_image": smallest_image(net),
    }


def _net(spec: Model, num_classes: int) -> nn.Module:
    with torch.device("meta"):
        return MODELS[spec.backbone](spec, num_classes)


def main() -> None:
    """Rewrite catalog.json in place."""
    catalog = [measured(entry) for entry in json.loads(CATALOG.read_text(encoding="utf-8"))]
    text = json.dumps(catalog, indent=2, ensure_ascii=False) + "\n"
    CATALOG.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
