from pathlib import Path

from tensorboard.compat.proto.attr_value_pb2 import AttrValue
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.compat.proto.node_def_pb2 import NodeDef

from tracker.events.writer import EventWriter
from tracker.reading.gate.graph import graph_digest


def drawn(path: Path, *nodes: NodeDef) -> str | None:
    graph = GraphDef(node=nodes)
    with EventWriter(path) as writer:
        writer.scalars(1, {"a": 1.0})
        writer.event(Event(wall_time=1.0, graph_def=graph.SerializeToString()))
    return graph_digest(path)


def node(name: str, op: str = "Conv2d", *inputs: str, size: int = 3) -> NodeDef:
    return NodeDef(name=name, op=op, input=inputs, attr={"size": AttrValue(i=size)})


def test_names_do_not_count_and_everything_else_does(tmp_path: Path) -> None:
    one = drawn(tmp_path / "1", node("x"), node("y", "ReLU", "x"))
    assert one is not None
    assert drawn(tmp_path / "2", node("p"), node("q", "ReLU", "p")) == one
    others = [
        drawn(tmp_path / "3", node("x"), node("y", "GELU", "x")),
        drawn(tmp_path / "4", node("x"), node("y", "ReLU")),
        drawn(tmp_path / "5", node("x", size=5), node("y", "ReLU", "x")),
        drawn(tmp_path / "6", node("x")),
    ]
    assert len({one, *others}) == 5


def test_a_run_without_a_graph_has_no_digest(tmp_path: Path) -> None:
    with EventWriter(tmp_path) as writer:
        writer.scalars(1, {"a": 1.0})
    assert graph_digest(tmp_path) is None
