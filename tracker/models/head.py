"""The part of a network that tells classes apart, whatever it is called."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn
from torchvision.models import GoogLeNet, Inception3

# Heads beside the last one; what they are made of but the layer named here is backbone.
_BESIDES: dict[type[nn.Module], tuple[str, ...]] = {
    GoogLeNet: ("aux1.fc2", "aux2.fc2"),
    Inception3: ("AuxLogits.fc",),
}


def heads(model: nn.Module) -> tuple[str, ...]:
    """The paths of the layers that give the logits: auxiliary ones first, the network's own last.

    A timm model says so itself; of the others it is the last linear layer or 1×1 convolution.
    Raises ValueError where there is none.
    """
    if callable(tells := getattr(model, "get_classifier", None)):
        return _told(model, tells())
    last = [name for name, module in model.named_modules() if _classifies(module)]
    if not last:
        raise ValueError(f"{type(model).__name__} has neither linear layer nor 1×1 convolution")
    return *_BESIDES.get(type(model), ()), last[-1]


def in_head(name: str, paths: tuple[str, ...]) -> bool:
    """Whether the parameter or module called `name` belongs to one of the heads at `paths`."""
    return any(name == path or name.startswith(f"{path}.") for path in paths)


def _classifies(module: nn.Module) -> bool:
    pointwise = isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1)
    return pointwise or isinstance(module, nn.Linear)


def _told(model: nn.Module, answer: nn.Module | Sequence[nn.Module]) -> tuple[str, ...]:
    layers = (answer,) if isinstance(answer, nn.Module) else answer
    names = {id(module): name for name, module in model.named_modules()}
    found = tuple(names[id(layer)] for layer in layers if not isinstance(layer, nn.Identity))
    if not found:
        raise ValueError(f"{type(model).__name__} is no classifier")
    return found
