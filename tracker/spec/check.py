"""A tree of Nodes against the schema: every problem, and the document with defaults filled in.

A walker of our own instead of jsonschema's: it says which variant a field belongs to where
jsonschema says "not valid under any of the given schemas", it takes neither NaN for a number nor
1.0 for an integer, its time is linear in the input, and it saves importing jsonschema (40 ms). A
contract test holds the two to the same verdicts.

One rule for integers: they are written as integers. 1.0 and 1e3 are refused, with what to write.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Sequence
from typing import Any

from tracker.errors import Problem
from tracker.spec.node import INVALID, Node, Text, plain
from tracker.spec.schema import Schema, Variants, fields, resolved, variants
from tracker.spec.words import Path, dotted, kind, listed, nearest, shorten, show

_MOST = 10  # unknown keys that are reported of one object
_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "null": (type(None),),
    "integer": (int,),
    "number": (int, float),
}
_NAMES = {
    "object": "an object",
    "array": "an array",
    "string": "a string",
    "boolean": "true or false",
    "null": "null",
    "integer": "an integer",
    "number": "a number",
}
_BOUNDS: dict[str, tuple[str, Callable[[float, float], bool]]] = {
    "minimum": ("at least", lambda value, bound: value >= bound),
    "exclusiveMinimum": ("above", lambda value, bound: value > bound),
    "maximum": ("at most", lambda value, bound: value <= bound),
    "exclusiveMaximum": ("below", lambda value, bound: value < bound),
}
# What other programs call it, where the letters are too unlike ours to be recognised.
_ALSO_CALLED = {
    "architecture": "backbone",
    "amp": "precision",
    "dataset": "data",
    "dtype": "precision",
    "l2": "weight_decay",
    "learning_rate": "lr",
    "network": "model",
    "num_workers": "workers",
    "path": "root",
    "pct_start": "peak_at",
    "random_seed": "seed",
    "scheduler": "schedule",
    "step_size": "step_epochs",
    "train": "training",
    "wd": "weight_decay",
}


def check(node: Node, schema: Schema, path: Path, problems: list[Problem]) -> Any:
    """The plain value of `node` with defaults filled in; what is wrong is added to `problems`.

    A part that is wrong is INVALID in what is returned. Numbers come back as float where the
    field is not an integer, so that 1 and 1.0 are one learning rate.
    """
    value = node.value
    if value is INVALID:
        return INVALID
    if (wrong := _misfit(value, schema)) is not None:
        problems.append(node.problem(path, wrong))
        return INVALID
    if isinstance(value, dict):
        return _object(node, schema, path, problems)
    if isinstance(value, list):
        return _array(node, schema, path, problems)
    return _number(value, schema)


def _number(value: Any, schema: Schema) -> Any:
    real = isinstance(value, (int, float)) and not isinstance(value, bool)
    if real and "number" in schema.get("type", ""):
        return float(value) + 0.0  # -0.0 becomes 0.0
    return value


def _misfit(value: Any, schema: Schema) -> str | None:
    """What is wrong with the value itself, its members left aside."""
    if "type" in schema and (wrong := _mistyped(value, schema["type"])) is not None:
        return wrong
    if "const" in schema or "enum" in schema:
        return _foreign(value, schema.get("enum") or [schema["const"]], schema["title"])
    if isinstance(value, str):
        return _bad_string(value, schema)
    if isinstance(value, (int, float)):
        for keyword, (words, holds) in _BOUNDS.items():
            if keyword in schema and not holds(value, schema[keyword]):
                return f"must be {words} {schema[keyword]}, and is {show(value)}"
    return None


def _mistyped(value: Any, types: str | Sequence[str]) -> str | None:
    allowed = (types,) if isinstance(types, str) else types
    for name in allowed:
        if isinstance(value, _TYPES[name]) and (name == "boolean" or not isinstance(value, bool)):
            return None
    wrong = f"{listed([_NAMES[name] for name in allowed], 'or')} is expected, not"
    if isinstance(value, float) and "integer" in allowed:
        exact = value.is_integer() and abs(value) < 2**53
        return f"{wrong} the number {show(value)}" + (f"; write {int(value)}" if exact else "")
    if isinstance(value, str):
        return f"{wrong} the string {show(value)}"
    if isinstance(value, (int, float)) and "string" in allowed:
        return f'{wrong} {kind(value)}; quoted it would be one: "{show(value)}"'
    return f"{wrong} {kind(value)}"


def _foreign(value: Any, allowed: Sequence[Any], title: str) -> str | None:
    # type(): True == 1 and 1.0 == 1 in Python
    if any(value == item and type(value) is type(item) for item in allowed):
        return None
    near = nearest(value, [item for item in allowed if isinstance(item, str)])
    hint = f"did you mean '{near}'? " if near else ""
    return f"unknown {title.lower()} {show(value)}; {hint}Allowed: {listed(allowed, 'or')}"


def _bad_string(value: str, schema: Schema) -> str | None:
    if len(value) > schema.get("maxLength", len(value)):
        return f"must be at most {schema['maxLength']} characters long, and has {len(value)}"
    if len(value) < schema.get("minLength", 0):
        return "must not be empty"
    if "pattern" in schema and not (pattern := re.compile(schema["pattern"])).fullmatch(value):
        # our patterns hold for every beginning of what they hold for
        at = next(i for i in range(len(value)) if not pattern.fullmatch(value[: i + 1]))
        wrong = f"{show(value[at])} at character {at + 1} of {show(value)} is not allowed"
        return f"{wrong}; {schema['patternErrorMessage']}"
    return None


def _array(node: Node, schema: Schema, path: Path, problems: list[Problem]) -> Any:
    items: list[Node] = node.value
    least, most = schema.get("minItems", 0), schema["maxItems"]
    if not least <= len(items) <= most:
        wanted = f"{least}" if least == most else f"{least} to {most}"
        problems.append(node.problem(path, f"must hold {wanted} values, and holds {len(items)}"))
        return INVALID
    found = [check(item, schema["items"], (*path, i), problems) for i, item in enumerate(items)]
    if schema.get("uniqueItems"):
        problems += twice(items, path)
    return INVALID if INVALID in found else found


def twice(items: Sequence[Node], path: Path) -> list[Problem]:
    """A problem for each scalar that stands in a list again."""
    seen: set[str] = set()
    problems = []
    for i, item in enumerate(items):
        known = len(seen)
        seen.add(repr(plain(item)))
        if len(seen) == known and item.value is not INVALID:
            problems.append(item.problem((*path, i), f"{show(item.value)} is listed twice"))
    return problems


def _object(node: Node, schema: Schema, path: Path, problems: list[Problem]) -> Any:
    kinds = variants()[str(path[0])] if "oneOf" in schema else None
    chosen = ""
    if kinds is not None:
        chosen = _chosen(node, kinds, path, problems)
        if not chosen:
            return INVALID
        schema = kinds.members[chosen]
    known = schema["properties"]
    strange = [key for key in node.value if key not in known]
    for key in strange[:_MOST]:
        wrong = (kinds and _belongs(key, chosen, kinds)) or _meant(key, list(known), path)
        problems.append(node.value[key].key_problem((*path, key), wrong))
    if len(strange) > _MOST:
        more = f"and {len(strange) - _MOST} more unknown keys"
        problems.append(node.value[strange[_MOST]].key_problem(path, more))
    filled = {}
    for key, part in known.items():
        here = (*path, key)
        if key in node.value:
            filled[key] = check(node.value[key], part, here, problems)
        elif key in schema.get("required", ()):
            example = f'"{key}": "{part["examples"][0]}"'
            problems.append(node.problem(here, f"is missing; for example {example}"))
            filled[key] = INVALID
        elif "default" in part:
            filled[key] = _default(part, here)
    return filled


def _default(part: Schema, path: Path) -> Any:
    if isinstance(part["default"], dict):  # a block, whose fields know their own defaults
        return check(Node({}, Text("")), part, path, [])
    return _number(copy.copy(part["default"]), part)


def _chosen(node: Node, kinds: Variants, path: Path, problems: list[Problem]) -> str:
    """Which variant the block is, or nothing where it names one that doesn't exist."""
    given = node.value.get(kinds.by)
    if given is None:
        return kinds.default
    if given.value is INVALID:
        return ""
    title = kinds.members[kinds.default]["properties"][kinds.by]["title"]
    wrong = _foreign(given.value, list(kinds.members), title)
    if wrong is not None:
        problems.append(given.problem((*path, kinds.by), wrong))
        return ""
    return str(given.value)


def _belongs(key: str, chosen: str, kinds: Variants) -> str | None:
    """What to say of another variant's field, such as momentum for adam."""
    owners = [name for name, branch in kinds.members.items() if key in branch["properties"]]
    if not owners:
        return None
    own = [field for field in kinds.members[chosen]["properties"] if field != kinds.by]
    return f"{key} belongs to {listed(owners)}; {chosen} takes {listed(own)}"


def _meant(key: str, known: Sequence[str], path: Path) -> str:
    """What to say of a key that nothing here is called."""
    wrong = f"unknown key '{shorten(key)}'"
    if not path:  # a run has no matrix, but the file that it comes from has
        known = list(resolved()["properties"])
    names = [*known, *(also for also, ours in _ALSO_CALLED.items() if ours in known)]
    if near := nearest(key, names):
        return f"{wrong}; did you mean '{_ALSO_CALLED.get(near, near)}'?"
    name = _ALSO_CALLED.get(nearest(key, _ALSO_CALLED) or key, key)
    for field in fields():
        if field.rpartition(".")[2] == name != "name":
            return f"{wrong}; did you mean {field}?"
    return f"{wrong}; {dotted(path) or 'an experiment'} takes {listed(known)}"
