"""How well a class is told from all others, at every threshold of its score."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

# [6, THRESHOLDS]: true positives, false positives, true negatives, false negatives, precision,
# recall, as tensorboard/plugins/pr_curve/metadata.py wants them.
Curve: TypeAlias = npt.NDArray[np.float32]

THRESHOLDS = 101  # 0, 0.01, …, 1


def precision_recall(scores: Tensor, truth: Tensor) -> Curve | None:
    """Return the curve of `scores`, floating [N] in 0..1, for `truth`, bool [N]: is it the class?

    A picture counts as called at a threshold that its score reaches. Where none is called,
    precision is 1, as is usual. None where the class never occurs: it has no recall.
    """
    if not truth.any():
        return None
    buckets = (scores.double() * (THRESHOLDS - 1)).floor().long()
    called = [
        torch.bincount(buckets[mask], minlength=THRESHOLDS).flip(0).cumsum(0).flip(0)
        for mask in (truth, ~truth)
    ]
    right, wrong = (counts.double().numpy() for counts in called)
    precision = np.divide(right, right + wrong, out=np.ones(THRESHOLDS), where=right + wrong > 0)
    rows = [right, wrong, wrong[0] - wrong, right[0] - right, precision, right / right[0]]
    return np.stack(rows).astype(np.float32)
