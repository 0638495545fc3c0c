"""What enters the classifier, whatever the network and however the pictures are cut up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from tracker.training.penultimate import Penultimate

PICTURES = torch.randn(11, 3, 2, 2, generator=torch.Generator().manual_seed(0))
CHOSEN = torch.tensor([7, 0, 10, 3, 4])


class Backwards(nn.Module):
    """A classifier that stands first and is called last."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(5, 2)
        self.body = nn.Linear(12, 5)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.body(x.flatten(1)))
        return logits


def answered(model: nn.Module, size: int) -> Iterator[tuple[Tensor, Tensor]]:
    for pictures in PICTURES.split(size):
        yield model(pictures), torch.zeros(len(pictures))


@pytest.mark.parametrize("size", [1, 3, 11, 100])
def test_what_enters_the_linear_layer_called_last_in_the_order_asked_for(size: int) -> None:
    model = Backwards()
    looking = Penultimate(model, CHOSEN)
    plain = list(answered(model, size))
    with torch.no_grad():
        for (logits, labels), (own, _) in zip(
            looking.watching(answered(model, size)), plain, strict=True
        ):
            assert torch.equal(logits, own)
            assert len(labels) == len(logits)
        expected = model.body(PICTURES.flatten(1))[CHOSEN]
    assert looking.features is not None
    torch.testing.assert_close(looking.features, expected)
    assert not model.head._forward_pre_hooks


def test_a_network_without_a_linear_layer_has_none() -> None:
    model = nn.Sequential(nn.Conv2d(3, 2, 2), nn.Flatten())
    looking = Penultimate(model, CHOSEN)
    assert len(list(looking.watching(answered(model, 4)))) == 3
    assert looking.features is None


def test_it_lets_go_when_the_evaluation_is_cut_short() -> None:
    model = Backwards()
    watched = Penultimate(model, CHOSEN).watching(answered(model, 4))
    next(watched)
    assert model.head._forward_pre_hooks
    watched.close()  # type: ignore[attr-defined]
    assert not model.head._forward_pre_hooks
