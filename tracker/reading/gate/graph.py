"""Whether two networks are built alike, told from the graphs that their runs wrote."""

from __future__ import annotations

import hashlib
from pathlib import Path

from google.protobuf.message import DecodeError
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.graph_pb2 import GraphDef

from tracker.events.reader import event_files
from tracker.events.record import Scan


def graph_digest(path: Path) -> str | None:
    """The digest of the graph in the event files right in `path`; None where there is none.

    Equal where the same operations follow one another with the same settings and shapes: what its
    parts are called has no part in it, nor has any weight.
    """
    for file in event_files(path):
        for _, payload in Scan(file):
            try:
                event = Event.FromString(payload)
                if event.WhichOneof("what") == "graph_def":
                    return _digest(GraphDef.FromString(event.graph_def))
            except DecodeError:
                return None
    return None


def _digest(graph: GraphDef) -> str:
    places = {node.name: str(place) for place, node in enumerate(graph.node)}
    digest = hashlib.sha256()
    for node in graph.node:
        inputs = [places.get(name, "?") for name in node.input]
        attributes = [
            f"{name}={node.attr[name].SerializeToString(deterministic=True).hex()}"
            for name in sorted(node.attr)
        ]
        digest.update("\t".join([node.op, *inputs, *attributes, "\n"]).encode())
    return digest.hexdigest()
