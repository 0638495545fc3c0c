from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import pytest
import torch
from torch import Tensor, nn

Make: TypeAlias = Callable[..., nn.Module]


def parameters(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def test_small_cnn_is_three_5x5_convolutions_and_two_linear_layers(make: Make) -> None:
    model = make("small_cnn")
    convolutions = [m for m in model.modules() if isinstance(m, nn.Conv2d)]
    assert [m.kernel_size for m in convolutions] == [(5, 5)] * 3
    assert len([m for m in model.modules() if isinstance(m, nn.Linear)]) == 2
    assert parameters(model) == 145_578


def test_resnet9_is_64_channels_wide_unless_the_spec_says_otherwise(make: Make) -> None:
    assert parameters(make("resnet9")) == parameters(make("resnet9", width=64)) == 6_573_120
    assert make("resnet9", width=16).get_parameter("prep.conv.weight").shape == (16, 3, 3, 3)
    assert make("resnet9", width=16).get_parameter("fc.weight").shape == (10, 128)


@pytest.mark.parametrize("backbone", ["resnet9", "se_resnet9"])
def test_resnet9_may_be_one_channel_wide(make: Make, pictures: Tensor, backbone: str) -> None:
    assert make(backbone, width=1)(pictures).isfinite().all()


def test_resnet9_scales_its_output_by_an_eighth(make: Make, pictures: Tensor) -> None:
    model = make("resnet9", width=8).eval()
    inputs: list[Tensor] = []
    linear = model.get_submodule("fc")
    linear.register_forward_hook(lambda _module, _inputs, out: inputs.append(out))
    with torch.no_grad():
        out = model(pictures)
    assert torch.equal(out, inputs[0] / 8)


def test_resnet9_pools_the_last_4x4_to_its_maximum(make: Make, pictures: Tensor) -> None:
    model = make("resnet9", width=8).eval()
    seen: dict[str, Tensor] = {}
    model.get_submodule("res3").register_forward_hook(
        lambda _module, _inputs, out: seen.update(map=out)
    )
    model.get_submodule("fc").register_forward_hook(
        lambda _module, inputs, _out: seen.update(features=inputs[0])
    )
    with torch.no_grad():
        model(pictures)
    assert seen["map"].shape == (2, 64, 4, 4)
    assert torch.equal(seen["features"], nn.functional.max_pool2d(seen["map"], 4).flatten(1))
