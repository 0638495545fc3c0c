from collections.abc import Callable
from typing import Literal

import pytest
import torch
from torch import nn

from tracker.models.build import build
from tracker.spec.experiment import Model


@pytest.fixture
def make() -> Callable[..., nn.Module]:
    """make(backbone, stem="cifar", *, width=None, num_classes=10, seed=0): `build`, spelt short."""

    def net(
        backbone: str,
        stem: Literal["imagenet", "cifar"] | None = "cifar",
        *,
        width: int | None = None,
        num_classes: int = 10,
        seed: int = 0,
    ) -> nn.Module:
        spec = Model(backbone=backbone, stem=stem, width=width)
        return build(spec, num_classes=num_classes, seed=seed)

    return net


@pytest.fixture
def pictures() -> torch.Tensor:
    """Two pictures of 32×32, always the same."""
    return torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(7))
