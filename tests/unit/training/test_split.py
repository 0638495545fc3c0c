"""Both halves together are the network: its answers, its auxiliary ones, and its use of chance."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tracker.models import freezing
from tracker.models.build import build
from tracker.spec.experiment import Freeze, Model
from tracker.training.split import split


def alive(model: nn.Module) -> nn.Module:
    """`model` with norms that have seen pictures: fresh ones let hardly anything through."""
    size = (8, 3, 64, 64)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.momentum = 1.0
        model.train()(torch.randn(size, generator=torch.Generator().manual_seed(1)))
    return model


def network(backbone: str, freeze: Freeze = "backbone") -> nn.Module:
    made = alive(build(Model(backbone=backbone, stem=None, width=None), num_classes=5, seed=0))
    freezing.prepare(made, freeze, 0)
    return made


def parts(answer: Any) -> tuple[Tensor, ...]:
    return tuple(one for one in (answer if isinstance(answer, tuple) else (answer,)))


def answered(call: Any, pictures: Tensor) -> tuple[tuple[Tensor, ...], Tensor]:
    """What is answered, and the state of chance thereafter."""
    with torch.random.fork_rng():
        torch.manual_seed(7)
        return parts(call(pictures)), torch.get_rng_state()


def assert_same(model: nn.Module, pictures: Tensor) -> tuple[int, ...]:
    """Hold the halves to the network; return how many numbers of a picture pass between them."""
    chance = torch.get_rng_state()
    before = copy.deepcopy(model.state_dict())
    halves = split(model, pictures[:2])
    assert torch.equal(torch.get_rng_state(), chance)
    assert all(torch.equal(one, model.state_dict()[name]) for name, one in before.items())
    with torch.random.fork_rng():
        torch.manual_seed(3)
        state = torch.get_rng_state()
        features = halves.settled(pictures)
        assert torch.equal(torch.get_rng_state(), state), "what is settled draws no chance"
    assert not any(one.requires_grad for one in features)
    whole = answered(model, pictures)
    cut = answered(lambda _: halves.rest(features), pictures)
    assert torch.equal(whole[1], cut[1])
    for one, other in zip(whole[0], cut[0], strict=True):
        assert torch.equal(one, other)
        assert one.std() > 1e-3, "a network that says the same of all would hide a fault"
    return tuple(one[0].numel() for one in features)


@pytest.mark.parametrize("mode", ["train", "eval"])
@pytest.mark.parametrize(
    "backbone",
    [
        "resnet18",
        "cifar_se_resnet20",
        "mobilenet_v3_small",  # a dropout within its classifier, of which one layer learns
        "googlenet",  # heads beside the last, each behind a dropout
        "shufflenet_v2_x0_5",
        "swin_t",
    ],
)
def test_the_halves_are_the_network(backbone: str, mode: str) -> None:
    model = network(backbone)
    model.train(mode == "train")
    if mode == "train":
        freezing.prepare(model, "backbone", 0)
    generator = torch.Generator().manual_seed(0)
    assert_same(model, torch.randn(5, 3, 64, 64, generator=generator))


def test_only_what_the_head_is_given_passes_between() -> None:
    pictures = torch.randn(3, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    assert assert_same(network("resnet18"), pictures) == (512,)
    assert assert_same(network("googlenet"), pictures) == (1024, 1024, 1024)


def test_a_frozen_beginning_alone_is_settled() -> None:
    pictures = torch.randn(4, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    model = network("resnet18", ("conv1", "bn1", "layer1", "layer2", "layer3"))
    halves = split(model, pictures)
    [features] = halves.settled(pictures)
    assert features.shape == (4, 256, 4, 4)
    before = model.get_submodule("layer4.0.bn1").running_mean
    assert isinstance(before, Tensor)
    kept = before.clone()
    halves.rest((features,))
    assert not torch.equal(before, kept), "norms that learn count what they see, once"
    twin = copy.deepcopy(model)
    assert torch.equal(parts(halves.rest((features,)))[0], parts(twin(pictures))[0])


class Odd(nn.Module):
    """Frozen, but for its last layer, and with one thing besides that is not settled."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        self.body, self.fc = nn.Linear(12, 4), nn.Linear(4, 2)
        self.still = nn.BatchNorm1d(4, affine=False)  # has no parameter, and learns all the same
        self.body.requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        count = x.shape[0]
        x = self.body(x.flatten(1))
        if self.kind == "functional dropout":
            x = functional.dropout(x, 0.5, self.training)
        if self.kind == "statistics":
            x = self.still(x)
        if self.kind == "path":
            x = x if x.sum() > 0 else -x
        logits: Tensor = self.fc(x)
        return logits / count if self.kind == "count" else logits


@pytest.mark.parametrize("kind", ["plain", "functional dropout", "statistics"])
def test_chance_and_statistics_are_not_settled(kind: str) -> None:
    torch.manual_seed(0)
    model = Odd(kind)
    halves = split(model, torch.randn(2, 3, 2, 2))
    targets = [str(node.target) for node in halves.rest.graph.nodes]
    assert any("dropout" in target for target in targets) == (kind == "functional dropout")
    assert ("still" in targets) == (kind == "statistics")
    assert "body" not in targets
    if kind != "statistics":  # each call counts
        assert_same(model, 9 * torch.randn(6, 3, 2, 2))


@pytest.mark.parametrize(
    ("kind", "why"),
    [("path", "torch.fx cannot follow Odd"), ("count", "given more than tensors of a row")],
)
def test_what_cannot_be_told_apart_is_refused(kind: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        split(Odd(kind), torch.ones(2, 3, 2, 2))


@pytest.mark.parametrize("freeze", [False, ("layer4",), ("fc",)])
def test_where_nothing_comes_before_what_is_trained_there_is_no_cut(freeze: Freeze) -> None:
    with pytest.raises(ValueError, match="nothing comes before what is trained"):
        split(network("resnet18", freeze), torch.ones(2, 3, 64, 64))
