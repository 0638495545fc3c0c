from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torchvision.ops import SqueezeExcitation

from tracker.models.squeeze import Gate, SEBasicBlock, SEBottleneck, add_gates

Make: TypeAlias = Callable[..., nn.Module]


def force(gate: Gate, weight: float) -> None:
    """Make every channel's weight `weight`, whatever the picture."""
    nn.init.zeros_(gate.fc2.weight)
    nn.init.constant_(gate.fc2.bias, torch.tensor(weight).logit().item())


def test_a_gate_is_torchvisions_with_the_same_sums() -> None:
    ours, theirs = Gate(64), SqueezeExcitation(64, 4)
    for name, value in ours.state_dict().items():
        target = theirs.state_dict()[name]
        target.copy_(value.reshape(target.shape))
    x = torch.randn(3, 64, 5, 6, generator=torch.Generator().manual_seed(0))
    assert isinstance(ours, SqueezeExcitation)
    torch.testing.assert_close(ours(x), theirs(x))


def test_a_gate_weighs_each_channel_of_each_picture() -> None:
    gate = Gate(32)
    x = torch.randn(2, 32, 4, 4, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        weights = gate(x) / x
    assert ((weights > 0) & (weights < 1)).all()
    torch.testing.assert_close(weights, weights[:, :, :1, :1].expand_as(weights))
    assert (weights[0] != weights[1]).any()  # it depends on the picture


def test_few_channels_squeeze_to_one() -> None:
    assert (Gate(16).fc1.out_features, Gate(2).fc1.out_features) == (1, 1)
    assert Gate(256).fc1.out_features == 16


def test_a_shut_gate_leaves_the_shortcut_and_an_open_one_the_plain_block() -> None:
    x = torch.randn(2, 64, 4, 4, generator=torch.Generator().manual_seed(2)).relu()
    for block in (SEBasicBlock(64, 64), SEBottleneck(64, 16)):
        add_gates(block)
        plain = type(block).__bases__[0](
            *((64, 64) if isinstance(block, SEBasicBlock) else (64, 16))
        )
        plain.load_state_dict({k: v for k, v in block.state_dict().items() if ".fc" not in k})
        block.eval()
        plain.eval()
        with torch.no_grad():
            force(block.se, 1.0)
            torch.testing.assert_close(block(x), plain(x))
            force(block.se, 0.0)
            torch.testing.assert_close(block(x), x)


def test_every_block_of_a_twin_has_a_gate(make: Make) -> None:
    for backbone, blocks in (("se_resnet50", 16), ("cifar_se_resnet20", 9), ("se_resnet9", 2)):
        gates = [m for m in make(backbone).modules() if isinstance(m, Gate)]
        assert len(gates) == blocks
    assert not [m for m in make("resnet50").modules() if isinstance(m, SqueezeExcitation)]


def test_gates_start_near_a_half(make: Make, pictures: Tensor) -> None:
    model = make("se_resnet50")
    seen: list[Tensor] = []
    for module in model.modules():
        if isinstance(module, Gate):
            module.scale_activation.register_forward_hook(lambda _m, _i, out: seen.append(out))
    model(pictures)
    assert len(seen) == 16
    assert all(weights.min() > 0.3 and weights.max() < 0.7 for weights in seen)
