"""The small JSON files of a run, checked field by field: what is not as written is Damaged."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

from tracker.errors import Damaged, printable
from tracker.store.files import read_json

SCHEMA_VERSION = 1

# field -> exact types; a bool is no int, and where no float may be, an int is a count: not negative
Shape: TypeAlias = Mapping[str, tuple[type, ...]]

TEXT: tuple[type, ...] = (str,)
COUNT: tuple[type, ...] = (int,)
NUMBER: tuple[type, ...] = (int, float)
NONE = type(None)


def read_document(
    path: Path, shape: Shape, optional: Shape = MappingProxyType({})
) -> dict[str, Any]:
    """The fields of `shape`, and those there of `optional`, from the JSON object at `path`.

    Others are left out.

    Raises Damaged where the file is missing, torn, of another shape or from a newer tracker, and
    Unavailable where it may not be read.
    """
    document, where = read_json(path), printable(str(path))
    if not isinstance(document, dict):
        raise Damaged(f"{where} holds no JSON object")
    version = document.get("schema_version")
    if type(version) is not int or version < 1:
        raise Damaged(f"{where} has no schema_version")
    if version > SCHEMA_VERSION:
        raise Damaged(f"{where} was written by a newer tracker (schema {version}): update tracker")
    there = {name: types for name, types in optional.items() if name in document}
    return fields(document, {**shape, **there}, where)


def fields(value: Any, shape: Shape, where: str) -> dict[str, Any]:
    """The fields of `shape` from `value`. Raises Damaged, naming `where`, if one is not right."""
    if not isinstance(value, dict):
        raise Damaged(f"{where} is no JSON object")
    for name, types in shape.items():
        if name not in value:
            raise Damaged(f"{where} has no {name}")
        if type(value[name]) not in types:
            raise Damaged(f"{where}: {name} cannot be a {type(value[name]).__name__}")
        if type(value[name]) is int and float not in types and value[name] < 0:
            raise Damaged(f"{where}: {name} cannot be negative")
    return {name: value[name] for name in shape}
