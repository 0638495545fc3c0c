"""torchvision's classifiers through our door: one of each family that is built in its own way."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torchvision.models import get_model

from tracker.errors import UsageError
from tracker.models import zoo
from tracker.models.auxiliary import answers
from tracker.models.build import MODELS, build
from tracker.models.head import heads
from tracker.record.graph import graph_of
from tracker.spec.experiment import Model

# One of each family with a head of its own kind, at a size that is quick.
KINDS = {
    "alexnet": ("classifier.6", 63),
    "densenet121": ("classifier", 32),
    "mnasnet0_5": ("classifier.1", 32),
    "mobilenet_v3_small": ("classifier.3", 32),
    "regnet_y_400mf": ("fc", 32),
    "shufflenet_v2_x0_5": ("fc", 32),
    "squeezenet1_1": ("classifier.1", 32),
    "swin_t": ("head", 32),
    "vit_b_32": ("heads.head", 64),
}


def net(backbone: str, size: int = 224, *, seed: int = 0) -> nn.Module:
    spec = Model(backbone=backbone, stem=None, width=None)
    return build(spec, num_classes=7, seed=seed, image_size=size)


@pytest.mark.parametrize("backbone", KINDS)
def test_every_parameter_learns_and_the_head_gives_the_logits(backbone: str) -> None:
    head, size = KINDS[backbone]
    model = net(backbone, size)
    seen: list[Tensor] = []
    model.get_submodule(head).register_forward_hook(lambda *call: seen.append(call[2]))
    pictures = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(7))
    out = model(pictures)
    nn.functional.cross_entropy(out, torch.tensor([0, 6])).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
    assert heads(model) == (head,)
    assert out.shape == (2, 7)
    assert seen[0].shape[1] == 7


@pytest.mark.parametrize("backbone", KINDS)
def test_the_graph_ends_in_logits(backbone: str) -> None:
    _, size = KINDS[backbone]
    nodes = graph_of(net(backbone, size), size).node
    assert len({node.name for node in nodes}) == len(nodes)
    assert len(nodes) > 10


def test_weights_follow_from_the_seed_alone() -> None:
    first, again = net("vit_b_32", 32, seed=3), net("vit_b_32", 32, seed=3)
    other = net("vit_b_32", 32, seed=4)
    state, twin, third = first.state_dict(), again.state_dict(), other.state_dict()
    assert all(torch.equal(state[key], twin[key]) for key in state)
    assert not torch.equal(state["conv_proj.weight"], third["conv_proj.weight"])


@pytest.mark.parametrize(
    ("backbone", "size", "paths", "shares"),
    [
        ("googlenet", 64, ("aux1.fc2", "aux2.fc2", "fc"), [0.3, 0.3]),
        ("inception_v3", 299, ("AuxLogits.fc", "fc"), [0.4]),
    ],
)
def test_auxiliary_heads_are_heads_in_training_only(
    backbone: str, size: int, paths: tuple[str, ...], shares: list[float]
) -> None:
    model = net(backbone, size)
    assert heads(model) == paths
    pictures = torch.zeros(2, 3, size, size)
    with torch.no_grad():
        logits, auxiliary = answers(model(pictures))
        assert [share for share, _ in auxiliary] == shares
        assert {one.shape for _, one in auxiliary} == {logits.shape} == {(2, 7)}
        assert answers(model.eval()(pictures))[1] == []


def test_what_is_no_answer_is_refused() -> None:
    with pytest.raises(TypeError, match="dict"):
        answers({})  # type: ignore[arg-type]


def test_patches_are_made_for_the_pictures_there_are() -> None:
    tokens = net("vit_b_16", 48).encoder.pos_embedding.shape  # type: ignore[union-attr]
    assert tokens == (1, 1 + 3 * 3, 768)
    with pytest.raises(UsageError, match="multiple of 16 pixels, and is 40"):
        net("vit_b_16", 40)
    with pytest.raises(UsageError, match="multiple of 224 pixels, and is 32"):
        net("maxvit_t", 32)


def test_the_steps_are_torchvisions_patches() -> None:
    for name, step in zoo.STEPS.items():
        if name.startswith("vit") and name != "vit_h_14":  # 2.5 GB
            assert get_model(name, image_size=step).patch_size == step
    assert set(zoo.STEPS) == {one for one in MODELS if one.startswith(("vit", "maxvit"))}


def test_a_net_without_a_classifier_has_no_head() -> None:
    with pytest.raises(ValueError, match="neither linear layer"):
        heads(nn.Sequential(nn.Conv2d(3, 4, 3)))
