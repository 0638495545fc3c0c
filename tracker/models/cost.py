"""What a net costs: how many numbers it learns, and how much arithmetic one picture takes."""

from __future__ import annotations

import copy
from bisect import bisect_left
from dataclasses import dataclass
from functools import partial
from itertools import chain

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from tracker.errors import UsageError

LARGEST_TRIED = 512  # pixels; a net that takes no picture of this size is broken in another way
# What nets raise when nothing is left of a picture, or when it is not cut as they need it.
_REFUSALS = (RuntimeError, IndexError, ValueError, AssertionError, ZeroDivisionError)


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
    size that works, where the picture is too small to be trained on or to be judged, or is of a
    size that the model was not made for.
    """
    ghost = _without_memory(model)
    counter = FlopCounterMode(display=False)
    try:
        _train(ghost, image_size)
        with counter:
            _judge(ghost, image_size)
    except _REFUSALS as error:
        smallest = _smallest(ghost)
        if smallest is None or smallest <= image_size:
            other = f"; {smallest}×{smallest} for one it takes" if smallest else ""
            raise UsageError(
                f"this network takes no pictures of {image_size}×{image_size} ({error}){other}; "
                "choose another data.image_size or another model.backbone"
            ) from error
        raise UsageError(
            f"pictures of {image_size}×{image_size} are too small for this network: it takes "
            f"{smallest}×{smallest} and up; choose larger pictures or another model.backbone"
        ) from error
    parameters = sum(p.numel() for p in model.parameters())
    return Cost(parameters, counter.get_total_flops())


def smallest_image(model: nn.Module) -> int:
    """The least S, in pixels, for which `model` takes pictures [3, S, S], in either mode.

    Raises ValueError where it takes none up to LARGEST_TRIED.
    """
    smallest = _smallest(_without_memory(model))
    if smallest is None:
        raise ValueError(f"the network takes no square picture up to {LARGEST_TRIED} pixels")
    return smallest


def _without_memory(model: nn.Module) -> nn.Module:
    """A copy in evaluation mode whose tensors have shapes only; the weights are never copied."""
    tensors: chain[Tensor] = chain(model.parameters(), model.buffers())
    # Detached: the counter of FLOPs stumbles over parameters that a layer is handed as they are.
    memo = {id(tensor): tensor.detach().to("meta") for tensor in tensors}
    return copy.deepcopy(model, memo)


@torch.no_grad()
def _judge(ghost: nn.Module, image_size: int) -> None:
    ghost.eval()(torch.empty(1, 3, image_size, image_size, device="meta"))


@torch.no_grad()
def _train(ghost: nn.Module, image_size: int) -> None:
    """Two pictures: of one, a norm may be left with a single pixel, which has no variance."""
    ghost.train()(torch.empty(2, 3, image_size, image_size, device="meta"))


def _smallest(ghost: nn.Module) -> int | None:
    """By doubling, then by halving what lies between: what takes S takes what is larger."""
    takes = partial(_takes, ghost)
    size = 1
    while not takes(size):
        size *= 2
        if size > LARGEST_TRIED:
            return None
    return bisect_left(range(size), True, lo=size // 2 + 1, key=takes) if size > 2 else size


def _takes(ghost: nn.Module, image_size: int) -> bool:
    try:
        _train(ghost, image_size)
        _judge(ghost, image_size)
    except _REFUSALS:
        return False
    return True
