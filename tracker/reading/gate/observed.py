"""What the gate looks at in a run: what was asked, where it ran, what it came to."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from tracker import tags
from tracker.errors import Damaged, NotComparable, SpecError, printable
from tracker.reading.difference.causes import can_change_results
from tracker.reading.difference.contents import Contents, read_contents
from tracker.reading.gate.curve import Curve, curve_of
from tracker.reading.gate.graph import graph_digest
from tracker.spec.experiment import Expectation
from tracker.spec.load import from_document
from tracker.store.imported import IMPORTED
from tracker.store.run import Run
from tracker.store.summary import DataFacts

_UNDER_TEST = "tracker"  # its version is part of what may have changed, not of where it ran


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Everything but the code that decides the last bit of a result; a part is None if not known.

    `machine` is what every "auto" became (device, precision, layout, threads, instructions),
    `cpu` the processor's name, `packages` those that compute, with their versions.
    """

    machine: Mapping[str, Any] | None = None
    cpu: str | None = None
    packages: Mapping[str, str] | None = None


@dataclass(frozen=True, kw_only=True)
class Network:
    """What was trained. `graph` is None where the run drew none."""

    parameters: int
    flops: int
    graph: str | None = None


@dataclass(frozen=True, kw_only=True)
class Observed:
    """One run. What is not known of one that others made is None or empty.

    `step` is the last one taken; `expect` what its spec says it must come to.
    `curves` has every series but those that tell time and place; `early` what an evaluation right
    after the first step came to, where one was made.
    """

    name: str
    step: int = 0
    seed: int | None = None
    experiment: Mapping[str, Any] | None = None
    environment: Environment = field(default_factory=Environment)
    data: Mapping[str, Any] | None = None
    network: Network | None = None
    curves: Mapping[str, Curve] = field(default_factory=dict)
    early: Mapping[str, Curve] = field(default_factory=dict)
    images_per_second: float | None = None
    peak_memory_bytes: int | None = None
    expect: tuple[Expectation, ...] = ()


def observe(run: Run, keep: Collection[int] = ()) -> Observed:
    """Read what `run` came to; of its curves the steps of `keep` are kept whatever their length.

    So are those that the run's own expectations name. Raises Damaged where a file is, and
    NotComparable where the run did not come to its end.
    """
    found = read_contents(run, printable(run.id))
    if found.damaged:
        raise Damaged("\n".join(found.damaged))
    if found.state != "finished":
        raise NotComparable(f"{found.name} is {found.state}: only a finished run can be judged")
    summary, price = found.summary, found.summary.price
    asked = dict(found.experiment or {})
    expect = _expectations(asked, run)
    keep = {*keep, *(one.at_step for one in expect if one.at_step)}
    return Observed(
        name=found.name,
        step=found.step or 0,
        seed=asked.pop("seed", None),
        experiment=asked or None,
        environment=Environment(
            machine=summary.machine, cpu=_cpu(found), packages=packages_of(found.provenance)
        ),
        data=None if summary.data is None else _data(summary.data),
        network=None
        if price is None
        else Network(parameters=price.parameters, flops=price.flops, graph=graph_digest(run.path)),
        curves={
            tag: curve_of(series, keep)
            for tag, series in found.curves.items()
            if tag not in tags.INCIDENTAL and len(series)
        },
        images_per_second=None if price is None else price.images_per_second,
        peak_memory_bytes=None if price is None else price.peak_memory_bytes,
        expect=expect,
    )


def _expectations(asked: Mapping[str, Any], run: Run) -> tuple[Expectation, ...]:
    if not asked or IMPORTED in asked:
        return ()
    try:
        return from_document(asked, printable(str(run.experiment_file))).expect
    except SpecError as error:
        raise Damaged(str(error)) from error


def _data(facts: DataFacts) -> dict[str, Any]:
    """What tells one data set from another."""
    return {
        "name": facts.name,
        "digest": facts.digest,
        "train_size": facts.train_size,
        "val_size": facts.val_size,
    }


def packages_of(provenance: Mapping[str, Any] | None) -> dict[str, str] | None:
    """Of a run's packages those that compute, by name; None where none were recorded."""
    packages = (provenance or {}).get("packages")
    if not isinstance(packages, dict) or not packages:
        return None
    return {
        name.lower(): version
        for name, version in packages.items()
        if can_change_results("packages", name) and name.lower() != _UNDER_TEST
    }


def _cpu(found: Contents) -> str | None:
    host = (found.provenance or {}).get("host")
    cpu = host.get("cpu") if isinstance(host, dict) else None
    return cpu if isinstance(cpu, str) else None
