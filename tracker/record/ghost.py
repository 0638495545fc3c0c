"""A copy of a network without its numbers."""

from __future__ import annotations

import copy
import copyreg
from collections import OrderedDict
from types import FunctionType
from typing import Any

from torch import nn

# What a copy shares with its original, and what is copied at once where it is empty, which of a
# module's hooks are nearly always.
_SHARED = frozenset({type(None), bool, int, float, str, type, FunctionType})
_CONTAINERS = frozenset({dict, list, set, OrderedDict})


def ghost_of(model: nn.Module) -> nn.Module:
    """Return a deep copy of `model` in evaluation mode, its parameters and buffers on "meta".

    It is what `copy.deepcopy` would make of it, in less than half the time: that asks each of a
    module's settings anew how it wants to be copied, and most are numbers and empty dictionaries.
    """
    memo: dict[int, Any] = {id(one): one.to("meta") for one in model.buffers()}
    for one in model.parameters():  # torch.fx wants them to be Parameters still
        memo[id(one)] = nn.Parameter(one.to("meta"), requires_grad=one.requires_grad)
    states = _states(model)
    # All are there before one is filled: a module may know its parent, or be in several places.
    memo.update((id(one), one.__new__(type(one))) for one in states)
    for module, state in states.items():
        copied = {name: _copied(value, memo) for name, value in state.items()}
        memo[id(module)].__setstate__(copied)
    ghost: nn.Module = copy.deepcopy(model, memo)
    return ghost.eval()


def _states(model: nn.Module) -> dict[nn.Module, dict[str, Any]]:
    """Return what there is to copy of each module; nothing of any if one has a way of its own.

    As those have that TorchScript compiled. It may look at the copies of its parts meanwhile.
    """
    states = {}
    for module in model.modules():
        if hasattr(module, "__deepcopy__"):
            return {}
        match module.__reduce_ex__(4):
            case (copyreg.__newobj__, (_,), dict() as state, None, None):  # type: ignore[attr-defined]
                states[module] = state
            case _:
                return {}
    return states


def _copied(value: Any, memo: dict[int, Any]) -> Any:
    """Return a deep copy of `value`, knowing those in `memo`, by id."""
    kind = type(value)
    if kind in _SHARED or (kind is tuple and _SHARED.issuperset(map(type, value))):
        return value
    if id(value) in memo:
        return memo[id(value)]
    if kind in _CONTAINERS and not value:
        return memo.setdefault(id(value), kind())
    if kind is dict:
        copied = memo[id(value)] = {}
        copied.update((_copied(key, memo), _copied(one, memo)) for key, one in value.items())
        return copied
    return copy.deepcopy(value, memo)
