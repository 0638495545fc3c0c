"""A few weights that stand for all."""

from __future__ import annotations

import pytest
from torch import nn

from tracker.models.build import build
from tracker.record.landmarks import AT_MOST, landmarks
from tracker.spec.experiment import Model


@pytest.mark.parametrize("backbone", ["resnet18", "se_resnet18"])
def test_a_resnet_and_its_twin_show_their_stages(backbone: str) -> None:
    spec = Model(backbone=backbone, stem="cifar", width=None)
    assert list(landmarks(build(spec, num_classes=10, seed=0))) == [
        "conv1.weight",
        "layer1.1.conv2.weight",
        "layer2.1.conv2.weight",
        "layer3.1.conv2.weight",
        "layer4.1.conv2.weight",
        "fc.weight",
    ]


def test_of_many_parts_some_are_kept_from_first_to_last() -> None:
    model = nn.Sequential(*(nn.Linear(2, 2) for _ in range(30)))
    names = list(landmarks(model))
    assert len(names) == AT_MOST
    assert (names[0], names[-1]) == ("0.weight", "29.weight")


def test_norms_and_biases_are_none() -> None:
    assert landmarks(nn.BatchNorm2d(3)) == {}
    assert list(landmarks(nn.Linear(2, 2))) == ["weight"]
