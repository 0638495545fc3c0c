from __future__ import annotations

import copy
import io
from collections.abc import Callable
from typing import TypeAlias

import pytest
import torch
from torch import Tensor, nn

from tracker.models.build import OWN

Make: TypeAlias = Callable[..., nn.Module]

# One of each way of being built.
KINDS = ["resnet18", "se_resnet18", "cifar_resnet20", "cifar_se_resnet20", "resnet9", "small_cnn"]


def state(model: nn.Module) -> dict[str, Tensor]:
    return dict(model.state_dict())


def same(a: nn.Module, b: nn.Module) -> bool:
    one, two = state(a), state(b)
    return one.keys() == two.keys() and all(torch.equal(one[k], two[k]) for k in one)


@pytest.mark.parametrize("backbone", OWN)
def test_every_parameter_of_every_backbone_learns(
    make: Make, pictures: Tensor, backbone: str
) -> None:
    model = make(backbone, "imagenet", num_classes=7)
    out = model(pictures)
    assert out.shape == (2, 7)
    nn.functional.cross_entropy(out, torch.tensor([0, 6])).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.dtype == torch.float32


@pytest.mark.parametrize("backbone", KINDS)
@pytest.mark.parametrize("size", [33, 48])
def test_larger_pictures_are_taken_too(make: Make, backbone: str, size: int) -> None:
    model = make(backbone).eval()
    with torch.no_grad():
        assert model(torch.zeros(1, 3, size, size)).shape == (1, 10)


@pytest.mark.parametrize("backbone", [*KINDS, "se_resnet9"])
def test_the_seed_alone_decides_the_weights(make: Make, backbone: str) -> None:
    first = make(backbone, seed=3)
    torch.randn(5)  # whatever is drawn
    make("small_cnn", seed=9)  # or built in between
    assert same(first, make(backbone, seed=3))
    assert not same(first, make(backbone, seed=4))


def test_the_global_generator_is_left_alone(make: Make) -> None:
    before = torch.get_rng_state()
    make("se_resnet9", seed=5)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("plain", "twin"),
    [
        ("resnet18", "se_resnet18"),
        ("resnet50", "se_resnet50"),
        ("cifar_resnet20", "cifar_se_resnet20"),
        ("resnet9", "se_resnet9"),
    ],
)
@pytest.mark.parametrize("stem", ["imagenet", "cifar"])
def test_twins_start_from_the_same_weights(make: Make, plain: str, twin: str, stem: str) -> None:
    ours = state(make(plain, stem))
    theirs = state(make(twin, stem))
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert {name.split(".se.")[1] for name in theirs.keys() - ours.keys()} == {
        "fc1.weight",
        "fc1.bias",
        "fc2.weight",
        "fc2.bias",
    }


@pytest.mark.parametrize("backbone", KINDS)
def test_a_saved_net_and_a_copied_one_answer_alike(
    make: Make, pictures: Tensor, backbone: str
) -> None:
    model = make(backbone, seed=1)
    model(pictures)  # moves the running statistics
    file = io.BytesIO()
    torch.save(model.state_dict(), file)
    file.seek(0)
    loaded = make(backbone, seed=2)
    loaded.load_state_dict(torch.load(file, weights_only=True))
    copied = copy.deepcopy(model)
    with torch.no_grad():
        answer = model.eval()(pictures)
        assert torch.equal(loaded.eval()(pictures), answer)
        assert torch.equal(copied.eval()(pictures), answer)


@pytest.mark.parametrize("backbone", KINDS)
def test_in_evaluation_a_picture_does_not_see_its_neighbours(
    make: Make, pictures: Tensor, backbone: str
) -> None:
    model = make(backbone)
    model(pictures)
    model.eval()
    with torch.no_grad():
        together = model(pictures)
        alone = torch.cat([model(picture[None]) for picture in pictures])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("backbone", KINDS)
def test_channels_last_gives_the_same_answer(make: Make, pictures: Tensor, backbone: str) -> None:
    model = make(backbone)
    with torch.no_grad():
        expected = model(pictures)
        moved = model.to(memory_format=torch.channels_last)
        answer = moved(pictures.to(memory_format=torch.channels_last))
    torch.testing.assert_close(answer, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("backbone", KINDS)
def test_bfloat16_autocast_trains_finite_float32_weights(
    make: Make, pictures: Tensor, backbone: str
) -> None:
    model = make(backbone)
    with torch.autocast("cpu", torch.bfloat16):
        out = model(pictures)
    assert out.dtype == torch.bfloat16
    out.float().square().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.dtype == torch.float32, name
        assert parameter.grad.isfinite().all(), name


@pytest.mark.parametrize(
    ("backbone", "nodes"),
    [
        ("resnet18", ["conv1", "maxpool", "layer1_0_conv1", "layer2_0_downsample_0", "fc"]),
        ("se_resnet50", ["conv1", "layer1_0_se_avgpool", "layer1_0_se_fc1", "layer4_2_se_fc2"]),
        ("cifar_se_resnet20", ["conv1", "layer1_0_se_fc1", "layer3_2_bn2", "fc"]),
        ("se_resnet9", ["prep_conv", "layer1_pool", "res1_conv2_relu", "res3_se_fc1", "fc"]),
        ("small_cnn", ["conv1", "pool3", "fc1", "fc2"]),
    ],
)
def test_a_trace_shows_the_layers_by_name(
    make: Make, pictures: Tensor, backbone: str, nodes: list[str]
) -> None:
    model = make(backbone, "imagenet").eval()
    traced = torch.fx.symbolic_trace(model)
    assert set(nodes) <= {node.name for node in traced.graph.nodes}
    with torch.no_grad():
        assert torch.equal(traced(pictures), model(pictures))


def test_a_name_that_no_table_has_is_a_key_error(make: Make) -> None:
    with pytest.raises(KeyError, match="resnet51"):
        make("resnet51")
