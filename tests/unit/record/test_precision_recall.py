"""The curve of a class, against counting by hand and against torch's own."""

from __future__ import annotations

import numpy as np
import torch
from torch.utils.tensorboard.summary import compute_curve

from tracker.record.precision_recall import THRESHOLDS, precision_recall


def test_counted_by_hand() -> None:
    curve = precision_recall(
        torch.tensor([0.95, 0.5, 0.5, 0.0]), torch.tensor([True, False, True, False])
    )
    assert curve is not None
    right, wrong, passed, missed, precision, recall = curve
    assert curve.shape == (6, THRESHOLDS)
    assert (right[0], wrong[0], passed[0], missed[0]) == (2, 2, 0, 0)
    assert (right[50], wrong[50], passed[50], missed[50]) == (2, 1, 1, 0)
    assert (right[51], wrong[51], passed[51], missed[51]) == (1, 0, 2, 1)
    assert (precision[50], recall[51]) == (np.float32(2 / 3), 0.5)
    assert (right[96], precision[96], recall[96]) == (0, 1, 0), "nothing is called"


def test_a_class_that_never_occurs_has_none() -> None:
    assert precision_recall(torch.tensor([0.5]), torch.tensor([False])) is None


def test_torch_counts_alike() -> None:
    chance = torch.Generator().manual_seed(0)
    scores = torch.rand(500, generator=chance)
    truth = torch.rand(500, generator=chance) < scores
    ours = precision_recall(scores, truth)
    theirs = compute_curve(truth.numpy(), scores.double().numpy(), THRESHOLDS)
    assert ours is not None
    called = theirs[0] + theirs[1] >= 1
    assert np.array_equal(ours[:4, called], theirs[:4, called])
    assert np.allclose(ours[4:, called], theirs[4:, called])
