"""A matrix: fields with a list of values each, every combination of which is a run."""

from __future__ import annotations

import itertools
import json
import math
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tracker.errors import Problem
from tracker.spec.explain import twice
from tracker.spec.merge import assign
from tracker.spec.node import INVALID, Node
from tracker.spec.schema import choosers, fields
from tracker.spec.words import kind, listed, nearest, shorten

MAX_RUNS = 1000
MAX_AXES = 16
MAX_VALUES = 1_000_000  # of all runs together: a matrix makes much out of little
MAX_NAME = 63  # characters of a variant's name
_UNSAFE = re.compile(r"[^a-z0-9._=,-]+")


def axes(document: Node, problems: list[Problem]) -> dict[str, list[Node]]:
    """The values of each field that the matrix varies, in file order.

    Axes that are wrong are left out and added to `problems`.
    """
    matrix = document.value.get("matrix")
    if matrix is None or matrix.value is INVALID:
        return {}
    if not isinstance(matrix.value, dict):
        wrong = f"an object is expected, of a list of values per field, not {kind(matrix.value)}"
        problems.append(matrix.problem(("matrix",), wrong))
        return {}
    if len(matrix.value) > MAX_AXES:
        wrong = f"varies {len(matrix.value)} fields; at most {MAX_AXES} may be"
        problems.append(matrix.problem(("matrix",), wrong))
        return {}
    found = {}
    for axis, values in matrix.value.items():
        path = ("matrix", axis)
        if axis not in fields():
            problems.append(values.key_problem(path, _no_field(axis)))
        elif values.value is INVALID:
            continue
        elif not isinstance(values.value, list) or not values.value:
            given = "an empty one" if values.value == [] else kind(values.value)
            problems.append(values.problem(path, f"a list of values is expected, not {given}"))
        elif again := twice(values.value, path):
            problems += again
        else:
            found[axis] = values.value
    if excess := _too_much(document, found):
        problems.append(matrix.problem(("matrix",), excess))
        return {}
    return found


def _too_much(document: Node, axes: Mapping[str, Sequence[Node]]) -> str | None:
    runs = math.prod(map(len, axes.values()))
    if runs > MAX_RUNS:
        return f"makes {runs} runs; at most {MAX_RUNS} may be"
    each = _size(document) - _size(document.value["matrix"])
    each += sum(max(map(_size, values)) for values in axes.values())
    if runs * each > MAX_VALUES:
        return f"makes {runs} runs of {each} values each; these are no experiments"
    return None


def _size(node: Node) -> int:
    """How many values the node holds, itself included."""
    held = node.value.values() if isinstance(node.value, dict) else node.value
    return 1 + (sum(map(_size, held)) if isinstance(node.value, (dict, list)) else 0)


def _no_field(axis: str) -> str:
    below = [field for field in fields() if field.startswith(f"{axis}.")]
    if below:
        return f"{axis} is a block; name a field of it, such as {listed(below[:3], 'or')}"
    near = nearest(axis, fields()) or nearest(axis.rpartition(".")[2], _by_last_part())
    hint = f"did you mean {_by_last_part().get(near, near)}?" if near else "a run has no such field"
    return f"unknown field '{shorten(axis)}'; {hint}"


def _by_last_part() -> dict[str, str]:
    return {field.rpartition(".")[2]: field for field in reversed(fields())}


def members(document: Node, values: Mapping[str, Sequence[Node]]) -> Iterator[Node]:
    """The document of each run: the product of the axes, the last one changing fastest."""
    kept = {key: n for key, n in document.value.items() if key not in ("matrix", "extends")}
    bare = document.holding(kept)
    for combination in itertools.product(*values.values()):
        member = bare
        # variants first: choosing one drops the other's fields, which later values may set
        chosen = dict(zip(values, combination, strict=True))
        for axis in sorted(chosen, key=lambda axis: axis not in choosers()):
            member = assign(member, axis.split("."), chosen[axis])
        yield member


def variant(values: Mapping[str, Any], backbone: str) -> str:
    """What a run is called whose axes other than the seed have these values, else `backbone`.

    The backbone stands alone, other values after the field's name: `se_resnet50,lr=0.1`. The
    name is made of a-z, 0-9 and ._=,- and is at most 63 characters long; a longer one is cut and
    ends in a checksum of the whole.
    """
    names = _names(list(values))
    parts = [
        _safe(value) if axis == "model.backbone" else f"{names[axis]}={_safe(value)}"
        for axis, value in values.items()
    ]
    name = ",".join(parts) or _safe(backbone)
    if len(name) > MAX_NAME:
        name = f"{name[: MAX_NAME - 9]}-{zlib.crc32(name.encode()):08x}"
    return name


def _names(paths: Sequence[str]) -> dict[str, str]:
    """The last part of each path; the block for `optimizer.name`; the whole where two are alike."""
    short = {p: p.removesuffix(".name").rpartition(".")[2] for p in paths}
    alike = list(short.values())
    return {path: name if alike.count(name) == 1 else path for path, name in short.items()}


def _safe(value: Any) -> str:
    if isinstance(value, list):
        return "+".join(map(_safe, value)).replace("+", "-") or "none"
    text = (
        value if isinstance(value, str) else json.dumps(value).removesuffix(".0").replace("e+", "e")
    )
    return _UNSAFE.sub("-", text.lower()).strip(".")
