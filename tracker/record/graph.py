"""A network as TensorBoard's Graphs page shows it, drawn from what torch.fx sees.

`SummaryWriter.add_graph` goes through TorchScript: slow, deprecated inside torch, four times as
many boxes, and their names are not the model's own. Here a box is one operation, named by the path
people know (`layer1/0/se/fc1`), with the shape of what flows out and the parameters it holds.
"""

from __future__ import annotations

import contextlib
import copy
import io
import re
import warnings
from collections.abc import Iterable
from itertools import chain, count

import torch
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.compat.proto.node_def_pb2 import NodeDef
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.compat.proto.versions_pb2 import VersionDef
from torch import fx, nn
from torch.utils.tensorboard import _pytorch_graph

from tracker.record.ghost import ghost_of
from tracker.record.shapes import shapes_in

PRODUCER = 22  # the GraphDef version TensorBoard's own examples carry
_CONSTANT = "_tensor_constant"  # what torch.fx calls a tensor that a forward makes of buffers
_MODULE = re.compile(r"\w+\[([^\]]*)\]")  # how TorchScript calls a module: "Linear[fc]"


def graph_of(model: nn.Module, image_size: int) -> GraphDef:
    """Return the graph of `model` for a picture [1, 3, image_size, image_size].

    Where torch.fx cannot follow, as in a model whose path depends on its data, one black picture
    is followed instead, the way `SummaryWriter.add_graph` does; raises what torch raises where that
    fails too. `model` and the CPU's random generator are left as they are.
    """
    with torch.random.fork_rng(devices=[]):
        try:
            return _symbolic(model, image_size)
        except Exception:  # noqa: BLE001 - torch.fx and a model under it raise anything
            return _traced(model, image_size)


def _traced(model: nn.Module, image_size: int) -> GraphDef:
    still = copy.deepcopy(model).cpu().eval()
    # torch deprecates what this is made of, and prints why it fails besides raising it.
    with (
        warnings.catch_warnings(),
        contextlib.redirect_stdout(io.StringIO()),
        torch.no_grad(),  # attention takes another path with gradients than without
    ):
        warnings.simplefilter("ignore")
        drawn, _ = _pytorch_graph.graph(still, torch.zeros(1, 3, image_size, image_size))
    return _tidied(drawn)


def _tidied(drawn: GraphDef) -> GraphDef:
    """What TorchScript saw, without its constants, under the model's names.

    It stacks everything into a box of the model's class, and calls the box of `stem`, of class
    ConvNormAct, "ConvNormAct[stem]".
    """
    shown = [node for node in drawn.node if node.op not in ("prim::Constant", "prim::GetAttr")]
    names: dict[str, str] = {}
    taken: set[str] = set()
    for node in shown:
        [first, *parts] = node.name.split("/")
        scopes = [_MODULE.sub(r"\1", part) for part in parts[:-1]]
        if node.op == "IO Node":
            scopes, kind = [], first
        else:
            kind = node.op.rpartition("::")[2].strip("_")
        names[node.name] = _unused("/".join([*scopes, kind]), taken)
    for node in shown:
        node.name = names[node.name]
        inputs = [names[one] for one in node.input if one in names]
        del node.input[:]
        node.input.extend(inputs)
    return GraphDef(node=shown, versions=drawn.versions)


def _symbolic(model: nn.Module, image_size: int) -> GraphDef:
    """Compute nothing: a copy of `model` without its numbers is walked."""
    ghost = ghost_of(model)
    graph = fx.Tracer().trace(ghost)
    shapes = shapes_in(graph, ghost, image_size)
    # The rest is arithmetic with sizes, which a transformer has so much of that the network can't
    # be seen for it.
    names = _names(node for node in graph.nodes if node in shapes or node.op == "output")
    layers = dict(ghost.named_modules())
    drawn = GraphDef(versions=VersionDef(producer=PRODUCER))
    for node in names:
        box = drawn.node.add(name=names[node], op=_operation(node))
        box.input.extend(names[one] for one in node.all_input_nodes if one in names)
        if node.op == "call_module":
            _describe(box, layers[str(node.target)])
        if (size := shapes.get(node)) is not None:
            shape = box.attr["_output_shapes"].list.shape.add()
            shape.dim.extend(TensorShapeProto.Dim(size=each) for each in size)
    return drawn


def _names(nodes: Iterable[fx.Node]) -> dict[fx.Node, str]:
    """Name each node by where it stands in the model; what is called again gets a number."""
    taken: set[str] = set()
    return {node: _unused(_path(node), taken) for node in nodes}


def _unused(path: str, taken: set[str]) -> str:
    """`path`, or the first of "path_2", "path_3" and so on that is not `taken`, where it goes."""
    again = (f"{path}_{number}" for number in count(2))
    name = next(name for name in chain([path], again) if name not in taken)
    taken.add(name)
    return name


def _path(node: fx.Node) -> str:
    if node.op == "get_attr" and str(node.target).startswith(_CONSTANT):
        return "/".join([*_scope(next(iter(node.users), node)), "constant"])
    if node.op in ("call_module", "get_attr"):
        return str(node.target).replace(".", "/")
    if node.op in ("placeholder", "output"):
        return {"placeholder": "input"}.get(node.op, node.op)
    # A plain function (add, flatten) belongs to the module whose forward calls it.
    return "/".join([*_scope(node), _operation(node)])


def _scope(node: fx.Node) -> list[str]:
    """The names of the modules, from the outermost in, whose forward calls it."""
    scopes = [path for path, _ in node.meta.get("nn_module_stack", {}).values() if path]
    return scopes[-1].split(".") if scopes else []


def _operation(node: fx.Node) -> str:
    return node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "call")


def _describe(box: NodeDef, layer: nn.Module) -> None:
    """Make `box` tell the kind, the parameters and the settings of `layer`."""
    box.op = type(layer).__name__
    box.attr["parameters"].i = sum(one.numel() for one in layer.parameters())
    if details := layer.extra_repr():
        box.attr["details"].s = details.encode()
