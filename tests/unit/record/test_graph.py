from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torchvision.models import VisionTransformer

from tracker.models.build import OWN, build
from tracker.models.catalog import entries
from tracker.record import graph
from tracker.record.graph import graph_of
from tracker.spec.experiment import Model

SPECS = {
    one.backbone: Model(backbone=one.backbone, stem=one.stem, width=one.width) for one in entries()
}


def shape(node: Any) -> list[int]:
    [found] = node.attr["_output_shapes"].list.shape
    return [each.size for each in found.dim]


def net(backbone: str) -> nn.Module:
    return build(SPECS[backbone], num_classes=10, seed=0)


class Choosy(nn.Module):
    """Its path depends on what it sees, which torch.fx cannot follow."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
        self.calls = 0

    def forward(self, images: Tensor) -> Tensor:
        self.calls += 1
        found: Tensor = self.features(images)
        # Always the latter, or torch, which follows it twice, would now and then see two ways.
        return found.relu() if found.sum() > torch.rand(()) + 1e9 else found.neg()


class Hopeless(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        raise RuntimeError(f"no way\nthrough {len(images.shape)} dimensions")


@pytest.mark.parametrize("backbone", OWN)
def test_every_backbone_is_drawn_by_its_own_names(
    backbone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(graph, "_traced")  # torch.fx alone
    with torch.device("meta"):
        model = OWN[backbone](SPECS[backbone], 10)
    nodes = graph_of(model, 32).node
    names = [node.name for node in nodes]
    assert len(set(names)) == len(names)
    known = set(names)
    assert all(known.issuperset(node.input) for node in nodes)
    assert [node.name for node in nodes if not node.input] == ["input"]
    assert shape(nodes[0]) == [1, 3, 32, 32]
    assert names[-1] == "output"
    assert shape(nodes[-2]) == [1, 10]
    learning = {
        name.replace(".", "/")
        for name, module in model.named_modules()
        if any(True for _ in module.parameters(recurse=False))
    }
    assert learning <= known
    assert sum(node.attr["parameters"].i for node in nodes) == sum(
        one.numel() for one in model.parameters()
    )
    assert any("/se/" in name for name in names) == ("se_" in backbone)


def test_a_box_tells_its_kind_shape_parameters_and_settings() -> None:
    nodes = {node.name: node for node in graph_of(net("cifar_se_resnet20"), 32).node}
    conv = nodes["layer2/0/conv1"]
    assert conv.op == "Conv2d"
    assert shape(conv) == [1, 32, 16, 16]
    assert conv.attr["parameters"].i == 16 * 32 * 9
    assert conv.attr["details"].s.startswith(b"16, 32, kernel_size=(3, 3), stride=(2, 2)")
    assert list(conv.input) == ["layer1/2/relu_2"]
    assert shape(nodes["layer3/0/se/fc1"]) == [1, 4]  # 64 channels over 16


def test_what_a_function_does_stands_in_the_module_that_calls_it() -> None:
    names = {node.name for node in graph_of(net("cifar_resnet20"), 32).node}
    assert {"layer1/0/add", "layer3/2/add", "flatten"} <= names


def test_a_norm_over_a_single_value_is_no_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    """In training it would be: there is no variance of one value."""
    monkeypatch.delattr(graph, "_traced")
    model = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.BatchNorm1d(3))
    assert model.training
    assert [node.name for node in graph_of(model, 8).node] == ["input", "0", "1", "2", "output"]


def test_names_stay_apart_where_a_repetition_meets_a_module_named_like_one() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.act, self.act_2 = nn.ReLU(), nn.ReLU()

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.act_2(self.act(self.act(x)))
            return out

    nodes = graph_of(Twice(), 8).node
    assert [node.name for node in nodes] == ["input", "act", "act_2", "act_2_2", "output"]
    assert [list(node.input) for node in nodes[1:]] == [["input"], ["act"], ["act_2"], ["act_2_2"]]


def transformer() -> nn.Module:
    model: nn.Module = VisionTransformer(
        image_size=16, patch_size=8, num_layers=2, num_heads=2, hidden_dim=8, mlp_dim=8
    )
    return model


def test_a_transformer_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(graph, "_traced")
    nodes = graph_of(transformer(), 16).node
    names = {node.name for node in nodes}
    assert "encoder/layers/encoder_layer_1/mlp/0" in names
    outside = [node.name for node in nodes if not node.name.startswith(("encoder", "heads/"))]
    assert outside == [  # and none of the arithmetic with sizes
        *("input", "conv_proj", "reshape", "permute", "class_token", "expand", "cat"),
        *("getitem", "output"),
    ]
    assert all(names.issuperset(node.input) for node in nodes)


def test_a_tensor_made_of_buffers_stands_where_it_is_used() -> None:
    class Shifted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("shift", torch.ones(3))
            self.shift: Tensor

        def forward(self, x: Tensor) -> Tensor:
            return x + self.shift.view(3, 1, 1)

    model = nn.Sequential(Shifted())
    names = [node.name for node in graph_of(model, 8).node]
    assert sorted(names) == ["0/add", "0/constant", "input", "output"]


def test_a_transformer_can_be_followed_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its attention takes another path with gradients than without, which torch calls an error."""
    monkeypatch.delattr(graph, "_symbolic")
    names = [node.name for node in graph_of(transformer(), 16).node]
    assert any("encoder_layer_1" in name for name in names)


def test_a_model_whose_path_depends_on_its_data_is_followed_instead(
    capsys: pytest.CaptureFixture[str],
) -> None:
    nodes = graph_of(Choosy(), 8).node
    names = [node.name for node in nodes]
    assert len(set(names)) == len(names)
    assert {"input", "features/0/convolution", "features/1/batch_norm", "output"} <= set(names)
    [norm] = [node for node in nodes if node.name == "features/1/batch_norm"]
    assert list(norm.input) == ["features/0/convolution"]
    assert all(set(names).issuperset(node.input) for node in nodes)
    assert capsys.readouterr() == ("", "")


def test_where_neither_way_works_it_raises_and_prints_nothing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(RuntimeError, match="no way"):
        graph_of(Hopeless(), 8)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("kind", ["cifar_se_resnet20", "choosy"])
def test_the_model_is_left_as_it_was(kind: str, training: bool) -> None:
    model = Choosy() if kind == "choosy" else net(kind)
    model.train(training)
    model(torch.zeros(2, 3, 32, 32)).sum().backward()
    before = copy.deepcopy(model)
    gradients = [None if one.grad is None else one.grad.clone() for one in model.parameters()]
    chance = torch.get_rng_state()

    graph_of(model, 32)

    assert torch.equal(torch.get_rng_state(), chance)
    assert [one.training for one in model.modules()] == [one.training for one in before.modules()]
    assert all(map(torch.equal, model.state_dict().values(), before.state_dict().values()))
    assert all(one.device.type == "cpu" for one in model.state_dict().values())
    for kept, now in zip(gradients, model.parameters(), strict=True):
        assert (kept is None and now.grad is None) or torch.equal(kept, now.grad)  # type: ignore[arg-type]
    assert getattr(model, "calls", 1) == 1


def test_the_same_model_gives_the_same_bytes() -> None:
    one, two = (graph_of(net("resnet9"), 32) for _ in range(2))
    assert one.SerializeToString(deterministic=True) == two.SerializeToString(deterministic=True)
