from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import pytest
import torch
from torch import nn

from tracker.errors import UsageError
from tracker.models.cost import Cost, cost, smallest_image

Make: TypeAlias = Callable[..., nn.Module]


def test_a_multiply_and_its_add_are_two_operations() -> None:
    model = nn.Sequential(nn.Conv2d(3, 5, 3), nn.Flatten(), nn.Linear(5 * 6 * 6, 7))
    convolution, linear = 2 * 3 * 3 * 3 * 5 * 6 * 6, 2 * 180 * 7
    assert cost(model, 8) == Cost(3 * 9 * 5 + 5 + 180 * 7 + 7, convolution + linear)


def test_resnet50_at_224_costs_what_papers_say(make: Make) -> None:
    plain = cost(make("resnet50", "imagenet", num_classes=1000), 224)
    gated = cost(make("se_resnet50", "imagenet", num_classes=1000), 224)
    assert plain == Cost(25_557_032, 8_178_368_512)  # 4.09 billion multiply-adds
    assert gated.flops / plain.flops < 1.003  # the SE paper's table 2: + 0.26 %


def test_it_leaves_the_model_as_it_was(make: Make) -> None:
    model = make("se_resnet9", width=8)
    model.get_submodule("layer1").eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    modes = [module.training for module in model.modules()]
    generator = torch.get_rng_state()
    cost(model, 32)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert [module.training for module in model.modules()] == modes
    assert all(p.requires_grad and p.grad is None for p in model.parameters())
    assert torch.equal(torch.get_rng_state(), generator)


@pytest.mark.parametrize("mode", [True, False])
def test_training_mode_changes_no_count(make: Make, mode: bool) -> None:
    # In training mode, a norm refuses the one pixel that is left of one picture here.
    assert cost(make("resnet18", "imagenet").train(mode), 32).flops == 74_033_152


@pytest.mark.parametrize(
    ("backbone", "size"), [("small_cnn", 7), ("resnet9", 7), ("resnet9", 1), ("se_resnet9", 4)]
)
def test_too_small_a_picture_is_refused_with_the_smallest_that_works(
    make: Make, backbone: str, size: int
) -> None:
    model = make(backbone)
    with pytest.raises(UsageError, match=rf"{size}×{size} are too small .* 8×8 and up"):
        cost(model, size)
    assert cost(model, 8).flops > 0


@pytest.mark.parametrize(("backbone", "smallest"), [("resnet9", 8), ("cifar_resnet20", 1)])
def test_the_smallest_picture_is_taken_and_one_less_is_not(
    make: Make, backbone: str, smallest: int
) -> None:
    assert smallest_image(make(backbone)) == smallest


def test_a_broken_net_is_not_blamed_on_the_picture() -> None:
    broken = nn.Conv2d(4, 8, 3)
    with pytest.raises(UsageError, match=r"takes no pictures of 32×32 \(.*channel"):
        cost(broken, 32)
    with pytest.raises(ValueError, match="no square picture"):
        smallest_image(broken)


def test_a_picture_too_large_for_a_net_is_not_called_too_small() -> None:
    only_8 = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 2))
    with pytest.raises(UsageError, match=r"takes no pictures of 9×9 .* 8×8 for one it takes"):
        cost(only_8, 9)
