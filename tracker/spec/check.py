"""A tree of Nodes against the schema: every problem, and the document with defaults filled in.

jsonschema judges. It is given the one variant that a block says it is, not all of them to try, and
so names the very field that is wrong. Defaults, which it doesn't fill in, are ours.

One rule for integers: they are written as integers. 1.0 and 1e3 are refused, with what to write.
"""

from __future__ import annotations

import copy
import functools
import math
import re
from collections.abc import Iterator
from typing import Any, TypeAlias

from jsonschema.exceptions import ValidationError
from jsonschema.validators import Draft4Validator, Draft202012Validator, extend
from referencing import Registry

from tracker.errors import Problem
from tracker.spec.explain import explain, foreign
from tracker.spec.node import INVALID, Node, Text, plain
from tracker.spec.schema import Schema, variants
from tracker.spec.words import Path

Known: TypeAlias = dict[tuple[str, Node], Any]

_ABSENT = Node({}, Text(""))  # a block that the file leaves out
_SPARING = {"additionalProperties", "required", "uniqueItems"}  # say nothing of the other members


def _pattern(_: Any, pattern: str, value: Any, __: Schema) -> Iterator[ValidationError]:
    """Match the whole text, where `$` would let a line feed stand at its end."""
    if isinstance(value, str) and not re.fullmatch(pattern, value):
        yield ValidationError(pattern)


def _unless_long(keyword: str) -> Any:
    """Leave a list alone that is too long: `uniqueItems` may compare every pair in it."""
    judge = Draft202012Validator.VALIDATORS[keyword]

    def judge_short(validator: Any, rule: Any, value: Any, part: Schema) -> Any:
        long = isinstance(value, list) and len(value) > part["maxItems"]
        return () if long else judge(validator, rule, value, part)

    return judge_short


_JUDGE = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    {"pattern": _pattern, **{key: _unless_long(key) for key in ("items", "uniqueItems")}},
    # draft 4 is the last whose integers exclude 1.0; NaN is a number to all, and in all bounds
    type_checker=Draft4Validator.TYPE_CHECKER.redefine(
        "number", lambda _, value: type(value) in (int, float) and abs(value) < math.inf
    ),
)({}, registry=Registry())  # an empty one: no reference leads anywhere


def check(
    node: Node, schema: Schema, path: Path, problems: list[Problem], known: Known | None = None
) -> Any:
    """The plain value of `node` with defaults filled in; what is wrong is added to `problems`.

    A part that is wrong is INVALID in what is returned. Numbers come back as float where the
    field is not an integer, so that 1 and 1.0 are one learning rate. `known` keeps blocks for the
    next run of a matrix: one that is there is neither judged nor complained about again.
    """
    if "oneOf" in schema and isinstance(node.value, dict):
        chosen = _chosen(node, path, problems)
        return _judged(node, chosen, path, problems) if chosen else INVALID
    parts = schema.get("properties", {})
    blocks = {key: part for key, part in parts.items() if part.get("type") == "object"}
    if not blocks:
        return _judged(node, schema, path, problems)
    own = {key: item for key, item in node.value.items() if key not in blocks}
    rest = {**schema, "properties": {key: parts[key] for key in parts.keys() - blocks.keys()}}
    filled = _judged(node.holding(own), rest, path, problems)
    known = {} if known is None else known
    for key, part in blocks.items():
        block = node.value.get(key, _ABSENT)
        if (key, block) not in known:
            known[key, block] = check(block, part, (*path, key), problems)
        filled[key] = known[key, block]
    return filled


def _chosen(node: Node, path: Path, problems: list[Problem]) -> Schema | None:
    """The schema of the variant that the block says it is, or None where there is no such."""
    kinds = variants()[str(path[0])]
    name = node.value.get(kinds.by, Node(kinds.default, node.text))
    if branch := kinds.branch(name.value):
        return branch
    if name.value is not INVALID:
        title = kinds.members[kinds.default]["properties"][kinds.by]["title"]
        wrong = foreign(name.value, list(kinds.members), title)
        problems.append(name.problem((*path, kinds.by), wrong))
    return None


def _judged(node: Node, schema: Schema, path: Path, problems: list[Problem]) -> Any:
    """The same as `check` for what has no variants and no blocks."""
    wrong: set[Path] = set()
    for error in sorted(_JUDGE.evolve(schema=schema).iter_errors(plain(node)), key=_depth):
        place = tuple(error.path)
        told = error.instance is INVALID or any(place[:i] in wrong for i in range(len(place) + 1))
        if not told:
            found = functools.reduce(lambda node, key: node.value[key], place, node)
            problems += explain(error, found, (*path, *place))
        if error.validator not in _SPARING:
            wrong.add(place)
    return _filled(node, schema, (), wrong)


def _depth(error: ValidationError) -> int:
    """Put a list before its items, and what stands in it twice after them."""
    return len(error.path) + (error.validator == "uniqueItems")


def _filled(node: Node, schema: Schema, place: Path, wrong: set[Path]) -> Any:
    """The plain value of `node`, which stands at `place`, with defaults."""
    value = node.value
    if place in wrong:
        return INVALID
    if isinstance(value, dict):
        filled = {}
        for key, part in schema["properties"].items():
            if key in value:
                filled[key] = _filled(value[key], part, (*place, key), wrong)
            elif "default" in part:
                filled[key] = _real(copy.copy(part["default"]), part)
        return filled
    if isinstance(value, list):
        found = [_filled(v, schema["items"], (*place, i), wrong) for i, v in enumerate(value)]
        return INVALID if INVALID in found else found
    return _real(value, schema)


def _real(value: Any, schema: Schema) -> Any:
    if type(value) in (int, float) and "number" in schema.get("type", ""):
        return float(value) + 0.0  # -0.0 becomes 0.0
    return value
