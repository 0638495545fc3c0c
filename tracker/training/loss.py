"""The training loss: cross-entropy, with label smoothing and mixup where the spec asks for them."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TypeAlias

from torch import Tensor
from torch.nn import functional

from tracker.data.seeding import fold
from tracker.models.auxiliary import answers

# Pictures [B, 3, H, W], or what a part of the network that is not trained has made of them.
Inputs: TypeAlias = Tensor | tuple[Tensor, ...]


def forward_loss(
    model: Callable[..., Tensor],
    images: Inputs,
    labels: Tensor,
    *,
    smoothing: float,
    mixup_alpha: float,
    seed: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the mean loss [], the logits [B, C] and the labels [B] accuracy is counted against.

    Mixup (arXiv 1710.09412) blends each picture with its neighbour in the batch, which the epoch's
    shuffle already made a random one, by one share drawn from Beta(alpha, alpha) and `seed`; the
    accuracy is then counted against the label of the larger share. A network's auxiliary heads have
    the same loss, weighed as `auxiliary` says.
    """
    share, partners = 1.0, labels
    if mixup_alpha:
        assert isinstance(images, Tensor)
        share = random.Random(fold(seed, 1)).betavariate(mixup_alpha, mixup_alpha)
        partners = labels.roll(1)
        images = share * images + (1 - share) * images.roll(1, 0)

    def loss_of(logits: Tensor) -> Tensor:
        own = functional.cross_entropy(logits, labels, label_smoothing=smoothing)
        if not mixup_alpha:
            return own
        partner = functional.cross_entropy(logits, partners, label_smoothing=smoothing)
        return share * own + (1 - share) * partner

    logits, auxiliary = answers(model(images))
    loss = loss_of(logits)
    for weight, others in auxiliary:
        loss = loss + weight * loss_of(others)
    return loss, logits, labels if share >= 0.5 else partners
