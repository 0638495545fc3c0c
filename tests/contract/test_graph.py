"""Every backbone is drawn as torch's own deep copy, its own tracing and its own shapes have it."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import fx, nn
from torch.fx.passes.shape_prop import ShapeProp

from tracker.models.build import construct
from tracker.models.catalog import Entry, entries
from tracker.models.ghost import Weightless
from tracker.record import graph
from tracker.record.graph import graph_of
from tracker.spec.experiment import Model

SIZE = 64  # pixels, or what the backbone is meant for where that is too small
FEW = frozenset(
    {
        *("resnet9", "se_resnet50", "mobilenet_v3_small", "densenet121", "googlenet"),
        *("convnext_tiny", "vit_b_32", "swin_t"),
    }
)


def copied(model: nn.Module) -> nn.Module:
    """What is on "meta" already, by `copy.deepcopy` alone."""
    return copy.deepcopy(model).eval()


def asked(walked: fx.Graph, model: nn.Module, size: int) -> dict[fx.Node, torch.Size | None]:
    """Shapes by ShapeProp alone, which asks torch for each."""
    ShapeProp(fx.GraphModule(model, walked)).propagate(torch.empty(1, 3, size, size, device="meta"))
    return {
        node: getattr(node.meta["tensor_meta"], "shape", None)
        for node in walked.nodes
        if "tensor_meta" in node.meta
    }


@pytest.mark.parametrize(
    "entry",
    [
        # A third of a second each.
        pytest.param(one, id=one.backbone, marks=[] if one.backbone in FEW else pytest.mark.slow)
        for one in entries()
    ],
)
def test_every_backbone(entry: Entry, monkeypatch: pytest.MonkeyPatch) -> None:
    fits = entry.smallest_image <= SIZE and SIZE % entry.multiple_of == 0
    size = SIZE if fits else entry.image_size
    with Weightless():
        spec = Model(backbone=entry.backbone, stem=entry.stem, width=entry.width)
        model = construct(spec, 10, size).to("meta")
    monkeypatch.delattr(graph, "_traced")  # torch.fx alone
    # The latter is how a GPU likes to have it.
    orders = [torch.contiguous_format, torch.channels_last][: 1 + (entry.backbone in FEW)]
    ours = [graph_of(model.to(memory_format=order), size) for order in orders]
    monkeypatch.setattr(graph, "ghost_of", copied)
    monkeypatch.setattr(graph, "shapes_in", asked)
    assert ours == [graph_of(model.to(memory_format=order), size) for order in orders]
