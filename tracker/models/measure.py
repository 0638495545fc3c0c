"""Measure every backbone again and write the numbers into catalog.json.

    python -m tracker.models.measure

Nothing is computed and nothing downloaded. What is published of weights is read out of the
torchvision installed. A new backbone needs an entry there first, with the words and defaults that
no measurement gives.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from torch import nn
from torchvision.models import get_model_weights

from tracker.models import zoo
from tracker.models.build import construct
from tracker.models.cost import cost, smallest_image
from tracker.models.ghost import Weightless
from tracker.spec.experiment import Model

CATALOG = Path(__file__).with_name("catalog.json")
SMALL = 32  # pixels: CIFAR's, and the embedded data set's; what our own nets are meant for
# torchvision turns ImageNet's normalisation into this one inside these two, given their weights.
_HALVES = dict.fromkeys(("googlenet", "inception_v3"), (0.5, 0.5, 0.5))


def measured(entry: dict[str, Any]) -> dict[str, Any]:
    """`entry` with the same words and defaults, and every number counted anew (no weights made).

    Raises KeyError where a word or default is missing or the backbone is not in MODELS.
    """
    backbone, stem, width = entry["backbone"], entry["stem"], entry["width"]
    weights = published(backbone)
    large = next((one["image_size"] for one in weights if one["default"]), zoo.PUBLISHED_SIZE)
    size = large if weights and stem is None else SMALL
    net = _net(backbone, stem, width, 10, size)
    here, imagenet = cost(net, size), None
    if stem is not None or weights:
        original = "imagenet" if stem is not None else None
        imagenet = cost(_net(backbone, original, width, 1000, large), large)
    return {
        "backbone": backbone,
        "description": entry["description"],
        "paper": entry["paper"],
        "stem": stem,
        "width": width,
        "image_size": size,
        "parameters": here.parameters,
        "flops": here.flops,
        "parameters_imagenet": imagenet.parameters if imagenet else None,
        "flops_imagenet": imagenet.flops if imagenet else None,
        "smallest_image": zoo.STEPS.get(backbone) or smallest_image(net),
        "multiple_of": zoo.STEPS.get(backbone, 1),
        "weights": weights,
    }


def published(backbone: str) -> list[dict[str, Any]]:
    """What torchvision says of the weights of `backbone`, the default ones last."""
    if backbone not in zoo.NAMES:
        return []
    known = get_model_weights(backbone)
    default = known["DEFAULT"]
    return [
        _facts(backbone, one, default=one is default)
        for one in sorted(known, key=lambda one: one is default)
    ]


def _facts(backbone: str, weights: Any, *, default: bool) -> dict[str, Any]:
    expects = weights.transforms()
    metrics = weights.meta["_metrics"]["ImageNet-1K"]
    return {
        "name": weights.name,
        "default": default,
        "url": weights.url,
        "image_size": expects.crop_size[0],
        "resize": expects.resize_size[0],
        "interpolation": expects.interpolation.value,
        "mean": list(_HALVES.get(backbone, expects.mean)),
        "std": list(_HALVES.get(backbone, expects.std)),
        "accuracy": _share(metrics["acc@1"]),
        "accuracy_top5": _share(metrics["acc@5"]),
    }


def _share(percent: float) -> float | None:
    return None if math.isnan(percent) else round(percent / 100, 5)


def _net(backbone: str, stem: Any, width: int | None, num_classes: int, size: int) -> nn.Module:
    with Weightless():
        return construct(Model(backbone=backbone, stem=stem, width=width), num_classes, size)


def main() -> None:
    """Rewrite catalog.json in place."""
    catalog = [measured(entry) for entry in json.loads(CATALOG.read_text(encoding="utf-8"))]
    text = json.dumps(catalog, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    CATALOG.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
