"""How far from the head each parameter is, for learning rates that fall towards the input."""

from __future__ import annotations

from torch import nn

from tracker.models.head import heads, in_head

_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)


def distances(model: nn.Module) -> dict[str, int]:
    """By the name of each parameter, how many layers lie between it and the logits; 0: the head.

    A layer is a residual or transformer block, or whatever else stands in a row with such; a norm,
    a bias or a token that stands alone belongs to the layer before it (the first ones to the layer
    after). Layers are taken in the order in which the network was put together.
    """
    paths = heads(model)
    total = sum(one.numel() for one in model.parameters())
    blocks = _blocks(model, "", total)
    layer, number = {}, 0
    opened = False  # whether the layer of this number has a weight already
    for names, has_weight in blocks:
        if has_weight and opened:
            number += 1
        opened = opened or has_weight
        layer.update(dict.fromkeys((name for name in names if not in_head(name, paths)), number))
    deepest = max(layer.values(), default=0)
    return {
        name: 0 if in_head(name, paths) else deepest - layer[name] + 1
        for name, _ in model.named_parameters()
    }


def _blocks(module: nn.Module, prefix: str, total: int) -> list[tuple[list[str], bool]]:
    """The names of the parameters of each block below `module`, and whether it has a weight.

    What holds most of all parameters is no block but the trunk that the blocks are in.
    """
    found = []
    if own := [f"{prefix}{name}" for name, _ in module.named_parameters(recurse=False)]:
        found.append((own, False))  # a token, or places for patches: no layer of its own
    for name, child in module.named_children():
        parameters = dict(child.named_parameters())
        size = sum(one.numel() for one in parameters.values())
        inside = any(True for _ in child.children())
        if inside and (isinstance(child, _CONTAINERS) or 2 * size > total):
            found += _blocks(child, f"{prefix}{name}.", total)
        elif parameters:
            names = [f"{prefix}{name}.{one}" for one in parameters]
            found.append((names, any(one.ndim > 1 for one in parameters.values())))
    return found
