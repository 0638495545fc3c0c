"""A network cut in two where what is trained begins.

What comes before makes the same of a picture in every epoch: it takes no gradient, draws no chance
and keeps no count. torch.fx tells the operations one by one, so nothing is asked of how a network
is put together: a dropout before the head, a classifier of which only the last layer is trained and
heads beside the last one all come out right.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn


@dataclass(frozen=True)
class Halves:
    """`rest(settled(pictures))` is what the network says of pictures [B, 3, H, W].

    Between the two are tensors [B, …], at least one. Both use the network's own modules, in the
    modes these are in when called.
    """

    settled: fx.GraphModule
    rest: fx.GraphModule


def split(model: nn.Module, pictures: Tensor) -> Halves:
    """Cut `model`, in the modes its parts are in now, where the first trained parameter comes in.

    `pictures`, at least two, are sent through what comes before; no random generator is changed.
    Raises ValueError, in a few words, where the two cannot be told apart.
    """
    try:
        traced = fx.symbolic_trace(model)
    except Exception as error:  # a network under torch.fx raises anything
        raise ValueError(f"torch.fx cannot follow {type(model).__name__}") from error
    cuda = [pictures.device] if pictures.device.type == "cuda" else []
    with torch.random.fork_rng(devices=cuda), torch.no_grad():
        walk = _Walk(traced)
        walk.run(pictures)
    between = {
        node: value
        for node, value in walk.settled.items()
        if node.op != "get_attr" and any(user not in walk.settled for user in node.users)
    }
    if not between or any(node.op == "placeholder" for node in between):
        raise ValueError("nothing comes before what is trained")
    if not all(isinstance(one, Tensor) and len(one) == len(pictures) for one in between.values()):
        raise ValueError("what is trained is given more than tensors of a row for each picture")
    nodes = list(between)
    return Halves(_before(traced, walk.settled, nodes), _after(traced, walk.settled, nodes))


class _Walk(fx.Interpreter):
    """Runs what is settled and leaves out the rest; `settled` has its nodes, with what came out."""

    def __init__(self, traced: fx.GraphModule) -> None:
        super().__init__(traced)
        self.settled: dict[fx.Node, Any] = {}

    def run_node(self, n: fx.Node) -> Any:
        known = all(one in self.settled for one in n.all_input_nodes)
        if n.op == "output" or not known or self._changes(n):
            return None
        before = _chance()
        value = super().run_node(n)
        if all(map(torch.equal, before, _chance())):
            self.settled[n] = value
        return value

    def _changes(self, node: fx.Node) -> bool:
        """Whether what `node` stands for is trained, or keeps statistics while others are."""
        target = str(node.target)
        if node.op == "call_module":
            module = self.module.get_submodule(target)
            counts = module.training and any(True for _ in module.buffers())
            return counts or any(one.requires_grad for one in module.parameters())
        if node.op == "get_attr":
            owner = self.module.get_submodule(target.rpartition(".")[0])
            value = getattr(owner, target.rpartition(".")[2])
            return bool(value.requires_grad if isinstance(value, nn.Parameter) else owner.training)
        return False


def _chance() -> list[Tensor]:
    """The states of all global random generators."""
    on_gpus = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
    return [torch.get_rng_state(), *on_gpus]


def _before(
    traced: fx.GraphModule, settled: dict[fx.Node, Any], between: list[fx.Node]
) -> fx.GraphModule:
    graph, copies = fx.Graph(), dict[fx.Node, fx.Node]()
    for node in settled:
        copies[node] = graph.node_copy(node, copies.__getitem__)
    graph.output(tuple(copies[node] for node in between))
    return _module(traced, graph)


def _after(
    traced: fx.GraphModule, settled: dict[fx.Node, Any], between: list[fx.Node]
) -> fx.GraphModule:
    graph, copies = fx.Graph(), dict[fx.Node, fx.Node]()
    features = graph.placeholder("features")
    for place, node in enumerate(between):
        copies[node] = graph.call_function(operator.getitem, (features, place))
    for node in traced.graph.nodes:
        if node not in settled or node.op == "get_attr":
            copies[node] = graph.node_copy(node, copies.__getitem__)
    return _module(traced, graph)


def _module(traced: fx.GraphModule, graph: fx.Graph) -> fx.GraphModule:
    made = fx.GraphModule(traced, graph)
    made.graph.eliminate_dead_code()
    made.recompile()
    return made
