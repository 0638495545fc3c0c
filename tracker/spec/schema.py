"""The schema as data: `schema.json` read once, its `$ref`s replaced, its variants told apart.

Only the keywords that `explain` has words for may stand in it (a contract test says so), every
`$ref` points into its own `$defs`, and `oneOf` stands only at the top of a block, where one field
(`name`, or the model's `backbone`) decides which branch is meant.
"""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

Schema: TypeAlias = dict[str, Any]

FILE = Path(__file__).with_name("schema.json")


class Variants(NamedTuple):
    """The branches of a block, told apart by the field `by`.

    `members` maps each value of it that is listed to its branch; `patterns` has those branches of
    which the values are too many to list.
    """

    by: str
    members: dict[str, Schema]
    patterns: dict[str, Schema]
    default: str

    def branch(self, name: Any) -> Schema | None:
        """The branch that `name` means; None where there is no such."""
        if not isinstance(name, str):
            return None
        fits = (part for one, part in self.patterns.items() if re.fullmatch(one, name))
        return self.members.get(name) or next(fits, None)


class Choice(NamedTuple):
    """A data set or backbone that an experiment can name."""

    name: str
    family: str
    description: str
    fields: tuple[str, ...]


@functools.cache
def document() -> Schema:
    """The schema as published; not to be changed."""
    loaded: Schema = json.loads(FILE.read_text(encoding="utf-8"))
    return loaded


@functools.cache
def resolved() -> Schema:
    """The same with every `$ref` replaced by what it names; keywords beside a `$ref` win."""
    top = document()
    definitions = top["$defs"]

    def resolve(part: Any) -> Any:
        if isinstance(part, list):
            return [resolve(item) for item in part]
        if not isinstance(part, dict):
            return part
        if isinstance(name := part.get("$ref"), str):
            part = {**definitions[name.removeprefix("#/$defs/")], **part}
            del part["$ref"]
        return {key: resolve(item) for key, item in part.items()}

    whole: Schema = resolve({key: part for key, part in top.items() if key != "$defs"})
    return whole


@functools.cache
def run() -> Schema:
    """The resolved schema of a single run: what makes runs out of files is done with.

    It names no dialect, or jsonschema would judge by that and not by `check`'s stricter one, and
    is no longer what its `$id` says.
    """
    whole = {key: part for key, part in resolved().items() if key not in ("$schema", "$id")}
    gone = ("matrix", "extends")
    return {**whole, "properties": {k: p for k, p in whole["properties"].items() if k not in gone}}


@functools.cache
def variants() -> dict[str, Variants]:
    """Of each block that has variants, its branches."""
    blocks = resolved()["properties"]
    return {name: _variants(block) for name, block in blocks.items() if "oneOf" in block}


def _variants(block: Schema) -> Variants:
    by = next(key for key in ("name", "backbone") if key in block["oneOf"][0]["properties"])
    members: dict[str, Schema] = {}
    patterns: dict[str, Schema] = {}
    for branch in block["oneOf"]:
        field = branch["properties"][by]
        if "pattern" in field:
            patterns[field["pattern"]] = branch
        else:
            members.update(dict.fromkeys(field.get("enum") or [field["const"]], branch))
    default = next(b for b in block["oneOf"] if by not in b.get("required", ()))
    return Variants(by, members, patterns, default["properties"][by]["default"])


@functools.cache
def choosers() -> frozenset[str]:
    """Dotted paths of the fields that decide a variant, such as `optimizer.name`."""
    return frozenset(f"{block}.{kinds.by}" for block, kinds in variants().items())


def choices(block: str) -> list[Choice]:
    """What the block `data` or `model` (or `optimizer`, `schedule`) can be, in schema order."""
    kinds = variants()[block]
    return [
        Choice(
            name,
            branch["title"],
            branch["description"],
            tuple(key for key in branch["properties"] if key != kinds.by),
        )
        for name, branch in kinds.members.items()
    ]


@functools.cache
def fields() -> tuple[str, ...]:
    """Dotted path of every single field that a matrix may vary, in schema order."""
    paths: dict[str, None] = {"seed": None}
    for name, block in resolved()["properties"].items():
        if name not in ("matrix", "compare", "expect") and (
            "properties" in block or "oneOf" in block
        ):
            paths.update(dict.fromkeys(_below(block, name)))
    return tuple(paths)


def _below(part: Schema, path: str) -> list[str]:
    if "oneOf" in part:
        return [found for branch in part["oneOf"] for found in _below(branch, path)]
    # what may be an object or something else is varied whole
    if "properties" in part and not {"string", "boolean"} & set(part.get("type", ())):
        inner = part["properties"].items()
        return [found for key, item in inner for found in _below(item, f"{path}.{key}")]
    return [path]
