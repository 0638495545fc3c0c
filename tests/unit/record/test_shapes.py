from __future__ import annotations

import copy
import operator
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, fx, nn
from torch.fx.passes.shape_prop import ShapeProp

from tracker.record.shapes import shapes_in

Found = list[tuple[str, torch.Size | None]]
Order = Callable[[Tensor], Tensor]
SIZE = 9

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")


class Fan(nn.Module):
    """Each of its layers is handed what `before` makes of the pictures."""

    def __init__(self, *layers: nn.Module, before: Order = operator.neg) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.before = before

    def forward(self, x: Tensor) -> list[Tensor]:
        x = self.before(x)
        return [layer(x) for layer in self.layers]


class Flat(nn.Module):
    """Refuses what its layer makes where that does not lie in memory in order."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.layer(x)
        return out.view(-1)


def ours(model: nn.Module) -> Found:
    graph = fx.Tracer().trace(model)
    found = shapes_in(graph, model, SIZE)
    return [(node.name, found[node]) for node in graph.nodes if node in found]


def torchs(model: nn.Module) -> Found:
    traced = fx.symbolic_trace(model)
    ShapeProp(traced).propagate(torch.empty(1, 3, SIZE, SIZE, device="meta"))
    metas = {node.name: node.meta.get("tensor_meta") for node in traced.graph.nodes}
    return [(name, getattr(meta, "shape", None)) for name, meta in metas.items() if meta]


def outcome(way: Callable[[nn.Module], Found], model: nn.Module) -> Found | None:
    """What `way` finds, or None if it raises."""
    try:
        return way(copy.deepcopy(model))
    except (RuntimeError, ValueError):
        return None


def fan(*layers: nn.Module, **given: Any) -> nn.Module:
    return Fan(*layers, **given).to("meta").eval()


small = st.integers(1, 3)
pair = st.one_of(small, st.tuples(small, small))


@st.composite
def convolutions(draw: st.DrawFn) -> nn.Module:
    padding = draw(st.one_of(pair, st.sampled_from(["same", "valid"])))
    return nn.Conv2d(
        draw(st.sampled_from([3, 3, 3, SIZE])),
        draw(st.sampled_from([3, 6])),
        draw(pair),
        stride=1 if padding == "same" else draw(pair),
        padding=padding,
        dilation=draw(pair),
        groups=draw(st.sampled_from([1, 3])),
        padding_mode=draw(st.sampled_from(["zeros", "reflect", "replicate", "circular"])),
        bias=draw(st.booleans()),
    )


windows = st.builds(
    lambda kind, kernel, stride, padding, ceil: kind(
        kernel, stride, kernel // 2 * padding, ceil_mode=ceil
    ),
    *(st.sampled_from([nn.MaxPool2d, nn.AvgPool2d]), st.integers(1, 4), st.none() | small),
    *(st.booleans(), st.booleans()),
)
OTHERS: list[nn.Module] = [
    *(nn.AdaptiveAvgPool2d(1), nn.AdaptiveAvgPool2d((None, 2)), nn.AdaptiveAvgPool2d((4, 5))),
    *(nn.Linear(SIZE, 4), nn.Linear(SIZE, 4, bias=False), nn.Linear(3, 4)),
    *(nn.BatchNorm2d(3), nn.BatchNorm2d(4), nn.BatchNorm2d(3, affine=False)),
    *(nn.BatchNorm2d(3, track_running_stats=False), nn.BatchNorm2d(3).double()),
    *(nn.LayerNorm(SIZE), nn.LayerNorm((SIZE, SIZE)), nn.LayerNorm(3), nn.LayerNorm([3] * 4)),
    *(nn.LayerNorm(SIZE, elementwise_affine=False), nn.LayerNorm(SIZE).double()),
    *(nn.ReLU(), nn.ReLU6(), nn.SiLU(), nn.GELU(), nn.Sigmoid(), nn.Hardswish()),
    *(nn.Hardsigmoid(), nn.Identity(), nn.Dropout(), nn.ReLU(inplace=True)),
]
layers = st.one_of(convolutions(), windows, st.sampled_from(OTHERS))
ORDERS: list[Order] = [
    operator.neg,
    lambda x: x.transpose(2, 3),
    lambda x: x.permute(0, 2, 3, 1),
    lambda x: x.contiguous(memory_format=torch.channels_last),
    lambda x: x[:, :, ::2],
    lambda x: x.mean((2, 3), keepdim=True),
    lambda x: x.flatten(2),
    lambda x: x.int(),
]


@given(st.lists(layers | st.builds(Flat, layers), min_size=1, max_size=4), st.sampled_from(ORDERS))
def test_torch_finds_the_same_or_refuses_the_same(drawn: list[nn.Module], before: Order) -> None:
    model = fan(*map(copy.deepcopy, drawn), before=before)
    assert outcome(ours, model) == outcome(torchs, model)


@pytest.mark.parametrize("before", ORDERS, ids=range(len(ORDERS)))
@pytest.mark.parametrize("layer", [*OTHERS, nn.Conv2d(3, 3, 1)], ids=str)
def test_what_lies_otherwise_in_memory_or_is_of_another_kind_is_told_apart(
    layer: nn.Module, before: Order
) -> None:
    class Twice(Fan):
        def forward(self, x: Tensor) -> list[Tensor]:
            return [*super().forward(-x), *super().forward(self.before(x))]

    flat = Twice(Flat(copy.deepcopy(layer)), before=before).to("meta").eval()
    assert outcome(ours, flat) == outcome(torchs, flat)
    training = fan(copy.deepcopy(layer), before=before).train()
    assert outcome(ours, training) == outcome(torchs, training)


@given(convolutions(), st.data())
def test_layers_that_differ_in_one_setting_are_told_apart(
    layer: nn.Conv2d, data: st.DataObject
) -> None:
    other = data.draw(convolutions())
    for each in (layer, other):
        alone = outcome(ours, fan(each))
        both = outcome(ours, fan(layer, other))
        if alone and both:
            position = 0 if each is layer else 1
            assert [size for name, size in both if name == f"layers_{position}"] == [alone[2][1]]


def test_windows_that_differ_in_what_they_do_not_tell_are_told_apart() -> None:
    model = fan(
        *(nn.AvgPool2d(2), nn.AvgPool2d(2, ceil_mode=True)),
        *(nn.MaxPool2d(2), nn.MaxPool2d(2, return_indices=True)),
    )
    found = dict(ours(model))
    assert [found[f"layers_{index}"] for index in range(4)] == [
        *((1, 3, 4, 4), (1, 3, 5, 5), (1, 3, 4, 4)),
        None,  # two tensors
    ]


def test_a_layer_that_was_altered_is_asked_itself() -> None:
    conv, hooked, primed, other = (nn.Conv2d(3, 3, 1) for _ in range(4))
    hooked.register_forward_hook(lambda _layer, _args, out: out[:, :1])
    primed.register_forward_pre_hook(lambda _layer, args: args[0][:, :, :2])
    vars(other)["forward"] = lambda x: x[..., 0]
    model = fan(conv, hooked, primed, other)
    found = dict(ours(model))
    assert [found[f"layers_{index}"] for index in range(4)] == [
        *((1, 3, 9, 9), (1, 1, 9, 9), (1, 3, 2, 9), (1, 3, 9)),
    ]


def test_what_comes_out_lies_in_memory_as_torch_lays_it_and_keeps_its_type() -> None:
    class Particular(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.act = nn.ReLU()

        def forward(self, x: Tensor) -> list[Tensor]:
            channels_last = self.act(x.contiguous(memory_format=torch.channels_last))
            turned = self.act(x.transpose(2, 3))
            places = self.act(x.transpose(2, 3).int())
            return [channels_last, turned.transpose(2, 3).view(-1), x.flatten()[places]]

    assert ours(Particular()) == torchs(Particular())


def test_a_shape_changed_in_place_changes_no_other() -> None:
    class Changing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two, self.act = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1), nn.ReLU()

        def forward(self, x: Tensor) -> list[Tensor]:
            changed = [self.one(x).unsqueeze_(0), self.act(x).squeeze_(0), (x + x).unsqueeze_(0)]
            return [*changed, self.two(x), self.act(x), x + x]

    model = Changing().to("meta").eval()
    assert ours(model) == torchs(model)


def test_what_carries_no_tensor_is_left_out() -> None:
    class Sized(nn.Module):
        def forward(self, x: Tensor) -> tuple[Tensor, ...]:
            parts: tuple[Tensor, ...] = x.reshape(x.size(0) * 3, -1).chunk(3)
            return parts

    assert ours(Sized()) == [
        *(("x", (1, 3, 9, 9)), ("reshape", (3, 81)), ("chunk", None), ("output", None)),
    ]


@pytest.mark.parametrize("stem", [nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 1)])
def test_what_repeats_is_asked_once(stem: nn.Conv2d, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    real = nn.Conv2d.forward

    def forward(conv: nn.Conv2d, x: Tensor) -> Tensor:
        asked.append(conv)
        return real(conv, x)

    monkeypatch.setattr(nn.Conv2d, "forward", forward)
    model = nn.Sequential(stem, *(nn.Conv2d(4, 4, 1) for _ in range(5))).to("meta").eval()
    assert len(ours(model)) == 8
    assert len(asked) == 2
