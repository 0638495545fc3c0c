"""torchvision's classifiers by name, built for as many classes and as large pictures as asked."""

from __future__ import annotations

from typing import Any

import torchvision
from torch import nn
from torchvision.models import get_model, list_models

from tracker.errors import UsageError
from tracker.spec.experiment import Model

PUBLISHED_SIZE = 224  # pixels, of what is built for one size and was published for this one
# The initial weights these two draw are the published ones; torchvision asks to be told so.
_OPTIONS: dict[str, dict[str, Any]] = {
    name: {"init_weights": True} for name in ("googlenet", "inception_v3")
}

NAMES: tuple[str, ...] = tuple(list_models(module=torchvision.models))
# What is made for pictures of one size: the side must be a multiple of this many pixels.
STEPS = {"vit_b_16": 16, "vit_b_32": 32, "vit_l_16": 16, "vit_l_32": 32, "vit_h_14": 14} | {
    "maxvit_t": 224
}


def classifier(_spec: Model, num_classes: int, *, name: str) -> nn.Module:
    """torchvision's `name`: [N, 3, H, W] → [N, num_classes], any H and W it can halve so often.

    In training mode GoogLeNet and Inception v3 also answer through their auxiliary heads: see
    `auxiliary`.
    """
    net: nn.Module = get_model(name, num_classes=num_classes, **_OPTIONS.get(name, {}))
    return net


def sized(
    _spec: Model, num_classes: int, *, name: str, image_size: int = PUBLISHED_SIZE
) -> nn.Module:
    """The same for what has a place for each patch of a picture [3, image_size, image_size].

    Raises UsageError where the picture is no whole number of patches.
    """
    step = STEPS[name]
    if image_size % step:
        raise UsageError(
            f"{name} cuts pictures into patches: their side must be a multiple of {step} pixels, "
            f"and is {image_size}; choose another data.image_size or another model.backbone"
        )
    if name == "maxvit_t":
        net: nn.Module = get_model(
            name, num_classes=num_classes, input_size=(image_size, image_size)
        )
    else:
        net = get_model(name, num_classes=num_classes, image_size=image_size)
    return net
