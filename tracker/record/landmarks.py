"""Which of a network's parameters to look at, if not at all of them."""

from __future__ import annotations

from torch import nn

AT_MOST = 10


def landmarks(model: nn.Module) -> dict[str, nn.Parameter]:
    """Return the weights that tell how training goes, by name, in the model's order.

    The first and the last weight (of 2 dimensions or more, so no bias and no norm), and between
    them the largest of each part of `model`, the later where two are as large: the stages of a
    ResNet. So a network and its squeeze-and-excitation twin show the same ones. Of more than
    `AT_MOST`, as many are kept, evenly spread.
    """
    weights = {name: one for name, one in model.named_parameters() if one.ndim > 1}
    if not weights:
        return {}
    names = list(weights)
    largest: dict[str, str] = {}
    for name, weight in weights.items():
        part = name.partition(".")[0]
        if weight.numel() >= weights[largest.setdefault(part, name)].numel():
            largest[part] = name
    chosen = sorted({names[0], names[-1], *largest.values()}, key=names.index)
    if len(chosen) > AT_MOST:
        chosen = [chosen[round(i * (len(chosen) - 1) / (AT_MOST - 1))] for i in range(AT_MOST)]
    return {name: weights[name] for name in chosen}
