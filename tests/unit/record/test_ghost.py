from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from types import MethodType
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from tracker.record.ghost import ghost_of


def plain(model: nn.Module) -> nn.Module:
    """A ghost by `copy.deepcopy` alone."""
    memo: dict[int, Any] = {id(one): one.to("meta") for one in model.buffers()}
    for one in model.parameters():
        memo[id(one)] = nn.Parameter(one.to("meta"), requires_grad=one.requires_grad)
    return copy.deepcopy(model, memo).eval()


def outline(value: Any, numbers: dict[int, int]) -> Any:
    """`value` as it can be compared; what is met again is told by the number it got first."""
    if isinstance(value, MethodType):
        return value.__func__, outline(value.__self__, numbers)
    if not isinstance(value, (nn.Module, Tensor, dict, list, tuple, set, Held)):
        return value
    if id(value) in numbers:
        return numbers[id(value)]
    numbers[id(value)] = len(numbers)
    if isinstance(value, Tensor):
        return type(value), value.shape, value.dtype, value.device, value.requires_grad
    if isinstance(value, (nn.Module, Held)):
        return type(value).__name__, outline(vars(value), numbers)
    if isinstance(value, dict):
        return type(value), [(key, outline(one, numbers)) for key, one in value.items()]
    return type(value), [outline(one, numbers) for one in value]


class Held:
    """Something a module refers to that is no module and refers to one."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module


class Block(nn.Module):
    """What modules are, and what people make of theirs."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.again = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)
        self.again.weight = self.conv.weight
        self.same = self.conv
        self.parts = nn.Sequential(nn.BatchNorm2d(3), nn.ReLU(), nn.ReLU())
        self.parts.append(self.conv)
        self.register_buffer("scale", torch.ones(3, 1, 1, dtype=torch.float64), persistent=False)
        self.register_parameter("absent", None)
        self.conv.requires_grad_(False)
        self.parent, self.held = [self], Held(self.parts)
        self.act = self._act
        self.table: dict[Any, Any] = {"a": [1, [2]], 3: (self.conv, 1)}
        self.empty: list[int] = []
        self.also = self.empty
        self.sizes, self.names = (1, (2, 3)), {"x"}
        self.plain_tensor = torch.zeros(2)
        self.register_forward_hook(_hook)

    def _act(self, x: Tensor) -> Tensor:
        self.empty.append(1)
        return x.relu()

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.act(self.parts(x))
        return out


def _hook(_module: nn.Module, _args: Any, out: Tensor) -> Tensor:
    return out


class Deepcopied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(2, 2)

    def __deepcopy__(self, memo: dict[int, Any]) -> Deepcopied:
        made = Deepcopied()
        made.inner = copy.deepcopy(self.inner, memo)
        made.inner.out_features = -1  # a mark
        return made


class Packed(nn.Module):
    """Copies as it pickles: in a way of its own."""

    def __init__(self, width: int = 2) -> None:
        super().__init__()
        self.width = width

    def __reduce__(self) -> Any:
        return Packed, (self.width + 1,)


class Stateful(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cache = {"dropped": 1}

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "cache": {}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.woken = True


class Halves(nn.Module):
    def forward(self, weight: Tensor) -> Tensor:
        return weight / 2


def parametrized() -> nn.Module:
    layer = nn.Linear(2, 2)
    parametrize.register_parametrization(layer, "weight", Halves())
    return layer


def spectral() -> nn.Module:
    made: nn.Module = nn.utils.parametrizations.spectral_norm(nn.Linear(2, 2))
    return made


MODELS: dict[str, Callable[[], nn.Module]] = {
    one.__name__: one for one in (Block, Deepcopied, Packed, Stateful, parametrized, spectral)
}


@pytest.mark.parametrize("within", [False, True])
@pytest.mark.parametrize("kind", MODELS)
def test_it_is_what_a_deep_copy_would_be(kind: str, within: bool) -> None:
    model = MODELS[kind]()
    if within:
        model = nn.Sequential(nn.ReLU(), model, nn.ModuleDict({"again": model, "new": Block()}))
    before = outline(model, {})
    made = ghost_of(model)
    assert outline(made, {}) == outline(plain(model), {})
    assert outline(model, {}) == before
    assert not any(module.training for module in made.modules())
    assert {one.device.type for one in [*made.parameters(), *made.buffers()]} <= {"meta"}


def test_what_it_does_to_itself_leaves_the_model_alone() -> None:
    model = Block()
    before = outline(model, {})
    made: Any = ghost_of(model)
    made(torch.empty(1, 3, 2, 2, device="meta"))
    made.table["a"][1].append(3)
    made.parts.append(nn.ReLU())
    made.names.add("z")
    made.plain_tensor.add_(1)
    made.conv.kernel_size = 9
    made.conv.register_forward_hook(_hook)
    made._forward_hooks.clear()
    assert made.empty == made.also == [1]
    assert made.parent[0] is made
    assert outline(model, {}) == before != outline(made, {})
    assert model.plain_tensor.tolist() == [0, 0]


def test_what_torchscript_compiled_is_copied_in_its_own_way() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch deprecates it
        model: Any = nn.Sequential(torch.jit.script(nn.Linear(3, 5)), nn.Linear(5, 2))
    made: Any = ghost_of(model)
    assert made[0].original_name == "Linear"
    assert made[0] is not model[0]
    assert [one.device.type for one in model.parameters()] == ["cpu"] * 4
    assert [one.device.type for one in made[1].parameters()] == ["meta"] * 2
