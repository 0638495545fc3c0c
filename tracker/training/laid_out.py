"""An optimizer that is given every weight as it lies in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

Groups = list[dict[str, Any]]


class LaidOut:
    """The optimizer `build` makes of `groups`, of weights in any layout.

    torch's fused kernels for CPUs copy each gradient that is not contiguous, and go through weight,
    gradient and momentum as they lie, whatever their strides say (torch 2.15): a momentum from a
    checkpoint in another layout would be added to the wrong weights. So a weight in channels_last,
    [O, C, H, W], is handed on as the contiguous [O, H, W, C] that it is in memory. Nobody outside
    sees that: states have the shapes and layouts of weights. Weights must stay where they are.
    """

    def __init__(self, build: Callable[[Groups], torch.optim.Optimizer], groups: Groups) -> None:
        self._weights: list[nn.Parameter] = [one for group in groups for one in group["params"]]
        aliases = {one: _alias(one) for one in self._weights}
        self._turned = [(one, alias) for one, alias in aliases.items() if alias is not one]
        self._optimizer = build(
            [{**group, "params": [aliases[one] for one in group["params"]]} for group in groups]
        )

    @property
    def param_groups(self) -> Groups:
        """The optimizer's own, whose settings may be changed."""
        return self._optimizer.param_groups

    def step(self) -> None:
        """Change every weight that has a gradient."""
        for weight, alias in self._turned:
            if alias.data_ptr() != weight.data_ptr():
                raise RuntimeError("a weight was moved or replaced behind its optimizer's back")
            alias.grad = None if weight.grad is None else _turned(weight.grad)
        self._optimizer.step()

    def zero_grad(self) -> None:
        """Let go of all gradients, without the record for the profiler that torch makes of it."""
        for weight in self._weights:
            weight.grad = None
        for _, alias in self._turned:
            alias.grad = None

    def state_dict(self) -> dict[str, Any]:
        """What the optimizer's own `state_dict` says, of weights as the network has them.

        No copy: the next step changes it.
        """
        document = self._optimizer.state_dict()
        return {**document, "state": self._each(document["state"], _as_weight)}

    def load_state_dict(self, document: dict[str, Any]) -> None:
        """Take up a copy of what `state_dict` gave, in whatever layout it was."""
        self._optimizer.load_state_dict(
            {**document, "state": self._each(document["state"], _as_alias)}
        )

    def _each(
        self, states: dict[int, dict[str, Any]], changed: Callable[[Tensor, nn.Parameter], Tensor]
    ) -> dict[int, dict[str, Any]]:
        """`states`, by the number of a weight, with what is kept of each of its numbers changed."""
        return {
            number: {
                name: changed(one, self._weights[number])
                if isinstance(one, Tensor) and one.ndim
                else one
                for name, one in state.items()
            }
            for number, state in states.items()
        }


def _is_turned(weight: Tensor) -> bool:
    return (
        weight.ndim == 4
        and not weight.is_contiguous()
        and weight.is_contiguous(memory_format=torch.channels_last)
    )


def _turned(one: Tensor) -> Tensor:
    """Numbers [O, C, H, W] as contiguous [O, H, W, C]: of a tensor in channels_last the same."""
    return one.permute(0, 2, 3, 1).contiguous()


def _alias(weight: nn.Parameter) -> nn.Parameter:
    return nn.Parameter(_turned(weight.detach())) if _is_turned(weight) else weight


def _as_weight(kept: Tensor, weight: nn.Parameter) -> Tensor:
    return kept.permute(0, 3, 1, 2) if _is_turned(weight) else kept


def _as_alias(kept: Tensor, weight: nn.Parameter) -> Tensor:
    laid = torch.empty_like(weight, dtype=kept.dtype).copy_(kept)  # as the weight lies
    return _turned(laid) if _is_turned(weight) else laid
