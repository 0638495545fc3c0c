"""What the pages of tutorials say of networks and files is so."""

from pathlib import Path
from typing import Any

import pytest
from torch import nn

from tracker.models import freezing
from tracker.models.build import build
from tracker.record.graph import graph_of
from tracker.spec.experiment import Freeze, Model

ROOT = Path(__file__).parents[2]
SPECS = sorted((ROOT / "experiments" / "tutorials").glob("*.json"))
PAGES = sorted((ROOT / "docs" / "tutorials").glob("*.md"))


def network(backbone: str, num_classes: int = 1000, **choices: Any) -> nn.Module:
    spec = Model(backbone=backbone, stem=choices.get("stem"), width=None)
    return build(spec, num_classes=num_classes, seed=0)


def count(module: nn.Module) -> int:
    return sum(one.numel() for one in module.parameters())


@pytest.mark.parametrize("spec", SPECS, ids=lambda path: path.name)
def test_every_experiment_is_run_on_a_page(spec: Path) -> None:
    line = f"tracker run experiments/tutorials/{spec.name}"
    assert any(line in page.read_text() for page in PAGES)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_page_can_be_found_and_tried_without_a_network(page: Path) -> None:
    if page.name != "README.md":
        assert f"({page.name})" in (page.parent / "README.md").read_text()
        words = page.read_text()
        assert "data.name=shapes" in words or "draw_insects.py" in words or "drawn shapes" in words


def test_a_bottleneck_s_three_convolutions_hold_less_than_one() -> None:
    block = network("resnet50", stem="imagenet").get_submodule("layer1.1")
    sizes = [one.weight.numel() for one in block.modules() if isinstance(one, nn.Conv2d)]
    assert sizes == [16_384, 36_864, 16_384]
    assert sum(sizes) == 69_632
    assert count(block) == 70_400
    assert count(nn.Conv2d(256, 256, 3, padding=1, bias=False)) == 589_824
    assert round(589_824 / 69_632, 2) == 8.47


def test_the_graph_shows_them() -> None:
    nodes = {node.name: node for node in graph_of(network("resnet50", stem="cifar"), 32).node}
    shown = [nodes[f"layer1/1/conv{number}"] for number in (1, 2, 3)]
    assert [node.attr["parameters"].i for node in shown] == [16_384, 36_864, 16_384]
    widths = [node.attr["_output_shapes"].list.shape[0].dim[1].size for node in shown]
    assert widths == [64, 64, 256]
    narrow = {node.name: node for node in graph_of(network("resnet34", stem="cifar"), 32).node}
    assert [narrow[f"layer1/1/conv{n}"].attr["parameters"].i for n in (1, 2)] == [36_864] * 2


def test_of_vgg16_so_much_is_trained() -> None:
    net = network("vgg16", num_classes=2)
    ways: list[Freeze] = ["backbone", ("features",), False]
    trained = []
    for way in ways:
        still = freezing.never_trained(net, way)
        trained.append(
            sum(one.numel() for name, one in net.named_parameters() if name not in still)
        )
    assert trained == [8_194, 119_554_050, 134_268_738]


def test_the_small_network_is_as_large_as_its_page_says() -> None:
    assert count(network("small_cnn", num_classes=10)) == 145_578
