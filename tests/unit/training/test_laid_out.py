"""An optimizer of weights in any layout, against torch's plain one, of weights as they come."""

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import nn
from torch.profiler import profile

from tracker.training.laid_out import LaidOut

Build = Callable[..., torch.optim.Optimizer]
BUILDS: list[Build] = [
    partial(torch.optim.SGD, lr=0.1, momentum=0.9, weight_decay=0.01),
    partial(torch.optim.AdamW, lr=0.1, weight_decay=0.01),
]
LAYOUTS = [torch.contiguous_format, torch.channels_last]
either = pytest.mark.parametrize("layout", LAYOUTS, ids=["contiguous", "channels_last"])
all_kinds = pytest.mark.parametrize("build", BUILDS, ids=["sgd", "adamw"])


def network(layout: torch.memory_format) -> nn.Module:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 1), nn.Flatten(), nn.Linear(36, 2))
    return model.to(memory_format=layout)


def laid_out(model: nn.Module, build: Build) -> LaidOut:
    conv, *rest = model.parameters()
    return LaidOut(partial(build, fused=True), [{"params": rest}, {"params": [conv], "lr": 0.05}])


def train(model: nn.Module, step: Callable[[], object], numbers: range) -> None:
    for number in numbers:
        model.zero_grad()
        torch.manual_seed(number)
        model(torch.randn(2, 3, 5, 5)).square().mean().backward()
        step()


def weights(model: nn.Module) -> list[torch.Tensor]:
    return [one.detach().clone() for one in model.parameters()]


@all_kinds
@either
def test_it_learns_what_the_plain_optimizer_learns(
    build: Build, layout: torch.memory_format
) -> None:
    model, plain = network(layout), network(torch.contiguous_format)
    train(model, laid_out(model, build).step, range(3))
    conv, *rest = plain.parameters()
    groups = [{"params": rest}, {"params": [conv], "lr": 0.05}]
    train(plain, build(groups, foreach=False).step, range(3))
    torch.testing.assert_close(weights(model), weights(plain), rtol=1e-5, atol=1e-6)
    assert model[0].weight.is_contiguous(memory_format=layout)  # type: ignore[index]


@all_kinds
@pytest.mark.parametrize("then", LAYOUTS, ids=["then_contiguous", "then_channels_last"])
@either
def test_a_state_is_taken_up_in_any_layout(
    build: Build, layout: torch.memory_format, then: torch.memory_format
) -> None:
    whole = network(layout)
    train(whole, laid_out(whole, build).step, range(4))
    first = network(layout)
    optimizer = laid_out(first, build)
    train(first, optimizer.step, range(2))
    saved = copy.deepcopy((first.state_dict(), optimizer.state_dict()))
    second = network(then)
    second.load_state_dict(saved[0])
    optimizer = laid_out(second, build)
    optimizer.load_state_dict(saved[1])
    train(second, optimizer.step, range(2, 4))
    torch.testing.assert_close(weights(second), weights(whole), rtol=1e-5, atol=1e-6)


@all_kinds
@either
def test_states_have_the_shapes_of_weights(build: Build, layout: torch.memory_format) -> None:
    model = network(layout)
    optimizer = laid_out(model, build)
    train(model, optimizer.step, range(1))
    parameters = [*list(model.parameters())[1:], next(model.parameters())]
    document = optimizer.state_dict()
    for number, state in document["state"].items():
        for name, one in state.items():
            if name != "step":
                assert one.shape == parameters[number].shape
                assert one.stride() == parameters[number].stride()
    assert [group["params"] for group in document["param_groups"]] == [[0, 1, 2, 3, 4], [5]]


@either
def test_what_has_no_gradient_stays(layout: torch.memory_format) -> None:
    model = network(layout)
    optimizer = laid_out(model, BUILDS[0])
    before = weights(model)
    train(model, optimizer.step, range(1))
    changed = weights(model)
    optimizer.zero_grad()
    assert all(one.grad is None for one in model.parameters())
    optimizer.step()
    assert all(map(torch.equal, weights(model), changed))
    assert not any(map(torch.equal, changed, before))


def test_no_gradient_is_copied() -> None:
    model = network(torch.channels_last)
    optimizer = laid_out(model, BUILDS[0])
    counts: list[Any] = []

    def step() -> None:
        with profile() as profiled:
            optimizer.step()
        counts.append([one.count for one in profiled.key_averages() if one.key == "aten::copy_"])

    train(model, step, range(2))
    assert counts[1] == []


def test_a_weight_of_any_strides_keeps_its_state() -> None:
    def fresh() -> nn.Parameter:
        torch.manual_seed(0)
        return nn.Parameter(torch.randn(5, 3).t())

    def step(weight: nn.Parameter, optimizer: LaidOut) -> None:
        weight.grad = torch.empty_like(weight).copy_(torch.arange(15.0).view(3, 5))
        optimizer.step()

    build = partial(torch.optim.SGD, lr=0.1, momentum=0.9, fused=True)
    whole = fresh()
    optimizer = LaidOut(build, [{"params": [whole]}])
    step(whole, optimizer)
    cut = nn.Parameter(whole.detach().clone())
    assert cut.stride() == whole.stride() == (1, 3)
    saved = copy.deepcopy(optimizer.state_dict())
    before = copy.deepcopy(saved)
    step(whole, optimizer)
    optimizer = LaidOut(build, [{"params": [cut]}])
    optimizer.load_state_dict(saved)
    step(cut, optimizer)
    assert torch.equal(cut, whole)
    momentum = saved["state"][0]["momentum_buffer"]
    assert torch.equal(momentum, before["state"][0]["momentum_buffer"])


def test_a_weight_that_was_replaced_is_not_left_behind_in_silence() -> None:
    model = network(torch.channels_last)
    optimizer = laid_out(model, BUILDS[0])
    train(model, optimizer.step, range(1))
    model.to(memory_format=torch.contiguous_format)
    with pytest.raises(RuntimeError, match="behind its optimizer's back"):
        optimizer.step()
