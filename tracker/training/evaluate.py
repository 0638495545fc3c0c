"""What the network knows now: one exact pass over the validation pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from tracker.data.batches import Loader, eval_batches
from tracker.training.machine import Machine

SCORED = 20  # classes at most whose softmax is kept for every picture


@dataclass(frozen=True)
class Evaluation:
    """Sums over every validation picture, taken in float64 and integers, so no batch size shows.

    `predicted` int64 [N], `confidence` float32 [N] (softmax of the predicted class), `labels` int64
    [N] and `scores` float32 [N, min(C, 20)] (softmax of the first classes) are on the CPU, in the
    order of the validation split.
    """

    loss: float
    accuracy: float
    predicted: torch.Tensor
    confidence: torch.Tensor
    labels: torch.Tensor
    scores: torch.Tensor

    def confusion(self, classes: int) -> torch.Tensor:
        """Return how often each true class (rows) was called each class (columns): int64 [C, C]."""
        pairs = self.labels * classes + self.predicted
        return torch.bincount(pairs, minlength=classes * classes).view(classes, classes)

    def worst(self, count: int) -> torch.Tensor:
        """Return int64 indices of at most `count` mistakes, the most confident first."""
        wrong = torch.nonzero(self.predicted != self.labels).flatten()
        order = torch.argsort(self.confidence[wrong], descending=True, stable=True)
        return wrong[order[:count]]


def answers(
    model: nn.Module, validation: Loader, machine: Machine
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """What `model`, as it is now, says of each batch of `validation`: logits [B, C], labels [B]."""
    for batch in eval_batches(validation):
        with machine.autocast():
            logits = model(batch.images)
        yield logits, batch.labels


@torch.inference_mode()
def evaluate(
    model: nn.Module,
    answered: Iterator[tuple[torch.Tensor, torch.Tensor]],
    stopped: Callable[[], bool] = lambda: False,
) -> Evaluation | None:
    """Judge what `model` has `answered` in evaluation mode; its training mode is put back.

    `answered` gives logits and labels, batch by batch, and is not begun before. The loss is the
    plain cross-entropy, without label smoothing. Returns None when `stopped`
    says so between two batches.
    """
    was_training = model.training
    model.eval()
    columns: list[tuple[torch.Tensor, ...]] = []
    try:
        for logits, labels in answered:
            if stopped():
                return None
            logits = logits.float()
            loss = functional.cross_entropy(logits, labels, reduction="none")
            scores = logits.softmax(1)
            confidence, predicted = scores.max(1)
            # A copy, so as not to hold on to the scores of a thousand classes.
            some = scores[:, :SCORED].clone()
            columns.append((loss, predicted, confidence, labels, some))
    finally:
        model.train(was_training)
    # Fetched from the device once, after the last batch.
    loss, predicted, confidence, labels, scores = (
        torch.cat(column).cpu() for column in zip(*columns, strict=True)
    )
    return Evaluation(
        loss=loss.double().mean().item(),
        accuracy=(predicted == labels).double().mean().item(),
        predicted=predicted,
        confidence=confidence,
        labels=labels,
        scores=scores,
    )
