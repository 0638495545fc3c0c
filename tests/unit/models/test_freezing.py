"""What is frozen takes no gradient and keeps its statistics; what is not, learns."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from tracker.errors import UsageError
from tracker.models.build import build
from tracker.models.depth import distances
from tracker.models.freezing import frozen, never_trained, prepare
from tracker.spec.experiment import Freeze, Model, UntilEpoch


def net(backbone: str = "resnet9", size: int = 32) -> nn.Module:
    spec = Model(backbone=backbone, stem=None, width=4 if backbone == "resnet9" else None)
    return build(spec, num_classes=5, seed=0, image_size=size)


def test_the_backbone_is_everything_but_the_head() -> None:
    model = net()
    still = frozen(model, "backbone", 0)
    assert {name for name, _ in model.named_parameters()} - still == {"fc.weight"}
    assert frozen(model, False, 0) == frozenset()


def test_layers_are_frozen_by_the_beginning_of_their_names() -> None:
    still = frozen(net(), ("layer1", "res1.conv1"), 9)
    assert {name.rpartition(".")[0] for name in still} == {
        "layer1.conv", "layer1.bn", "res1.conv1.conv", "res1.conv1.bn"
    }  # fmt: skip


@pytest.mark.parametrize(("epoch", "count"), [(0, 24), (2, 24), (3, 0), (7, 0)])
def test_until_an_epoch_the_backbone_is_frozen(epoch: int, count: int) -> None:
    assert len(frozen(net(), UntilEpoch(until_epoch=3), epoch)) == count
    assert never_trained(net(), UntilEpoch(until_epoch=3)) == frozenset()


@pytest.mark.parametrize(
    ("freeze", "words"),
    [
        (("layer7",), "no layer's name begins with layer7"),
        (("lay",), "no layer's name begins with lay;"),
        (("prep", "layer1", "layer2", "layer3", "res1", "res3", "head"), "nothing is left"),
    ],
)
def test_a_freeze_that_cannot_be_is_refused(freeze: Freeze, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        never_trained(net(), freeze)


def test_frozen_norms_keep_their_statistics_and_dropout_before_the_head_goes_on() -> None:
    model = net("efficientnet_b0")
    prepare(model, "backbone", 0)
    before = {name: one.clone() for name, one in model.named_buffers()}
    model(torch.randn(4, 3, 32, 32)).sum().backward()
    assert all(torch.equal(one, before[name]) for name, one in model.named_buffers())
    learning = [name for name, one in model.named_parameters() if one.grad is not None]
    assert learning == ["classifier.1.weight", "classifier.1.bias"]
    assert not model.get_submodule("features").training
    assert model.get_submodule("classifier.0").training


def test_it_does_not_matter_which_modes_there_were() -> None:
    model = net()
    modes = []
    for before in (True, False):
        prepare(model.train(before), ("layer1",), 0)
        modes.append([one.training for one in model.modules()])
    assert modes[0] == modes[1]
    assert not model.get_submodule("layer1.bn").training
    prepare(model, False, 0)
    assert all(one.training for one in model.modules())
    assert all(one.requires_grad for one in model.parameters())


@pytest.mark.parametrize(
    ("backbone", "size", "expected"),
    [
        ("small_cnn", 32, {"conv1.weight": 4, "conv3.bias": 2, "fc1.weight": 1, "fc2.bias": 0}),
        (
            "resnet18",
            32,
            {"conv1.weight": 9, "bn1.bias": 9, "layer1.0.conv1.weight": 8, "layer4.1.bn2.bias": 1},
        ),
        (
            "vit_b_32",
            32,
            {
                "class_token": 13,
                "conv_proj.weight": 13,
                "encoder.pos_embedding": 13,
                "encoder.layers.encoder_layer_0.ln_1.weight": 12,
                "encoder.layers.encoder_layer_11.mlp.3.bias": 1,
                "encoder.ln.weight": 1,
                "heads.head.weight": 0,
            },
        ),
        ("swin_t", 32, {"features.0.0.weight": 16, "norm.weight": 1, "head.weight": 0}),
        ("googlenet", 64, {"conv1.conv.weight": 14, "aux1.fc2.weight": 0, "fc.weight": 0}),
    ],
)
def test_distances_from_the_head(backbone: str, size: int, expected: dict[str, int]) -> None:
    model = net(backbone, size)
    found = distances(model)
    assert found.keys() == dict(model.named_parameters()).keys()
    assert {name: found[name] for name in expected} == expected
    assert set(found.values()) == set(range(max(found.values()) + 1))
