"""One document laid upon another: `extends`, `--set` and `matrix` all come down to this.

A later layer's word wins. Objects are merged key by key, everything else is replaced. Where a
later layer makes a block another variant (adam over sgd), the fields that only the former variant
has (momentum) go, and fields that both have (lr) stay. Where it sets a field that an earlier
layer's matrix varies, that axis keeps the one value. Nodes are shared, never changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tracker.spec.node import Node
from tracker.spec.schema import variants

_OWN = {"$schema", "extends", "variant"}  # what a file says of itself, not of those extending it


def merge(base: Node, over: Node) -> Node:
    """The document `over` laid upon the document `base` that it extends."""
    kept = {key: node for key, node in base.value.items() if key not in _OWN}
    return _merged(_narrowed(base.holding(kept), over), over)


def override(document: Node, path: Sequence[str], node: Node) -> Node:
    """`document` with `node`, whole, at `path`."""
    over = node
    for key in reversed(path):
        over = Node({key: over}, node.text)
    return assign(_narrowed(document, over), path, node)


def assign(parent: Node, path: Sequence[str], node: Node, above: Sequence[str] = ()) -> Node:
    """`parent`, itself at `above`, with `node` at `path` below it; the matrix is left alone.

    Objects on the way are made where there are none or null, and in place of a field's other kinds
    of values (`model.freeze`: false); a block that is no object stays, to be complained about.
    """
    if not isinstance(parent.value, dict) and parent.value is not None and len(above) < 2:
        return parent
    key, *rest = path
    fields = parent.value if isinstance(parent.value, dict) else {}
    if len(above) == 1:
        fields = _switched(fields, {key: node}, above[0])
    if rest:
        node = assign(fields.get(key) or Node({}, node.text, node.start), rest, node, (*above, key))
    return parent.holding({**fields, key: node})


def _merged(base: Node, over: Node, above: Sequence[str] = ()) -> Node:
    fields = dict(base.value)
    if len(above) == 1:
        fields = _switched(fields, over.value, above[0])
    for key, node in over.value.items():
        below = fields.get(key)
        both = below is not None and isinstance(below.value, dict) and isinstance(node.value, dict)
        fields[key] = _merged(below, node, (*above, key)) if below and both else node
    return over.holding(fields)


def _narrowed(base: Node, over: Node) -> Node:
    """`base` with each axis of its matrix that `over` gives one value left with that value."""
    matrix = base.value.get("matrix")
    if matrix is None or not isinstance(matrix.value, dict):
        return base
    own = over.value.get("matrix")
    axes = dict(matrix.value)
    for axis in axes:
        word = _at(over, axis.split("."))
        if word is not None and not (own and isinstance(own.value, dict) and axis in own.value):
            axes[axis] = Node([word], word.text, word.start)
    return base.holding({**base.value, "matrix": matrix.holding(axes)})


def _at(node: Node, path: Sequence[str]) -> Node | None:
    for key in path:
        if not isinstance(node.value, dict) or key not in node.value:
            return None
        node = node.value[key]
    return node


def _switched(fields: Mapping[str, Node], over: Mapping[str, Node], block: str) -> dict[str, Node]:
    """The fields of `block` without those that the variant chosen in `over` doesn't have."""
    kinds = variants().get(block)
    if kinds is None or kinds.by not in over:
        return dict(fields)
    former = fields[kinds.by].value if kinds.by in fields else kinds.default
    latter = over[kinds.by].value
    before, after = kinds.branch(former), kinds.branch(latter)
    if before is None or after is None:
        return dict(fields)
    gone = before["properties"].keys() - after["properties"].keys()
    return {key: node for key, node in fields.items() if key not in gone}
