"""baseline.json: a Baseline as a file that people read in reviews and nobody edits by accident.

Keys are sorted, a list of numbers is one line, and what is there for people (means, spreads) is
worked out from the curves, which are exact. A checksum over all of it tells a hand edit.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tracker.errors import Damaged, NotComparable, printable
from tracker.reading.comparison.stats import estimate
from tracker.reading.gate.baseline import Baseline, Judged
from tracker.reading.gate.curve import Curve
from tracker.reading.gate.observed import Environment, Network
from tracker.reading.gate.resources import Usage
from tracker.store.files import read_json, write_atomic
from tracker.store.shape import COUNT, NONE, TEXT, Shape, fields
from tracker.version import __version__

VERSION = 1
_CHECKSUM = "checksum"
_PARTS: Shape = {
    "recorded": (dict,),
    "experiment": (dict, NONE),
    "environment": (dict,),
    "data": (dict, NONE),
    "network": (dict, NONE),
    "metrics": (list,),
    "curves": (dict,),
    "speed": (dict, NONE),
    "memory": (dict, NONE),
}
_SINCE: Shape = {"early": (dict,), "drift": (dict,)}  # parts that came later
_METRIC: Shape = {"tag": TEXT, "step": (int, NONE), "goal": (str, NONE)}
_NETWORK: Shape = {"parameters": COUNT, "flops": COUNT, "graph": (str, NONE)}
_ENVIRONMENT: Shape = {"machine": (dict, NONE), "cpu": (str, NONE), "packages": (dict, NONE)}


def write(path: Path, baseline: Baseline) -> None:
    """Write `baseline` to `path`, all at once. Raises Unavailable where the disk refuses."""
    document = _to_document(baseline)
    document[_CHECKSUM] = _checksum(document)
    write_atomic(path, "\n".join(_lines(document)) + "\n")


def read(path: Path, *, accept: bool = False) -> Baseline:
    """The Baseline in `path`; with `accept` also one whose checksum no longer fits.

    Raises Damaged where it is missing, no baseline, of a newer tracker, or edited by hand, and
    NotComparable where it names nothing to judge by.
    """
    document, where = read_json(path), printable(str(path))
    if not isinstance(document, dict) or type(document.get("baseline_version")) is not int:
        raise Damaged(f"{where} is no baseline: `tracker baseline SPEC -o FILE` records one")
    version = document["baseline_version"]
    if version != VERSION:
        raise Damaged(f"{where} is of version {version}, this tracker reads {VERSION}")
    if not accept and document.get(_CHECKSUM) != _checksum(document):
        raise Damaged(
            f"{where} is not as `tracker baseline` wrote it: its checksum does not fit. Record it "
            "anew with `tracker baseline --update`, or take the edit with --accept"
        )
    later = {name: types for name, types in _SINCE.items() if name in document}
    return _from_document(fields(document, {**_PARTS, **later}, where), where)


def _to_document(baseline: Baseline) -> dict[str, Any]:
    return {
        "baseline_version": VERSION,
        "recorded": {"tracker": __version__, "runs": list(baseline.origin)},
        "experiment": baseline.experiment,
        "environment": asdict(baseline.environment),
        "data": baseline.data,
        "network": baseline.network and asdict(baseline.network),
        "metrics": [_metric(baseline, judged) for judged in baseline.judged],
        "curves": _by_tag_and_seed(baseline.curves),
        "early": _by_tag_and_seed(baseline.early),
        "drift": {tag: curve.to_document() for tag, curve in baseline.drift.items()},
        "speed": baseline.speed and baseline.speed.to_document(),
        "memory": baseline.memory and baseline.memory.to_document(),
    }


def _by_tag_and_seed(curves: Mapping[str, Mapping[int, Curve]]) -> dict[str, Any]:
    return {
        tag: {str(seed): curve.to_document() for seed, curve in by_seed.items()}
        for tag, by_seed in curves.items()
    }


def _metric(baseline: Baseline, judged: Judged) -> dict[str, Any]:
    found = estimate(baseline.values(judged))
    rounded = {"mean": f"{found.mean:.6g}", "std": found.std and f"{found.std:.3g}"}
    shown = {name: None if text is None else float(text) for name, text in rounded.items()}
    return {**asdict(judged), **shown, "seeds": found.n}


def _from_document(found: Mapping[str, Any], where: str) -> Baseline:
    environment = fields(found["environment"], _ENVIRONMENT, f"{where}: environment")
    network = found["network"]
    curves, early = (
        {
            tag: _by_seed(by_seed, f"{where}: {part}/{printable(tag)}")
            for tag, by_seed in found.get(part, {}).items()
        }
        for part in ("curves", "early")
    )
    judged = tuple(
        Judged(**fields(one, _METRIC, f"{where}: metrics/{place}"))
        for place, one in enumerate(found["metrics"])
    )
    baseline = Baseline(
        origin=tuple(map(str, found["recorded"].get("runs", ()))),
        experiment=found["experiment"],
        environment=Environment(**environment),
        data=found["data"],
        network=network and Network(**fields(network, _NETWORK, f"{where}: network")),
        judged=judged,
        curves=curves,
        early=early,
        drift={
            tag: Curve.from_document(one, f"{where}: drift/{printable(tag)}")
            for tag, one in found.get("drift", {}).items()
        },
        speed=_usage(found, "speed", where),
        memory=_usage(found, "memory", where),
    )
    if not baseline.seeds or any(
        by_seed.keys() != {*baseline.seeds} for by_seed in curves.values()
    ):
        raise Damaged(f"{where}: curves: not every series is there of every seed")
    for tag, curve in baseline.drift.items():
        if not all(value >= 0 for value in curve.values):
            raise Damaged(
                f"{where}: drift/{printable(tag)}: how far something is off is not negative"
            )
    if not judged:
        raise NotComparable(f"{where}: metrics: there is nothing to judge by")
    for one in judged:
        if one.goal not in ("max", "min", None):
            raise Damaged(f"{where}: metrics: {one.name} has a goal that is neither max nor min")
        if len(baseline.values(one)) < len(baseline.seeds):
            raise Damaged(f"{where}: metrics: {one.name} is not in the curves of every seed")
    return baseline


def _usage(found: Mapping[str, Any], name: str, where: str) -> Usage | None:
    return Usage.from_document(found[name], f"{where}: {name}") if found[name] else None


def _by_seed(value: Any, where: str) -> dict[int, Curve]:
    if not isinstance(value, dict) or not all(seed.isdecimal() for seed in value):
        raise Damaged(f"{where} does not go by seed")
    return {int(seed): Curve.from_document(one, f"{where}/{seed}") for seed, one in value.items()}


def _checksum(document: Mapping[str, Any]) -> str:
    content = {key: value for key, value in document.items() if key != _CHECKSUM}
    plain = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(plain.encode()).hexdigest()


def _lines(value: Any, indent: str = "") -> list[str]:
    """JSON with sorted keys, a key per line, lists of plain values on one."""
    if isinstance(value, dict) and value:
        members = []
        for key in sorted(value, key=_order):
            first, *rest = _lines(value[key], indent + " ")
            members.append([f"{indent} {json.dumps(key)}: {first}", *rest])
        return ["{", *_joined(members), f"{indent}}}"]
    if isinstance(value, list) and any(isinstance(one, dict) for one in value):
        items = []
        for one in value:
            first, *rest = _lines(one, indent + " ")
            items.append([f"{indent} {first}", *rest])
        return ["[", *_joined(items), f"{indent}]"]
    return [json.dumps(value)]


def _joined(parts: list[list[str]]) -> list[str]:
    last = len(parts) - 1
    return [
        line + ("," if place < last and at == len(part) - 1 else "")
        for place, part in enumerate(parts)
        for at, line in enumerate(part)
    ]


def _order(key: str) -> tuple[bool, int, str]:
    """Seeds as the numbers that they are."""
    return (False, int(key), "") if key.isdecimal() else (True, 0, key)
