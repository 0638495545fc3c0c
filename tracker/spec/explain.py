"""What jsonschema finds wrong, in our words: where, what, and what was probably meant.

Its own messages repeat the whole value and can't tell which variant a stray field belongs to.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from jsonschema.exceptions import ValidationError

from tracker.errors import Problem
from tracker.spec.node import INVALID, Node, plain
from tracker.spec.schema import Schema, fields, resolved, variants
from tracker.spec.words import Path, dotted, kind, listed, nearest, shorten, show

_MOST = 10  # unknown keys that are reported of one object
_NAMES = {
    "object": "an object",
    "array": "an array",
    "string": "a string",
    "boolean": "true or false",
    "null": "null",
    "integer": "an integer",
    "number": "a number",
}
_BOUNDS = {
    "minimum": "at least",
    "exclusiveMinimum": "above",
    "maximum": "at most",
    "exclusiveMaximum": "below",
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


def explain(error: ValidationError, node: Node, path: Path) -> list[Problem]:
    """What to say of `error`, found in `node` at `path`."""
    rule: Any = error.validator_value
    part: Any = error.schema
    match error.validator:
        case "additionalProperties":
            return _strange(node, list(part["properties"]), path)
        case "required":
            missing = [key for key in rule if key not in node.value]
            return [_missing(key, part["properties"][key], node, path) for key in missing]
        case "uniqueItems":
            return twice(node.value, path)
    return [node.problem(path, _misfit(str(error.validator), rule, error.instance, part))]


def _misfit(keyword: str, rule: Any, value: Any, part: Schema) -> str:
    """What is wrong with a value itself, its members left aside."""
    match keyword:
        case "type":
            return _mistyped(value, rule)
        case "enum" | "const":
            return foreign(value, part.get("enum") or [rule], part["title"])
        case "minLength":
            return "must not be empty"
        case "maxLength":
            return f"must be at most {rule} characters long, and has {len(value)}"
        case "minItems" | "maxItems":
            least, most = part.get("minItems", 0), part["maxItems"]
            wanted = f"{least}" if least == most else f"{least} to {most}"
            return f"must hold {wanted} values, and holds {len(value)}"
        case "pattern":
            # our patterns hold for every beginning of what they hold for
            at = next(i for i in range(len(value)) if not re.fullmatch(rule, value[: i + 1]))
            wrong = f"{show(value[at])} at character {at + 1} of {show(value)} is not allowed"
            return f"{wrong}; {part['patternErrorMessage']}"
    return f"must be {_BOUNDS[keyword]} {rule}, and is {show(value)}"


def _mistyped(value: Any, types: str | Sequence[str]) -> str:
    allowed = (types,) if isinstance(types, str) else types
    wrong = f"{listed([_NAMES[name] for name in allowed], 'or')} is expected, not"
    if isinstance(value, float) and ("integer" in allowed or "number" in allowed):
        exact = value.is_integer() and abs(value) < 2**53
        return f"{wrong} the number {show(value)}" + (f"; write {int(value)}" if exact else "")
    if isinstance(value, str):
        return f"{wrong} the string {show(value)}"
    if isinstance(value, (int, float)) and "string" in allowed:
        return f'{wrong} {kind(value)}; quoted it would be one: "{show(value)}"'
    return f"{wrong} {kind(value)}"


def foreign(value: Any, allowed: Sequence[Any], title: str) -> str:
    """What to say of a value that is none of those allowed for the field called `title`."""
    near = nearest(value, [item for item in allowed if isinstance(item, str)])
    hint = f"did you mean '{near}'? " if near else ""
    return f"unknown {title.lower()} {show(value)}; {hint}Allowed: {listed(allowed, 'or')}"


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


def _missing(key: str, part: Schema, node: Node, path: Path) -> Problem:
    example = f'"{key}": "{part["examples"][0]}"'
    return node.problem((*path, key), f"is missing; for example {example}")


def _strange(node: Node, known: Sequence[str], path: Path) -> list[Problem]:
    strange = [key for key in node.value if key not in known]
    problems = []
    for key in strange[:_MOST]:
        wrong = _belongs(key, node, path) or _meant(key, known, path)
        problems.append(node.value[key].key_problem((*path, key), wrong))
    if len(strange) > _MOST:
        more = f"and {len(strange) - _MOST} more unknown keys"
        problems.append(node.value[strange[_MOST]].key_problem(path, more))
    return problems


def _belongs(key: str, node: Node, path: Path) -> str | None:
    """What to say of another variant's field, such as momentum for adam."""
    if not path or path[0] not in variants():
        return None
    kinds = variants()[str(path[0])]
    owners = [name for name, branch in kinds.members.items() if key in branch["properties"]]
    chosen = node.value[kinds.by].value if kinds.by in node.value else kinds.default
    branch = kinds.branch(chosen)
    if not owners or branch is None:
        return None
    own = [field for field in branch["properties"] if field != kinds.by]
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
