"""Mixup and label smoothing are what their papers say."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.nn import functional
from torchvision.models.googlenet import GoogLeNetOutputs
from torchvision.models.inception import InceptionOutputs

from tracker.training.loss import forward_loss

IMAGES = torch.randn(6, 3, 4, 4, generator=torch.Generator().manual_seed(0))
LABELS = torch.tensor([0, 1, 2, 0, 1, 2])
WEIGHT = torch.randn(48, 3, generator=torch.Generator().manual_seed(1))


def model(images: torch.Tensor) -> torch.Tensor:
    return images.flatten(1) @ WEIGHT


def test_without_mixup_it_is_cross_entropy_with_smoothing() -> None:
    loss, logits, labels = forward_loss(model, IMAGES, LABELS, smoothing=0.1, mixup_alpha=0, seed=0)
    assert torch.equal(labels, LABELS)
    assert torch.equal(logits, model(IMAGES))
    assert loss == functional.cross_entropy(model(IMAGES), LABELS, label_smoothing=0.1)


def test_mixup_of_a_linear_model_blends_pictures_and_losses_by_one_share() -> None:
    loss, logits, labels = forward_loss(model, IMAGES, LABELS, smoothing=0, mixup_alpha=0.4, seed=3)
    own, partner = model(IMAGES), model(IMAGES.roll(1, 0))
    share = ((logits - partner) / (own - partner)).median()
    assert 0 < share < 1
    torch.testing.assert_close(logits, share * own + (1 - share) * partner)
    expected = share * functional.cross_entropy(logits, LABELS)
    expected += (1 - share) * functional.cross_entropy(logits, LABELS.roll(1))
    torch.testing.assert_close(loss, expected)
    assert torch.equal(labels, LABELS if share >= 0.5 else LABELS.roll(1))


def test_mixup_draws_from_its_seed_alone() -> None:
    def losses(seed: int) -> float:
        return forward_loss(model, IMAGES, LABELS, smoothing=0, mixup_alpha=0.4, seed=seed)[
            0
        ].item()

    assert losses(1) == losses(1)
    assert losses(1) != pytest.approx(losses(2))


@pytest.mark.parametrize("mixup_alpha", [0, 0.4])
@pytest.mark.parametrize(
    ("outputs", "shares"), [(GoogLeNetOutputs, (0.3, 0.3)), (InceptionOutputs, (0.4,))]
)
def test_auxiliary_heads_count_as_published(
    outputs: Callable[..., Any], shares: tuple[float, ...], mixup_alpha: float
) -> None:
    def loss_of(net: Callable[..., Any]) -> torch.Tensor:
        return forward_loss(net, IMAGES, LABELS, smoothing=0.1, mixup_alpha=mixup_alpha, seed=3)[0]

    def with_others(images: torch.Tensor) -> Any:
        return outputs(model(images), *(model(2 * images) for _ in shares))

    other = loss_of(lambda images: model(2 * images))
    torch.testing.assert_close(loss_of(with_others), loss_of(model) + sum(shares) * other)
