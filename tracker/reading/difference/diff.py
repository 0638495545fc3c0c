"""Why two runs differ: what was asked, which code and packages, where, on what, then the numbers.

Everything is read from the run directories; what can't be read there is said, and compared no
further.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tracker.errors import Damaged, UsageError, printable
from tracker.reading.difference.answer import answer
from tracker.reading.difference.causes import Change, Section, can_change_results, section
from tracker.reading.difference.code import CodeDiff, compare_code
from tracker.reading.difference.contents import Contents, read_contents
from tracker.reading.difference.curves import MetricDiff, compare_curves
from tracker.spec.differences import MISSING, differences
from tracker.spec.effects import SETTLED
from tracker.store.run import Run
from tracker.store.status import RunState

_COMMAND = ("command", "directory", "experiment_source", "user", "environment")
_OF_EACH_START = ("time", "resumed", *_COMMAND)


@dataclass(frozen=True)
class Side:
    """One of the two runs: its name, where it is, what became of it, and the steps it took."""

    id: str
    path: Path
    state: RunState | None
    step: int | None


@dataclass(frozen=True)
class RunDiff:
    """How run A (before) and run B (after) differ.

    `answer` is the whole in a sentence. `sections` go by name, what explains most first; `price` is
    apart, for it is a result. `notes` tell what of either run could not be read; `is_damaged` that
    some of it was there.
    """

    answer: str
    before: Side
    after: Side
    sections: Mapping[str, Section]
    code: CodeDiff
    metrics: tuple[MetricDiff, ...]
    price: Section
    notes: tuple[str, ...]
    is_damaged: bool

    @property
    def differs(self) -> bool:
        """Whether anything differs that can change results, or any metric but the timings.

        Also where a file of either is damaged: then they are not known to be the same.
        """
        is_caused = any(section.causes for section in self.sections.values())
        is_seen = any(metric.differs and not metric.is_timing for metric in self.metrics)
        return is_caused or is_seen or self.is_damaged

    def to_document(self) -> dict[str, Any]:
        """As JSON values, the texts of the patches left out."""
        sections = {name: section.to_document() for name, section in self.sections.items()}
        return {
            "answer": self.answer,
            "differs": self.differs,
            "a": {**asdict(self.before), "path": str(self.before.path)},
            "b": {**asdict(self.after), "path": str(self.after.path)},
            "sections": {**sections, "code": self.code.to_document()},
            "metrics": [metric.to_document() for metric in self.metrics],
            "price": self.price.to_document(),
            "notes": list(self.notes),
        }


def compare_runs(a: Run, b: Run, repository: Path | None = None) -> RunDiff:
    """Compare two runs from their files; one that is damaged or missing becomes a note.

    git in `repository`, if given, is asked what lies between two commits. Raises UsageError where
    both are the same run, and Damaged where neither experiment.json can be read.
    """
    if os.path.realpath(a.path) == os.path.realpath(b.path):
        raise UsageError(f"A and B are the same run, {printable(a.id)}: name two")
    one, other = read_contents(a, "A"), read_contents(b, "B")
    damaged = (*one.damaged, *other.damaged)
    notes = (*damaged, *one.absent, *other.absent)
    if one.experiment is None and other.experiment is None:
        raise Damaged("\n".join(notes))
    code = compare_code(one.code, other.code, repository)
    sections = {part.name: part for part in _sections(one, other, code)}
    metrics = compare_curves(one.curves, other.curves, (one.summary.metrics, other.summary.metrics))
    return RunDiff(
        answer=answer(sections, code, metrics),
        before=Side(a.id, a.path, one.state, one.step),
        after=Side(b.id, b.path, other.state, other.step),
        sections=sections,
        code=code,
        metrics=metrics,
        price=section(
            "price", differences(*(_fields(c.summary.price) or {} for c in (one, other)))
        ),
        notes=notes,
        is_damaged=bool(damaged),
    )


def _sections(one: Contents, other: Contents, code: CodeDiff) -> Iterable[Section]:
    """Return every section, what explains most first."""
    specs = (one.experiment, other.experiment)
    machines = (one.summary.machine, other.summary.machine)
    packages = _section("packages", _packages(one), _packages(other))
    spec = _section("spec", *(_without(spec, ("seed",)) for spec in specs))
    is_settled = None not in machines
    told = {change.path for change in packages.changes}
    # Its torch is there for a run without provenance; else it would be named twice.
    skipped = ("torch",) if "torch" in told else ()
    return (
        spec.without(SETTLED) if is_settled else spec,
        _section("seed", *(_only(spec, ("seed",)) for spec in specs)),
        code.section,
        _section("data", _fields(one.summary.data), _fields(other.summary.data)),
        packages,
        _section("machine", *(_without(machine, skipped) for machine in machines)),
        _section("host", _host(one), _host(other)),
        _compare_resumes(one.provenance, other.provenance),
        _section("launch", *(_only(c.provenance, _COMMAND) for c in (one, other))),
    )


def _section(
    name: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> Section:
    if before is None or after is None:
        sides = [side for side, facts in (("A", before), ("B", after)) if facts is None]
        return Section(name, unknown=f"{' and '.join(sides)} did not record it")
    return section(name, differences(before, after))


def _packages(run: Contents) -> Mapping[str, Any] | None:
    """Return the version of every package, and of the interpreter beneath them."""
    packages = _block(run.provenance, "packages")
    if not packages or run.provenance is None:  # those of an imported run are not known
        return None
    return {"python": run.provenance.get("python"), **packages}


def _host(run: Contents) -> Mapping[str, Any] | None:
    """Return the facts of the machine; of an imported run no more than a name is known."""
    host = _block(run.provenance, "host")
    return host if host and "cpu" in host else None


def _compare_resumes(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Section:
    """Compare, resume by resume, under which other circumstances a run went on."""
    if before is None or after is None:
        return _section("resumes", before, after)
    one, other = _resumes(before), _resumes(after)
    changes = []
    for number in range(max(len(one), len(other))):
        old, new = (side[number] if number < len(side) else MISSING for side in (one, other))
        if old != new:
            paths = [path for side in (old, new) if isinstance(side, Mapping) for path in side]
            matters = any(can_change_results(*path.split(".", 1)) for path in paths if "." in path)
            changes.append(Change(f"resume {number + 1}", old, new, matters))
    return Section("resumes", tuple(changes))


def _resumes(provenance: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return, for each time the run was taken up, [what was, what then was] by path."""
    kept = _without(provenance, _OF_EACH_START)
    segments = provenance.get("resumed")
    return [
        {
            change.path: [
                None if side is MISSING else side for side in (change.before, change.after)
            ]
            for change in differences(kept, {**kept, **_without(segment, _OF_EACH_START)})
        }
        for segment in (segments if isinstance(segments, list) else [])
        if isinstance(segment, dict)
    ]


def _fields(facts: Any) -> dict[str, Any] | None:
    return None if facts is None else asdict(facts)


def _block(document: Mapping[str, Any] | None, key: str) -> Mapping[str, Any] | None:
    block = (document or {}).get(key)
    return block if isinstance(block, dict) else None


def _only(document: Mapping[str, Any] | None, keys: Iterable[str]) -> dict[str, Any] | None:
    return None if document is None else {key: document[key] for key in keys if key in document}


def _without(document: Any, keys: Iterable[str]) -> Any:
    if document is None:
        return None
    return {key: value for key, value in document.items() if key not in keys}
