"""timm's models, and timm's SE ResNets as the reference for ours."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from tracker.errors import UsageError
from tracker.models import published
from tracker.models.build import build
from tracker.models.cost import cost
from tracker.models.depth import distances
from tracker.models.from_timm import config
from tracker.models.head import heads
from tracker.models.weights import Taken, install
from tracker.record.graph import graph_of
from tracker.spec.experiment import Model

timm: Any = pytest.importorskip("timm", reason="timm is not installed: pip install 'tracker[timm]'")


def net(name: str, size: int = 32, classes: int = 7) -> nn.Module:
    spec = Model(backbone=f"timm:{name}", stem=None, width=None)
    return build(spec, num_classes=classes, seed=3, image_size=size)


@pytest.mark.parametrize(
    ("name", "size", "head"),
    [
        ("resnet10t", 32, "fc"),
        ("vit_tiny_patch16_224", 32, "head"),
        ("mixer_s32_224", 64, "head"),
        ("mobilenetv3_small_050", 32, "classifier"),
        ("convnext_atto", 32, "head.fc"),
        ("legacy_seresnet18", 64, "last_linear"),
    ],
)
def test_any_of_them_learns_and_is_drawn(name: str, size: int, head: str) -> None:
    model = net(name, size)
    pictures = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(7))
    out = model(pictures)
    out.sum().backward()
    assert out.shape == (2, 7)
    assert heads(model) == (head,)
    assert len(graph_of(model, size).node) > 10
    assert distances(model)[f"{head}.weight"] == 0 < max(distances(model).values())
    again = net(name, size).state_dict()
    assert all(torch.equal(one, again[key]) for key, one in net(name, size).state_dict().items())


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("resnetten", "timm has no model 'resnetten'; did you mean timm:"),
        ("resnet50.a2_in1", r"no weights 'a2_in1' of resnet50; did you mean timm:resnet50.a2_in1k"),
        ("zzz", r"timm has no model 'zzz'; timm.list_models\(\) lists them"),
    ],
)
def test_an_unknown_name_is_told_the_nearest(name: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        config(f"timm:{name}")


def test_pictures_it_cannot_take_are_refused() -> None:
    with pytest.raises(UsageError, match=r"pictures of 40×40 .* it was published for 224×224"):
        net("xcit_nano_12_p16_224", 40)
    with pytest.raises(UsageError, match="takes no pictures of 40×40 "):
        cost(net("levit_128s", 40), 40)


def test_it_says_what_its_weights_expect() -> None:
    found = published.expected("timm:resnet50.a1_in1k")
    assert (found.image_size, found.resize) == (224, 235)  # 224 / 0.95
    assert found.mean == (0.485, 0.456, 0.406)
    vit = published.expected("timm:vit_base_patch16_224")
    assert vit.std == (0.5, 0.5, 0.5)


def lively(model: nn.Module) -> nn.Module:
    """`model` with norms that do something, in evaluation mode, in float64."""
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for norm in model.modules():
            if isinstance(norm, nn.BatchNorm2d):
                norm.weight.uniform_(0.5, 1.0, generator=generator)
                norm.bias.normal_(0, 0.1, generator=generator)
                norm.running_mean.normal_(0, 0.1, generator=generator)  # type: ignore[union-attr]
                norm.running_var.uniform_(0.5, 1.5, generator=generator)  # type: ignore[union-attr]
    return model.double().eval()


@pytest.mark.parametrize(
    ("theirs", "ours", "layout"),
    [
        ("legacy_seresnet50", "se_resnet50", "caffe"),  # Cadene's own, as timm keeps it
        ("seresnet50", "se_resnet50", "torchvision"),
        ("resnet50", "resnet50", None),
    ],
)
def test_weights_of_theirs_give_the_same_logits_in_ours(
    theirs: str, ours: str, layout: Any
) -> None:
    reference = lively(timm.create_model(theirs, num_classes=20))
    spec = Model(backbone=ours, stem="imagenet", width=None, layout=layout)
    model = build(spec, num_classes=20, seed=0).double()
    taken = Taken(reference.state_dict(), theirs, "00")
    assert install(model, taken, spec, image_size=64, say=print) == ()
    pictures = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(7)).double()
    with torch.no_grad():
        expected, found = reference(pictures), model.eval()(pictures)
    assert expected.abs().max() > 0.1
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_cadenes_need_their_layout() -> None:
    state = timm.create_model("legacy_seresnet50", num_classes=20).state_dict()
    spec = Model(backbone="se_resnet50", stem="imagenet", width=None, layout="torchvision")
    model = build(spec, num_classes=20, seed=0)
    with pytest.raises(UsageError, match=r"set model\.layout to .caffe."):
        install(model, Taken(state, "x", "00"), spec, image_size=64, say=print)
