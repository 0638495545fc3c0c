"""timm's models by name, where timm is installed: `pip install tracker[timm]`."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from torch import nn

from tracker.errors import Unavailable, UsageError
from tracker.models import hub
from tracker.spec.words import nearest

PREFIX = "timm:"


def library() -> Any:
    """The package timm. Raises Unavailable, with what to do, where it is not installed."""
    try:
        import timm  # not for those who don't have it, nor for those who wouldn't use it: 2 s
        import timm.models
    except ModuleNotFoundError as error:
        raise Unavailable(
            "models called timm:NAME need timm, which is not installed; "
            "run: pip install 'tracker[timm]'"
        ) from error
    return timm


def create(
    backbone: str, num_classes: int, image_size: int, *, pretrained: bool = False
) -> nn.Module:
    """timm's model of the name behind `timm:`, for that many classes, with initial weights.

    `pretrained`: with the published ones, which timm downloads and checks; whatever goes wrong with
    that is raised as it is. A model made for pictures of one size is made for `image_size` ×
    `image_size`. Raises UsageError, naming the nearest, where timm has no such model or it takes no
    such pictures.
    """
    name = backbone.removeprefix(PREFIX)
    known = config(backbone)
    options: dict[str, Any] = {}
    if known.fixed_input_size and tuple(known.input_size[1:]) != (image_size, image_size):
        options["img_size"] = image_size
    try:
        with hub.settled() if pretrained and known.hf_hub_id else nullcontext():
            net: nn.Module = library().create_model(
                name, pretrained=pretrained, num_classes=num_classes, **options
            )
    except (AssertionError, ValueError, TypeError) as error:
        if pretrained:
            raise
        size = "×".join(map(str, known.input_size[1:]))
        raise UsageError(
            f"{backbone} cannot be built for {num_classes} classes and pictures of "
            f"{image_size}×{image_size} ({error}); it was published for {size}"
        ) from error
    return net


def config(backbone: str) -> Any:
    """timm's `PretrainedCfg` of the model behind `timm:`: what its weights are and expect.

    That of the weights a tag names (`timm:resnet50.a1_in1k`), else of the default ones. Raises
    UsageError, naming the nearest, where timm has no such model.
    """
    name = backbone.removeprefix(PREFIX)
    architecture, _, tag = name.partition(".")
    if not library().is_model(architecture):
        near = nearest(architecture, library().list_models())
        hint = f"did you mean {PREFIX}{near}?" if near else "timm.list_models() lists them"
        raise UsageError(f"timm has no model {architecture!a}; {hint}")
    try:
        return library().models.get_pretrained_cfg(name)
    except RuntimeError as error:
        tags = library().list_pretrained(f"{architecture}.*")
        near = nearest(name, tags)
        hint = f"did you mean {PREFIX}{near}?" if near else f"it has {', '.join(tags) or 'none'}"
        raise UsageError(f"timm has no weights {tag!a} of {architecture}; {hint}") from error
