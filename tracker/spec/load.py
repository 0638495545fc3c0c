"""An experiment file → the runs it asks for. The only door through which JSON comes in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tracker.errors import Problem, SpecError, printable
from tracker.spec.check import Known, check
from tracker.spec.convert import build
from tracker.spec.experiment import Experiment
from tracker.spec.layers import lay_arguments, read_layers
from tracker.spec.matrix import axes, members, variant
from tracker.spec.node import Node, Text, place
from tracker.spec.rules import broken
from tracker.spec.schema import run
from tracker.spec.words import listed

MAX_PROBLEMS = 50


def load(
    path: Path,
    *,
    overrides: Sequence[str] = (),
    seeds: Sequence[int] | None = None,
    max_steps: int | None = None,
) -> list[Experiment]:
    """Every run that the file at `path` asks for, in the order of its matrix.

    `overrides` are `PATH=VALUE` texts, VALUE being JSON or else a string; each replaces what the
    file says, an axis of its matrix included. `seeds` replaces the seed or its axis, `max_steps`
    is `training.max_steps`. Raises SpecError with every problem of the file, of those it extends
    and of the arguments; nothing else.
    """
    problems: list[Problem] = []
    name = printable(str(path))
    try:
        document = read_layers(Path(path), problems)
    except SpecError as error:
        raise _sorted(error.problems, name) from None
    document = lay_arguments(document, overrides, seeds, max_steps, problems)
    varied = axes(document, problems)
    known: Known = {}
    filled = [_filled(member, problems, known) for member in members(document, varied)]
    _settle(document, filled, [axis for axis in varied if axis != "seed"], problems)
    if problems:
        raise _sorted(problems, name)
    return [build(one) for one in filled]


def from_document(document: Mapping[str, Any], source: str = "experiment") -> Experiment:
    """The Experiment that a plain document without `matrix` and `extends` describes.

    The inverse of `to_document`. Raises SpecError, its problems lying in `source`.
    """
    problems: list[Problem] = []
    node = place(dict(document), Text(source, whole=False))
    problems += [
        node.problem((key,), "stands in files only, which `load` reads")
        for key in sorted({"matrix", "extends"} & node.value.keys())
    ]
    [member] = members(node, {})
    filled = _filled(member, problems, {})
    _settle(node, [filled], [], problems)
    if problems:
        raise _sorted(problems, source)
    return build(filled)


def _filled(member: Node, problems: list[Problem], known: Known) -> dict[str, Any]:
    """The member's document with every default; its problems, rules between fields included."""
    document: dict[str, Any] = check(member, run(), (), problems, known)
    for path, wrong, other in broken(document):
        found, rest = _down(member, path)
        if rest and not _down(member, other)[1]:  # the file leaves it at its default
            found, _ = _down(member, other)
        problems.append(found.problem(tuple(path.split(".")), wrong))
    return document


def _down(node: Node, path: str) -> tuple[Node, int]:
    """The node at a dotted path, or the last one on the way, and how many keys are missing."""
    keys = path.split(".")
    for i, key in enumerate(keys):
        if not isinstance(node.value, dict) or key not in node.value:
            return node, len(keys) - i
        node = node.value[key]
    return node, 0


def _settle(
    document: Node, filled: Sequence[dict[str, Any]], varied: Sequence[str], problems: list[Problem]
) -> None:
    """Fill in what follows from the matrix: `variant` and `compare.by`."""
    if problems:
        return
    named = filled[0]["variant"] is not None
    by = filled[0]["compare"]["by"]
    if varied and by is not None and by not in varied:
        node, _ = _down(document, "compare.by")
        wrong = f"is {by}, which is the same in every run; the matrix varies {listed(varied)}"
        problems.append(node.problem(("compare", "by"), wrong))
    taken: set[tuple[str, int]] = set()
    for one in filled:
        if one["variant"] is None:
            one["variant"] = variant(
                {axis: _value(one, axis) for axis in varied}, one["model"]["backbone"]
            )
        by = by or (varied[0] if varied else "model.backbone")
        one["compare"] = {**one["compare"], "by": by}  # runs share the blocks that don't vary
        if (one["variant"], one["seed"]) in taken and not problems:
            wrong = f"makes two runs that would both be called {one['variant']}/s{one['seed']}"
            wrong += "; leave variant out" if named else ""
            problems.append(document.value["matrix"].problem(("matrix",), wrong))
        taken.add((one["variant"], one["seed"]))


def _value(document: Mapping[str, Any], path: str) -> Any:
    value: Any = document
    for key in path.split("."):
        value = value[key] if isinstance(value, dict) and key in value else None
    return value


def _sorted(problems: Sequence[Problem], first: str) -> SpecError:
    """The problems in file order, arguments last, each once, at most 50 of them."""
    sources = {source: i for i, source in enumerate([first, *(p.source for p in problems)][::-1])}

    def order(problem: Problem) -> tuple[bool, int, int, int]:
        at = -sources[problem.source]  # where the source came up first
        return not problem.line, at, problem.line, problem.column

    ordered = sorted(dict.fromkeys(problems), key=order)
    if len(ordered) > MAX_PROBLEMS:
        more = f"and {len(ordered) - MAX_PROBLEMS} more problems"
        ordered[MAX_PROBLEMS:] = [Problem(first, 0, 0, "", more)]
    return SpecError(ordered)
