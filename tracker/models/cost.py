"""What a net costs: how many numbers it learns, and how much arithmetic one picture takes."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from itertools import chain

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from tracker.errors import UsageError


@dataclass(frozen=True)
class Cost:
    """`parameters`: numbers learnt. `flops`: operations of one picture's forward pass.

    As torch.utils.flop_counter counts them: convolutions and matrix products only, a multiply
    and its add as two. Papers often count that pair as one, so halve to compare with them.
    """

    parameters: int
    flops: int


def cost(model: nn.Module, image_size: int) -> Cost:
    """The cost of `model` for one picture [3, image_size, image_size].

    Nothing is computed and `model` is not touched: a copy without memory (torch's meta device)
    is walked, whatever device or mode the model is in. Raises UsageError, naming the smallest
    size that works, where the picture is too small.
    """
    ghost = _without_memory(model)
    counter = FlopCounterMode(display=False)
    try:
        with counter:
            _forward(ghost, image_size)
    except (RuntimeError, IndexError) as error:
        smallest = next((n for n in range(image_size + 1, 513) if _works(ghost, n)), None)
        if smallest is None:
            raise  # not the picture's fault
        raise UsageError(
            f"pictures of {image_size}×{image_size} are too small for this net; "
            f"the smallest it takes are {smallest}×{smallest}"
        ) from error
    parameters = sum(p.numel() for p in model.parameters())
    return Cost(parameters, counter.get_total_flops())


def _without_memory(model: nn.Module) -> nn.Module:
    """A copy in evaluation mode whose tensors have shapes only; the weights are never copied."""
    tensors: chain[Tensor] = chain(model.parameters(), model.buffers())
    memo = {id(t): t.to("meta") for t in tensors}
    return copy.deepcopy(model, memo).eval()


@torch.no_grad()
def _forward(ghost: nn.Module, image_size: int) -> None:
    ghost(torch.empty(1, 3, image_size, image_size, device="meta"))


def _works(ghost: nn.Module, image_size: int) -> bool:
    try:
        _forward(ghost, image_size)
    except (RuntimeError, IndexError):
        return False
    return True
