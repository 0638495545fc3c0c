"""Which runs are repeats of each other: groups by everything that was asked for but the seed.

A *unit* is one run's place in its group: the seed, and with `by` every other setting that varies
within a group.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tracker.errors import NotComparable, UsageError, printable
from tracker.spec.differences import MISSING
from tracker.spec.effects import SETTLED, is_harmless
from tracker.store.index import RunRecord

NAMES = ("name", "variant")  # what else --by may name: how runs are called
IMPORTED_AS = "imported_as"
_FEW = 2  # settings that a group's name is made of
# What logs of other programs hold among the settings, and no setting is.
_NO_SETTINGS_THERE = frozenset(
    {
        *("seed", "random_seed", "manual_seed", "seed_everything"),
        *("log_dir", "logdir", "output_dir", "save_dir", "run_name", "run_id", "version"),
    }
)


@dataclass(frozen=True)
class LeftOut:
    """A run that is in no average, and why."""

    run: str
    reason: str
    unit: str = ""


@dataclass(frozen=True)
class Group:
    """Runs that differ in their unit alone. `settings` are what tells the group from others."""

    name: str
    settings: Mapping[str, Any]
    members: Mapping[str, RunRecord]  # by unit, in order of seed
    left_out: tuple[LeftOut, ...] = field(default=())


@dataclass(frozen=True)
class Grouping:
    """The groups, and which settings make them: `by` those asked about.

    `pooled` vary within a group and are part of its units; `confounded` differ between groups
    without having been asked about, so that no one can say which of them makes a difference.
    """

    groups: tuple[Group, ...]
    by: tuple[str, ...]
    pooled: tuple[str, ...]
    confounded: tuple[str, ...]


def readable(
    records: Sequence[RunRecord], unfit: Callable[[RunRecord], str | None]
) -> tuple[list[RunRecord], tuple[LeftOut, ...]]:
    """The runs that are not damaged, and why the others are left out, by `unfit`.

    Raises NotComparable where there is none of them.
    """
    if not records:
        raise NotComparable("there are no runs to compare; `tracker run SPEC` makes some")
    sound = [record for record in records if record.state != "damaged"]
    unread = tuple(
        LeftOut(one.id, unfit(one) or "damaged") for one in records if one.state == "damaged"
    )
    if not sound:
        raise NotComparable(f"no run is left: {told(unread)}")
    return sound, unread


def told(left_out: Sequence[LeftOut]) -> str:
    """The first three of these, and why, to be put into a sentence."""
    return printable("; ".join(f"{one.run}: {one.reason}" for one in left_out[:3]))


def settings(record: RunRecord) -> dict[str, Any]:
    """What was asked for, by dotted path: every field that can change a result, but the seed.

    Of a run that was trained elsewhere that is little, so that its variant counts too.
    """
    found: dict[str, Any] = {}
    for name, block in record.asked.items():
        if name != "seed":
            _flatten(name, block, found)
    if "model" not in record.asked:
        found = {
            path: value
            for path, value in found.items()
            if path.rpartition(".")[2].lower() not in _NO_SETTINGS_THERE
        }
        return {IMPORTED_AS: record.variant, **found}
    for path in SETTLED & found.keys():
        found[path] = (record.machine or {}).get(path.rpartition(".")[2], found[path])
    return found


def differing(of_each: Sequence[Mapping[str, Any]]) -> list[str]:
    """The paths at which not all of these settings are the same, in the order they are met.

    A field that only some have, all of them alike, comes with the variant they chose (momentum
    with sgd), and is no difference beside that one.
    """
    paths = dict.fromkeys(path for one in of_each for path in one)
    found = {path: {_text(one.get(path, MISSING)) for one in of_each} for path in paths}
    return [
        path
        for path, values in found.items()
        if len(values) > 1
        and not (len(values) == 2 and _text(MISSING) in values and _chosen(path, found))
    ]


def _chosen(path: str, found: Mapping[str, set[str]]) -> bool:
    """Whether runs differ in what decides which fields the block of `path` has."""
    block = path.partition(".")[0]
    return any(len(found.get(f"{block}.{word}", ())) > 1 for word in ("name", "backbone"))


def group(
    records: Sequence[RunRecord],
    by: Sequence[str] | None,
    reason_against: Callable[[RunRecord], str | None],
) -> Grouping:
    """Sort `records` into groups that differ in the settings `by` (None: in any).

    Those for which `reason_against` has a reason are left out, as are all but the last attempt of
    a unit. Groups stand in the order in which their first runs started. Raises UsageError where
    `by` names no setting of any run.
    """
    kinds = _kinds(records)
    distinct = dict(kinds)  # mostly far fewer than runs
    paths = differing(list(distinct.values()))
    asked = [path for path in paths if path not in NAMES] if by is None else list(by)
    for path in asked:
        if not any(path in known for known in distinct.values()):
            raise UsageError(f"--by {printable(path)}: {_no_such(path, paths)}")
    keys = {
        kind: _text([known.get(path, MISSING) for path in asked])
        for kind, known in distinct.items()
    }
    buckets: dict[str, list[tuple[str, RunRecord]]] = {}
    earliest_first = sorted(range(len(records)), key=lambda at: records[at].started or "")
    for at in earliest_first:
        kind = kinds[at][0]
        buckets.setdefault(keys[kind], []).append((kind, records[at]))
    firsts = [distinct[bucket[0][0]] for bucket in buckets.values()]
    within = [
        differing([distinct[kind] for kind in dict.fromkeys(kind for kind, _ in bucket)])
        for bucket in buckets.values()
    ]
    pooled = [path for path in paths if path not in NAMES and any(path in one for one in within)]
    units = {
        kind: [_setting(path, known.get(path, MISSING)) for path in pooled]
        for kind, known in distinct.items()
    }
    groups = [
        _group(
            name,
            {path: first.get(path, MISSING) for path in asked},
            [(units[kind], record) for kind, record in bucket],
            reason_against,
        )
        for name, first, bucket in zip(_names(firsts, asked), firsts, buckets.values(), strict=True)
    ]
    confounded = [path for path in differing(firsts) if path not in (*asked, *pooled, *NAMES)]
    return Grouping(tuple(groups), tuple(asked), tuple(pooled), tuple(confounded))


def _kinds(records: Sequence[RunRecord]) -> list[tuple[str, dict[str, Any]]]:
    """Each run's settings and names, and all of them as one text: equal where they are.

    Runs of which the same was asked share theirs: it is the same thousands of times.
    """
    found: dict[str, tuple[str, dict[str, Any]]] = {}
    kinds = []
    for record in records:
        asked = {**record.asked, "seed": None}
        made_of = _text([asked, record.machine, record.experiment, record.variant])
        if made_of not in found:
            found[made_of] = _kind(record)
        kinds.append(found[made_of])
    return kinds


def _kind(record: RunRecord) -> tuple[str, dict[str, Any]]:
    known = {**settings(record), "name": record.experiment, "variant": record.variant}
    return _text(known), known


def _group(
    name: str,
    chosen: Mapping[str, Any],
    bucket: Sequence[tuple[Sequence[str], RunRecord]],
    reason_against: Callable[[RunRecord], str | None],
) -> Group:
    members: dict[str, RunRecord] = {}
    left_out = []
    in_order = sorted(bucket, key=lambda pair: (pair[1].seed or 0, pair[1].started or ""))
    for unit_settings, record in in_order:
        unit = ", ".join([f"seed {record.seed}", *unit_settings])
        if reason := reason_against(record):
            left_out.append(LeftOut(record.id, reason, unit))
            continue
        if before := members.pop(unit, None):
            left_out.append(LeftOut(before.id, f"repeated by {record.id}", unit))
        members[unit] = record
    return Group(name, chosen, members, tuple(left_out))


def _names(of_each: Sequence[Mapping[str, Any]], asked: Sequence[str]) -> list[str]:
    """What to call groups: the values that tell them apart, or if these are many their variants."""
    if asked == ["name"]:
        return [str(known["name"]) for known in of_each]
    variants = [str(known["variant"]) for known in of_each]
    if len(set(variants)) == len(variants) and (IMPORTED_AS in asked or len(asked) > _FEW):
        return variants
    short = {path: path.removesuffix(".name").rpartition(".")[2] for path in asked}
    alike = Counter(short.values())
    names: list[str] = []
    for known in of_each:
        parts = [
            str(known.get(path))
            if path in ("model.backbone", IMPORTED_AS, *NAMES)
            else _setting(path if alike[short[path]] > 1 else short[path], known.get(path, MISSING))
            for path in asked
        ]
        name = ", ".join(parts) or str(known["variant"])
        names.append(f"{name} ({len(names) + 1})" if name in names else name)
    return names


def _setting(path: str, value: Any) -> str:
    return f"{path}={value if isinstance(value, str) else _text(value)}"


def _flatten(path: str, value: Any, found: dict[str, Any]) -> None:
    """Put what stands at and below `path` into `found`; a null is as good as nothing there."""
    if is_harmless(path) or value is None:
        return
    if isinstance(value, Mapping):
        for key, each in value.items():
            _flatten(f"{path}.{key}", each, found)
    else:
        found[path] = value


def _text(value: Any) -> str:
    return repr(value) if value is MISSING else json.dumps(value, default=repr)


def _no_such(path: str, paths: Sequence[str]) -> str:
    below = [each for each in paths if each.startswith(f"{path}.") or each.endswith(f".{path}")]
    there = [each for each in below or paths if each not in NAMES]
    if there:
        return f"no run has such a setting; these runs differ in {', '.join(there[:5])}"
    return "no run has such a setting; these runs differ in their seeds alone (or --by name)"
