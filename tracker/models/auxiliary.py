"""Heads that help training along halfway through a network, and are not asked afterwards."""

from __future__ import annotations

from torch import Tensor
from torchvision.models.googlenet import GoogLeNetOutputs
from torchvision.models.inception import InceptionOutputs

# What each auxiliary loss counts beside the network's own: 0.3 in GoogLeNet (arXiv 1409.4842 §5),
# 0.4 in Inception v3, as its first implementations had it.
GOOGLENET, INCEPTION = 0.3, 0.4


def answers(outputs: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, list[tuple[float, Tensor]]]:
    """What a network says in training mode: its logits [N, C], and its auxiliary heads'.

    Each of the latter with the weight of its loss. Most networks have none.
    """
    match outputs:
        case Tensor():
            return outputs, []
        case GoogLeNetOutputs(logits, second, first):
            return logits, [(GOOGLENET, first), (GOOGLENET, second)]
        case InceptionOutputs(logits, other):
            return logits, [(INCEPTION, other)]
    raise TypeError(f"a network gave {type(outputs).__name__}, not logits")
