"""The shape of what flows out of each operation of a network, asking torch as little as can be.

Torch finds a shape in Python, at up to a millisecond an operation: that takes several times what
all else does that draws a graph.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Hashable
from functools import partial
from typing import Any, TypeAlias

import torch
from torch import Tensor, fx, nn
from torch.fx.node import Target, map_aggregate

# What may be done with a tensor that has no numbers: its shape, its strides and its type.
Layout: TypeAlias = tuple[torch.Size, tuple[int, ...], torch.dtype]


def shapes_in(graph: fx.Graph, model: nn.Module, size: int) -> dict[fx.Node, torch.Size | None]:
    """Return what flows out of the nodes of `graph` for a picture [1, 3, size, size].

    A node that yields a tensor has its shape, one that yields several has None, and one that yields
    none is not there. `model`, which `graph` was traced from, is on "meta" and in evaluation mode.
    Raises what torch raises where an operation cannot take what comes to it.
    """
    walk = _Walk(model, graph=graph)
    walk.run(torch.empty(1, 3, size, size, device="meta"))
    return walk.shapes


def _fits(_layer: nn.Module, x: Tensor) -> bool:
    return x.is_floating_point()


def _fits_batch_norm(norm: nn.BatchNorm2d, x: Tensor) -> bool:
    if norm.training or norm.running_mean is None:
        return False  # it takes the statistics of the picture, and refuses a single pixel
    return norm.running_mean.dtype == x.dtype and x.dim() == 4 and x.shape[1] == norm.num_features


def _fits_layer_norm(norm: nn.LayerNorm, x: Tensor) -> bool:
    alike = x.is_floating_point() if norm.weight is None else norm.weight.dtype == x.dtype
    return alike and x.shape[-len(norm.normalized_shape) :] == norm.normalized_shape


# What comes out has the shape of what goes in, if that is what such a layer takes.
_KEEP_SHAPE: dict[type[nn.Module], Callable[[Any, Tensor], bool]] = {
    nn.BatchNorm2d: _fits_batch_norm,
    nn.LayerNorm: _fits_layer_norm,
    **dict.fromkeys((nn.ReLU, nn.ReLU6, nn.SiLU, nn.GELU, nn.Identity, nn.Dropout), _fits),
    **dict.fromkeys((nn.Sigmoid, nn.Hardswish, nn.Hardsigmoid), _fits),
}
# The same comes out of two if the same goes in and `extra_repr` says the same of both. Of a layer
# that pools with a window it does not say all.
_KNOWN_BY_SETTINGS = frozenset({*_KEEP_SHAPE, nn.Conv2d, nn.Linear, nn.AdaptiveAvgPool2d})
_PAIRWISE = frozenset({operator.add, operator.iadd, operator.mul, torch.add, torch.mul})


class _Walk(fx.Interpreter):
    """Computes with tensors that have no numbers, and notes their shapes."""

    def __init__(self, model: nn.Module, graph: fx.Graph) -> None:
        super().__init__(model, graph=graph)
        self.shapes: dict[fx.Node, torch.Size | None] = {}
        self._found: dict[Hashable, Layout] = {}

    def run_node(self, n: fx.Node) -> Any:
        result = super().run_node(n)
        if isinstance(result, Tensor):
            self.shapes[n] = result.shape
        elif _holds_tensors(result):
            self.shapes[n] = None
        return result

    def call_module(self, target: Target, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        layer = self.submodules[str(target)]
        kind, asked = type(layer), partial(layer, *args, **kwargs)
        if kind not in _KNOWN_BY_SETTINGS or _altered(layer) or not _tensors_alone(args, kwargs):
            return asked()
        if kind in _KEEP_SHAPE and args[0].is_contiguous() and _KEEP_SHAPE[kind](layer, args[0]):
            return args[0].clone()
        return self._ask((kind, layer.extra_repr()), args, asked)

    def call_function(self, target: Target, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        asked = partial(super().call_function, target, args, kwargs)
        if target not in _PAIRWISE or not _tensors_alone(args, kwargs):
            return asked()
        return self._ask(target, args, asked)

    def _ask(self, what: Hashable, args: tuple[Tensor, ...], asked: Callable[[], Tensor]) -> Tensor:
        """Ask torch, or recall what it said when it was asked `what` of the like of `args`.

        What is returned is nobody else's: its shape can be changed in place.
        """
        key = (what, *map(_layout, args))
        if key not in self._found:
            self._found[key] = _layout(asked())
        shape, stride, dtype = self._found[key]
        return torch.empty_strided(shape, stride, dtype=dtype, device="meta")


def _layout(x: Tensor) -> Layout:
    return x.shape, x.stride(), x.dtype


def _holds_tensors(value: Any) -> bool:
    found: list[Any] = []
    map_aggregate(value, found.append)
    return any(isinstance(one, Tensor) for one in found)


def _tensors_alone(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    return not kwargs and all(isinstance(one, Tensor) for one in args)


def _altered(layer: nn.Module) -> bool:
    """Whether it may do something else than what its kind and its settings say."""
    return bool(layer._forward_hooks or layer._forward_pre_hooks or "forward" in vars(layer))
