"""From a name to a net. A new backbone is a function, a line here, and a word in the schema."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import nn
from torchvision.models.resnet import BasicBlock, Bottleneck

from tracker.models import zoo
from tracker.models.cifar import cifar_resnet
from tracker.models.from_timm import PREFIX, create
from tracker.models.resnet import resnet
from tracker.models.small import resnet9, small_cnn
from tracker.models.squeeze import SEBasicBlock, SEBottleneck
from tracker.spec.experiment import Model

# Our own, and those of torchvision's that have options of ours.
OWN: dict[str, Callable[..., nn.Module]] = {
    "small_cnn": small_cnn,
    "resnet9": resnet9,
    "se_resnet9": partial(resnet9, squeeze=True),
    "cifar_resnet20": partial(cifar_resnet, depth=3),
    "cifar_resnet32": partial(cifar_resnet, depth=5),
    "cifar_resnet44": partial(cifar_resnet, depth=7),
    "cifar_resnet56": partial(cifar_resnet, depth=9),
    "cifar_resnet110": partial(cifar_resnet, depth=18),
    "cifar_se_resnet20": partial(cifar_resnet, depth=3, block=SEBasicBlock),
    "cifar_se_resnet32": partial(cifar_resnet, depth=5, block=SEBasicBlock),
    "cifar_se_resnet44": partial(cifar_resnet, depth=7, block=SEBasicBlock),
    "cifar_se_resnet56": partial(cifar_resnet, depth=9, block=SEBasicBlock),
    "cifar_se_resnet110": partial(cifar_resnet, depth=18, block=SEBasicBlock),
    "resnet18": partial(resnet, block=BasicBlock, layers=(2, 2, 2, 2)),
    "resnet34": partial(resnet, block=BasicBlock, layers=(3, 4, 6, 3)),
    "resnet50": partial(resnet, block=Bottleneck, layers=(3, 4, 6, 3)),
    "resnet101": partial(resnet, block=Bottleneck, layers=(3, 4, 23, 3)),
    "resnet152": partial(resnet, block=Bottleneck, layers=(3, 8, 36, 3)),
    "se_resnet18": partial(resnet, block=SEBasicBlock, layers=(2, 2, 2, 2)),
    "se_resnet34": partial(resnet, block=SEBasicBlock, layers=(3, 4, 6, 3)),
    "se_resnet50": partial(resnet, block=SEBottleneck, layers=(3, 4, 6, 3)),
    "se_resnet101": partial(resnet, block=SEBottleneck, layers=(3, 4, 23, 3)),
    "se_resnet152": partial(resnet, block=SEBottleneck, layers=(3, 8, 36, 3)),
    "resnext50_32x4d": partial(
        resnet, block=Bottleneck, layers=(3, 4, 6, 3), groups=32, width_per_group=4
    ),
    "resnext101_32x8d": partial(
        resnet, block=Bottleneck, layers=(3, 4, 23, 3), groups=32, width_per_group=8
    ),
    "resnext101_64x4d": partial(
        resnet, block=Bottleneck, layers=(3, 4, 23, 3), groups=64, width_per_group=4
    ),
    "wide_resnet50_2": partial(resnet, block=Bottleneck, layers=(3, 4, 6, 3), width_per_group=128),
    "wide_resnet101_2": partial(
        resnet, block=Bottleneck, layers=(3, 4, 23, 3), width_per_group=128
    ),
}

# Each is handed the model block of an experiment and the number of classes.
MODELS: dict[str, Callable[..., nn.Module]] = {
    **OWN,
    **{
        name: partial(zoo.sized if name in zoo.STEPS else zoo.classifier, name=name)
        for name in zoo.NAMES
        if name not in OWN
    },
}


def build(
    spec: Model, *, num_classes: int, seed: int, image_size: int = zoo.PUBLISHED_SIZE
) -> nn.Module:
    """The net `spec` names: on the CPU, float32, in training mode, [N, 3, H, W] → [N, classes].

    `image_size` is H and W; only what has a place for each patch of a picture is built otherwise
    for it. Initial weights come from `seed` alone, whatever was built or drawn before, and no
    global generator is changed, a GPU's included. A net and its SE twin of one seed start from the
    same weights wherever both have them. `spec.backbone` is one of `MODELS` (KeyError otherwise)
    or `timm:` and a name of timm's. Raises UsageError where it takes no such pictures or timm has
    no such model, Unavailable where timm is not installed.
    """
    with torch.random.fork_rng(devices=[]):
        # Not torch.manual_seed, which would seed every GPU's generator too.
        torch.default_generator.manual_seed(seed)
        return construct(spec, num_classes, image_size)


def construct(spec: Model, num_classes: int, image_size: int) -> nn.Module:
    """The same with weights drawn from the global generator, on torch's current device."""
    if spec.backbone.startswith(PREFIX):
        return create(spec.backbone, num_classes, image_size)
    make = MODELS[spec.backbone]
    if spec.backbone in zoo.STEPS:
        return make(spec, num_classes, image_size=image_size)
    return make(spec, num_classes)
