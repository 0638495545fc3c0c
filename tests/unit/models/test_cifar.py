from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import pytest
import torch
from torch import nn

from tracker.models.cifar import Shortcut

Make: TypeAlias = Callable[..., nn.Module]


@pytest.mark.parametrize(
    ("layers", "millions"),
    [(20, "0.27"), (32, "0.46"), (44, "0.66"), (56, "0.85"), (110, "1.7")],  # the paper's table 6
)
def test_parameters_are_those_of_the_papers_table(make: Make, layers: int, millions: str) -> None:
    count = sum(p.numel() for p in make(f"cifar_resnet{layers}").parameters())
    digits = len(millions.split(".")[1])
    assert f"{count / 1e6:.{digits}f}" == millions


@pytest.mark.parametrize("layers", [20, 32, 44, 56, 110])
@pytest.mark.parametrize("family", ["cifar_resnet", "cifar_se_resnet"])
def test_the_name_counts_the_layers_with_weights(make: Make, family: str, layers: int) -> None:
    model = make(f"{family}{layers}")
    weighed = [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Conv2d | nn.Linear) and ".se." not in name
    ]
    assert len(weighed) == layers


@pytest.mark.parametrize("format_", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize(("side", "halved"), [(6, 3), (5, 3)])
def test_the_shortcut_keeps_every_second_pixel_between_zeros(
    format_: torch.memory_format, side: int, halved: int
) -> None:
    x = torch.randn(2, 4, side, side).to(memory_format=format_)
    out = Shortcut(4)(x)
    assert out.shape == (2, 8, halved, halved)
    assert torch.equal(out[:, 2:6], x[:, :, ::2, ::2])
    assert not out[:, :2].any()
    assert not out[:, 6:].any()
    assert not list(Shortcut(4).parameters())


@pytest.mark.parametrize("format_", [torch.contiguous_format, torch.channels_last])
def test_the_shortcut_keeps_the_layout(format_: torch.memory_format) -> None:
    out = Shortcut(16)(torch.randn(2, 16, 32, 32).to(memory_format=format_))
    assert out.is_contiguous(memory_format=format_)


def test_stages_are_of_16_32_and_64_channels_on_32_16_and_8_pixels(make: Make) -> None:
    model = make("cifar_resnet20")
    shapes: list[torch.Size] = []
    for stage in ("layer1", "layer2", "layer3"):
        model.get_submodule(stage).register_forward_hook(
            lambda _module, _inputs, out: shapes.append(out.shape[1:])
        )
    model(torch.zeros(2, 3, 32, 32))
    assert shapes == [(16, 32, 32), (32, 16, 16), (64, 8, 8)]
