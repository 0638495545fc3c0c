"""Other machines, made of this one: training whose every layer is off by a little, at random.

Another thread count or processor adds the same numbers up in another order, and each sum comes out
a few bits otherwise. That alone decides little; what it grows into does, and it grows by what the
network and its learning rate make of it. Nobody can tell beforehand. So it is tried, as in Monte
Carlo arithmetic (Parker, Pierce and Eggert, "Monte Carlo arithmetic: how to gamble with floating
point and win", Computing in Science & Engineering 2 (4), 2000).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook

# In units of the last place. More than sums differ by, since the largest jumps are made not by how
# far a number is off but by that one of many lands on the other side of a ReLU's kink: this makes
# them happen within few tries. Half precision is coarse enough for that by itself.
_PLACES = {torch.float32: 64.0, torch.float64: 64.0}


@contextmanager
def jitter(seed: int) -> Iterator[None]:
    """Let every layer that has weights, of any network, be off by chance, and its gradient too.

    Training draws none of its own chance otherwise for it: the noise has a generator of its own.
    """
    generators: dict[torch.device, torch.Generator] = {}

    def off(values: Tensor) -> Tensor:
        generator = generators.get(values.device)
        if generator is None:
            generator = torch.Generator(values.device).manual_seed(seed)
            generators[values.device] = generator
        exact = values.detach().to(torch.promote_types(values.dtype, torch.float32))
        size = torch.maximum(exact.abs(), exact.square().mean().sqrt())
        reach = _PLACES.get(values.dtype, 1.0) * torch.finfo(values.dtype).eps
        noise = torch.empty_like(exact).uniform_(-reach, reach, generator=generator) * size
        return values + ((exact + noise).to(values.dtype) - values.detach())

    def hook(module: nn.Module, _: Any, output: Any) -> Any:
        if not isinstance(output, Tensor) or not output.is_floating_point() or output.is_meta:
            return None
        if next(module.parameters(recurse=False), None) is None:
            return None
        moved = off(output)
        if moved.requires_grad:
            moved.register_hook(off)
        return moved

    handle = register_module_forward_hook(hook)
    try:
        yield
    finally:
        handle.remove()
