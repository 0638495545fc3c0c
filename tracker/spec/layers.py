"""The layers an experiment is made of: what it extends, the file itself, the command line."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from tracker.errors import Problem, SpecError
from tracker.spec.merge import merge, override
from tracker.spec.node import INVALID, Node, Text, place
from tracker.spec.schema import choosers
from tracker.spec.source import argument, read
from tracker.spec.words import shorten

MAX_EXTENDS = 16
VERSION = 1


def read_layers(path: Path, problems: list[Problem]) -> Node:
    """The document in a file, laid upon what it extends.

    Wrong values met on the way are added to `problems`. Raises SpecError, with these, where a
    file cannot be read at all or is of another version: what the others say is then unknown.
    """
    layers: list[Node] = []
    seen: list[str] = []
    try:
        node, found = read(path)
        while True:
            problems += found
            _check_version(node)
            layers.append(node)
            seen.append(os.path.realpath(path))
            extends = node.value.get("extends")
            if extends is None or extends.value is None or extends.value is INVALID:
                break
            path = _base(extends, path, seen)
            node, found = _read_base(extends, path)
    except SpecError as error:
        raise SpecError([*problems, *error.problems]) from None
    document = layers.pop()
    while layers:
        document = merge(document, layers.pop())
    return document


def _base(extends: Node, path: Path, seen: Sequence[str]) -> Path:
    """The file that `extends`, in the file at `path`, names."""
    name = extends.value
    if not isinstance(name, str) or not 0 < len(name) <= 1000 or "\0" in name:
        wrong = "must be the path of another experiment file, relative to this one"
    elif Path(name).is_absolute():
        wrong = f"'{shorten(name)}' must be relative to this file"
    elif os.path.realpath(path.parent / name) in seen:
        wrong = f"'{shorten(name)}' is this file or one that extends it: a circle"
    elif len(seen) >= MAX_EXTENDS:
        wrong = f"more than {MAX_EXTENDS} files extend one another"
    else:
        return path.parent / name
    raise SpecError([extends.problem(("extends",), wrong)])


def _read_base(extends: Node, path: Path) -> tuple[Node, list[Problem]]:
    try:
        return read(path)
    except SpecError as error:
        first = error.problems[0]
        if first.line:
            raise
        wrong = f"{first.source} {first.message}"
        raise SpecError([extends.problem(("extends",), wrong)]) from None


def _check_version(node: Node) -> None:
    version = node.value.get("version")
    if version is None or type(version.value) is not int or version.value == VERSION:
        return  # what is no integer is the schema's to refuse
    if version.value > VERSION:
        wrong = f"is {version.value} and this tracker reads {VERSION}: it needs a newer tracker"
    else:
        wrong = f"is {version.value}, which never was; write {VERSION}"
    raise SpecError([version.problem(("version",), wrong)])


def lay_arguments(
    document: Node,
    overrides: Sequence[str],
    seeds: Sequence[int] | None,
    max_steps: int | None,
    problems: list[Problem],
) -> Node:
    """`document` under the arguments of the command line; bad ones are added to `problems`."""
    given = _parsed(overrides, problems)
    # blocks before fields, and what chooses a variant before what may belong to it
    for path in sorted(given, key=lambda path: (len(_keys(path)), path not in choosers())):
        document = override(document, _keys(path), given[path])
    if seeds is not None:
        axis = Text(f"--seeds {','.join(map(str, seeds))}", whole=False)
        document = override(document, ("matrix", "seed"), place(list(seeds), axis))
    if max_steps is not None:
        limit = Text(f"--max-steps {max_steps}", whole=False)
        document = override(document, ("training", "max_steps"), place(max_steps, limit))
    return document


def _parsed(overrides: Sequence[str], problems: list[Problem]) -> dict[str, Node]:
    """The value that each path is set to."""
    given: dict[str, Node] = {}
    for text in overrides:
        source = f"--set {shorten(text, 200)}"
        path, equals, value = text.partition("=")
        keys = _keys(path)
        if not equals or not all(keys):
            wrong = "PATH=VALUE is expected, as in optimizer.lr=0.01"
        elif path in given:
            wrong = f"{shorten(path)} is set twice"
        elif keys[0] in ("extends", "version", "$schema"):
            wrong = f"{keys[0]} is the file's to say"
        else:
            given[path], found = argument(source, value, keys)
            problems += found
            continue
        problems.append(Problem(source, 0, 0, "", wrong))
    return given


def _keys(path: str) -> tuple[str, ...]:
    """The keys on the way to `path`; the axes of a matrix are single keys with dots in them."""
    block, _, rest = path.partition(".")
    return (block, rest) if block == "matrix" and rest else tuple(path.split("."))
