"""A network as TensorBoard's Graphs page shows it, drawn from what torch.fx sees.

`SummaryWriter.add_graph` goes through TorchScript: slow, deprecated inside torch, four times as
many boxes, and their names are not the model's own. Here a box is one operation, named by the path
people know (`layer1/0/se/fc1`), with the shape of what flows out and the parameters it holds.
"""

from __future__ import annotations

import contextlib
import copy
import io
import operator
import re
import warnings
from collections.abc import Callable, Hashable, Iterable
from functools import partial
from itertools import chain, count
from typing import Any

import torch
from tensorboard.compat.proto.attr_value_pb2 import AttrValue
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.compat.proto.node_def_pb2 import NodeDef
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.compat.proto.versions_pb2 import VersionDef
from torch import Tensor, fx, nn
from torch.fx.node import Target
from torch.fx.passes.shape_prop import ShapeProp
from torch.utils.tensorboard import _pytorch_graph

PRODUCER = 22  # the GraphDef version TensorBoard's own examples carry
_CONSTANT = "_tensor_constant"  # what torch.fx calls a tensor that a forward makes of buffers
_MODULE = re.compile(r"\w+\[([^\]]*)\]")  # how TorchScript calls a module: "Linear[fc]"

_KNOWN_BY_SETTINGS = frozenset(
    {
        *(nn.Conv2d, nn.Linear, nn.BatchNorm2d, nn.LayerNorm, nn.Dropout, nn.Identity),
        *(nn.ReLU, nn.ReLU6, nn.SiLU, nn.GELU, nn.Sigmoid, nn.Hardswish, nn.Hardsigmoid),
        *(nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d),
    }
)
_KNOWN_BY_SHAPES = frozenset({operator.add, operator.iadd, operator.mul, torch.add, torch.mul})


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
    """Compute nothing: a copy of `model` without memory is walked."""
    ghost = _without_memory(model)
    traced = fx.symbolic_trace(ghost)
    _Shapes(traced).propagate(torch.empty(1, 3, image_size, image_size, device="meta"))
    names = _names(node for node in traced.graph.nodes if _carries_tensors(node))
    nodes = [_node(node, names, ghost) for node in names]
    return GraphDef(node=nodes, versions=VersionDef(producer=PRODUCER))


class _Shapes(ShapeProp):
    """Finds what flows out of each node, asking torch once for what is the same again.

    Torch works out a shape in Python, which for a network of repeated blocks takes several times
    what all else here does. A layer of one of `_KNOWN_BY_SETTINGS` makes the same of the same
    shape if its settings are the same.
    """

    def __init__(self, traced: fx.GraphModule) -> None:
        super().__init__(traced)
        self._found: dict[Hashable, Tensor] = {}

    def call_module(self, target: Target, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        layer = self.fetch_attr(str(target))
        asked = partial(super().call_module, target, args, kwargs)
        if type(layer) not in _KNOWN_BY_SETTINGS or kwargs:
            return asked()
        return self._ask((type(layer), layer.extra_repr()), args, asked)

    def call_function(self, target: Target, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        asked = partial(super().call_function, target, args, kwargs)
        return asked() if target not in _KNOWN_BY_SHAPES else self._ask(target, args, asked)

    def _ask(self, what: Hashable, args: tuple[Any, ...], asked: Callable[[], Any]) -> Any:
        if not all(isinstance(one, Tensor) for one in args):
            return asked()
        key = (what, *((one.shape, one.dtype) for one in args))
        if key not in self._found:
            self._found[key] = asked()
        return self._found[key]


def _without_memory(model: nn.Module) -> nn.Module:
    ghosts: dict[int, Tensor] = {id(one): one.to("meta") for one in model.buffers()}
    for one in model.parameters():  # torch.fx wants them to be Parameters still
        ghosts[id(one)] = nn.Parameter(one.to("meta"), requires_grad=one.requires_grad)
    return copy.deepcopy(model, ghosts).eval()


def _carries_tensors(node: fx.Node) -> bool:
    """Whether pictures or features flow out of it. The rest is arithmetic with their sizes, which
    a transformer has so much of that the network can't be seen for it."""
    return "tensor_meta" in node.meta or node.op == "output"


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


def _node(node: fx.Node, names: dict[fx.Node, str], model: nn.Module) -> NodeDef:
    kind, attributes = _operation(node), {}
    if node.op == "call_module":
        module = model.get_submodule(str(node.target))
        kind = type(module).__name__
        parameters = sum(one.numel() for one in module.parameters())
        attributes["parameters"] = AttrValue(i=parameters)
        if details := module.extra_repr():
            attributes["details"] = AttrValue(s=details.encode())
    if shape := _shape(node.meta.get("tensor_meta")):
        attributes["_output_shapes"] = AttrValue(list=AttrValue.ListValue(shape=[shape]))
    inputs = [names[one] for one in node.all_input_nodes if one in names]
    return NodeDef(name=names[node], op=kind, input=inputs, attr=attributes)


def _shape(meta: Any) -> TensorShapeProto | None:
    """Return the shape ShapeProp found for a tensor; None where a node yields something else."""
    if not hasattr(meta, "shape"):
        return None
    return TensorShapeProto(dim=[TensorShapeProto.Dim(size=size) for size in meta.shape])
