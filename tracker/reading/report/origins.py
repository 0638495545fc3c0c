"""Where the numbers come from: code, packages, machine, data, and the commands that made them."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tracker.errors import Damaged, Unavailable, printable
from tracker.reading.comparison.result import Comparison
from tracker.store.files import read_json
from tracker.store.imported import IMPORTED
from tracker.store.index import RunRecord

_NAMED = ("tracker", "torch", "torchvision", "numpy")  # packages that are told even if all agree
_RUNS = 3  # that are named where some differ from the rest


@dataclass(frozen=True)
class Fact:
    """One circumstance: each value it had, and which runs had it ("" where all did)."""

    name: str
    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Step:
    """Commands to type, one a line, and what they do."""

    what: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Origins:
    """The circumstances of all runs. `packages` are those that all have alike.

    `notes` are of what could not be read.
    """

    facts: tuple[Fact, ...]
    packages: Mapping[str, str]
    steps: tuple[Step, ...]
    notes: tuple[str, ...]


def origins(comparison: Comparison) -> Origins:
    """Read provenance.json of every member; what is damaged or missing becomes a note."""
    runs = [run for each in comparison.groups for run in each.group.members.values()]
    notes: list[str] = []
    documents = {run.id: _provenance(run, notes) for run in runs}
    told = {run.id: dict(_facts(run, documents[run.id])) for run in runs}
    names = list(dict.fromkeys(name for known in told.values() for name in known))
    facts = [
        _fact(name, {run: known.get(name, "–") for run, known in told.items()}) for name in names
    ]
    packages = {run: _block(known, "packages") for run, known in documents.items() if known}
    common, varying = _sorted_out(packages)
    return Origins(
        facts=(*facts, *varying),
        packages=common,
        steps=tuple(_steps(runs, documents)),
        notes=tuple(notes),
    )


def _provenance(run: RunRecord, notes: list[str]) -> Mapping[str, Any]:
    try:
        document = read_json(run.run.provenance_file)
    except (Damaged, Unavailable) as error:
        notes.append(str(error))
        return {}
    return document if isinstance(document, dict) else {}


def _facts(run: RunRecord, provenance: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Name and value of each circumstance of one run, as far as it was recorded."""
    source = _block(run.asked, IMPORTED).get("from")
    if source:
        yield "imported from", str(source)
    code = _block(provenance, "code")
    if code:
        dirty = " with uncommitted changes (code.patch)" if code.get("dirty") else ""
        yield "code", f"commit {code.get('commit')}{dirty}"
    elif provenance.get("code_missing"):
        yield "code", str(provenance["code_missing"])
    if provenance.get("python"):
        yield "Python", str(provenance["python"])
    for name in _NAMED:
        if version := _block(provenance, "packages").get(name):
            yield name, str(version)
    host = _block(provenance, "host")
    yield from _host(host)
    if run.machine:
        settled = [f"{name} {value}" for name, value in run.machine.items() if name != "torch"]
        yield "computed with", ", ".join(settled)
    if run.data:
        sizes = f"{run.data.train_size:,} + {run.data.val_size:,} pictures"
        yield "data", f"{run.data.name}, {sizes}, {len(run.data.classes)} classes"
        yield "data digest", run.data.digest
    for name, value in _block(provenance, "environment").items():
        yield str(name), str(value)


def _host(host: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The machine, of which a run that was imported knows the name alone."""
    for name, keys in (("host", ("name", "platform")), ("processor", ("cpu",))):
        if told := ", ".join(str(host[key]) for key in keys if host.get(key)):
            yield name, told
    if host.get("cores"):
        yield "cores", str(host["cores"])
    gpus = host.get("gpus")
    if isinstance(gpus, list) and gpus:
        yield "GPU", ", ".join(map(str, gpus))


def _fact(name: str, by_run: Mapping[str, str]) -> Fact:
    values: dict[str, list[str]] = {}
    for run, value in by_run.items():
        values.setdefault(value, []).append(run)
    if len(values) == 1:
        return Fact(name, ((next(iter(values)), ""),))
    return Fact(name, tuple((value, _runs(runs)) for value, runs in values.items()))


def _runs(runs: Sequence[str]) -> str:
    more = f" and {len(runs) - _RUNS} more" if len(runs) > _RUNS else ""
    return ", ".join(runs[:_RUNS]) + more


def _sorted_out(
    packages: Mapping[str, Mapping[str, Any]],
) -> tuple[dict[str, str], list[Fact]]:
    """The versions that all runs share, and a fact for each package that is not told otherwise."""
    names = dict.fromkeys(name for known in packages.values() for name in known)
    common, varying = {}, []
    for name in names:
        by_run = {run: str(known.get(name, "–")) for run, known in packages.items()}
        if len(set(by_run.values())) == 1:
            common[name] = next(iter(by_run.values()))
        elif name not in _NAMED:
            varying.append(_fact(name, by_run))
    return common, varying


def _steps(runs: Sequence[RunRecord], documents: Mapping[str, Mapping[str, Any]]) -> Iterator[Step]:
    yield from _code(runs, documents)
    commands: dict[tuple[str, str], int] = {}
    for known in documents.values():
        argv = known.get("command")
        if isinstance(argv, list) and argv:
            key = (shlex.join(map(str, argv)), str(known.get("directory") or ""))
            commands[key] = commands.get(key, 0) + 1
    for (command, directory), count in commands.items():
        where = f", typed in {directory}" if directory else ""
        yield Step(f"made {count} of the {len(runs)} runs{where}", (printable(command),))
    own = [run for run in runs if "model" in run.asked]
    if own:
        line = shlex.join(["tracker", "run", str(own[0].run.experiment_file), "--again"])
        yield Step("makes one run once more, from the file it left", (printable(line),))


def _code(runs: Sequence[RunRecord], documents: Mapping[str, Mapping[str, Any]]) -> Iterator[Step]:
    """How to get the code of each commit back, with what was not committed."""
    seen = set()
    for run in runs:
        code = _block(documents[run.id], "code")
        commit, has_patch = code.get("commit"), bool(code.get("dirty"))
        if not commit or (commit, has_patch) in seen:
            continue
        seen.add((commit, has_patch))
        lines = [shlex.join(["git", "checkout", str(commit)])]
        if has_patch:
            lines.append(shlex.join(["git", "apply", str(run.run.patch_file)]))
        yield Step(f"brings back the code of {run.id}", tuple(map(printable, lines)))


def _block(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    block = document.get(key)
    return block if isinstance(block, dict) else {}
