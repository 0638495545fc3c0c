"""The training loss: cross-entropy, with label smoothing and mixup where the spec asks for them."""

from __future__ import annotations

import random
from collections.abc import Callable

from torch import Tensor
from torch.nn import functional

from tracker.data.seeding import fold


def forward_loss(
    model: Callable[[Tensor], Tensor],
    images: Tensor,
    labels: Tensor,
    *,
    smoothing: float,
    mixup_alpha: float,
    seed: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the mean loss [], the logits [B, C] and the labels [B] accuracy is counted against.

    Mixup (arXiv 1710.09412) blends each picture with its neighbour in the batch, which the epoch's
    shuffle already made a random one, by one share drawn from Beta(alpha, alpha) and `seed`; the
    accuracy is then counted against the label of the larger share.
    """
    if not mixup_alpha:
        logits = model(images)
        return functional.cross_entropy(logits, labels, label_smoothing=smoothing), logits, labels
    share = random.Random(fold(seed, 1)).betavariate(mixup_alpha, mixup_alpha)
    partners = labels.roll(1)
    logits = model(share * images + (1 - share) * images.roll(1, 0))
    own = functional.cross_entropy(logits, labels, label_smoothing=smoothing)
    partner = functional.cross_entropy(logits, partners, label_smoothing=smoothing)
    loss = share * own + (1 - share) * partner
    return loss, logits, labels if share >= 0.5 else partners
