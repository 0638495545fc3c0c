from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import pytest
import torch
import torchvision
from torch import Tensor, nn

from tracker.models.build import OWN

Make: TypeAlias = Callable[..., nn.Module]


def parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize(
    ("backbone", "published"),
    [
        # torchvision's documentation of each network's ImageNet weights
        ("resnet18", 11_689_512),
        ("resnet34", 21_797_672),
        ("resnet50", 25_557_032),
        ("resnet101", 44_549_160),
        ("resnet152", 60_192_808),
        ("resnext50_32x4d", 25_028_904),
        ("resnext101_32x8d", 88_791_336),
        ("resnext101_64x4d", 83_455_272),
        ("wide_resnet50_2", 68_883_240),
        ("wide_resnet101_2", 126_886_696),
        ("se_resnet50", 28_088_024),
    ],
)
def test_parameters_at_1000_classes_are_the_published_ones(
    make: Make, backbone: str, published: int
) -> None:
    with torch.device("meta"):
        assert parameters(make(backbone, "imagenet", num_classes=1000)) == published


@pytest.mark.parametrize("backbone", [name for name in OWN if hasattr(torchvision.models, name)])
def test_parameters_are_named_and_shaped_as_torchvisions(make: Make, backbone: str) -> None:
    with torch.device("meta"):
        ours = make(backbone, "imagenet", num_classes=1000).state_dict()
        theirs = torchvision.models.get_model(backbone, weights=None).state_dict()
    assert {k: v.shape for k, v in ours.items()} == {k: v.shape for k, v in theirs.items()}


@pytest.mark.parametrize(("stem", "side"), [("cifar", 32), ("imagenet", 8), (None, 8)])
def test_the_stem_decides_what_the_first_stage_sees(
    make: Make, pictures: Tensor, stem: str | None, side: int
) -> None:
    model = make("resnet18", stem)
    seen: list[Tensor] = []
    layer1 = model.get_submodule("layer1")
    layer1.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    model(pictures)
    assert seen[0].shape == (2, 64, side, side)


@pytest.mark.parametrize("stem", ["cifar", "imagenet"])
def test_convolutions_start_as_he_et_al_start_them(make: Make, stem: str) -> None:
    conv = make("resnet18", stem).get_submodule("conv1")
    assert isinstance(conv, nn.Conv2d)
    fan_out = conv.out_channels * conv.kernel_size[0] * conv.kernel_size[1]
    assert conv.weight.std().item() == pytest.approx((2 / fan_out) ** 0.5, rel=0.05)
