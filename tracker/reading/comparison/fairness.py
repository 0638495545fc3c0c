"""What an honest reader must be told before believing an average, or is not given at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from tracker.reading.comparison.groups import Group, Grouping, LeftOut
from tracker.store.index import RunRecord

# Settings of `data` that change what is learned from, but not the pictures that are scored.
_TRAINING_ALONE = frozenset(
    f"data.{name}"
    for name in ("train_size", "augment", "crop_padding", "cutout_size", "cache", "workers")
)
_MACHINE = ("device", "gpu", "precision", "threads")  # what else changes the last digits


def unfit(record: RunRecord) -> str | None:
    """Why this run can't stand for its group, or None."""
    if record.state == "finished":
        return None
    so_far = f"at step {record.step:,}"
    if record.total_steps:
        so_far += f" of {record.total_steps:,}"
    cause = f": {record.cause}" if record.cause and record.state in ("failed", "damaged") else ""
    return "damaged" + cause if record.state == "damaged" else f"{record.state} {so_far}{cause}"


def of_one_data(groups: Sequence[Group]) -> tuple[Group, ...]:
    """The groups without members that learned from other data than most runs of their group."""
    cleaned = []
    for group in groups:
        digests = {unit: run.data.digest for unit, run in group.members.items() if run.data}
        if len(set(digests.values())) < 2:
            cleaned.append(group)
            continue
        [(usual, _)] = Counter(digests.values()).most_common(1)
        strange = [unit for unit, digest in digests.items() if digest != usual]
        reason = "its data differ from those of the other runs (by their digest)"
        cleaned.append(
            replace(
                group,
                members={u: run for u, run in group.members.items() if u not in strange},
                left_out=(
                    *group.left_out,
                    *(LeftOut(group.members[unit].id, reason) for unit in strange),
                ),
            )
        )
    return tuple(cleaned)


def incomparable(group: Group, reference: Group) -> str | None:
    """Why the scores of two groups are of different pictures, or None if they seem not to be."""
    facts = [
        next((run.data for run in one.members.values() if run.data), None)
        for one in (reference, group)
    ]
    before, after = facts
    if before is None or after is None:
        return None
    if before.name != after.name:
        return f"they are scored on different data ({before.name} and {after.name})"
    if before.val_size != after.val_size:
        return f"they are scored on {before.val_size:,} and {after.val_size:,} pictures"
    if before.digest != after.digest:
        changed = {
            path
            for path in {*group.settings, *reference.settings}
            if path.startswith("data.") and group.settings.get(path) != reference.settings.get(path)
        }
        if not changed or changed - _TRAINING_ALONE:
            return "their data differ (by their digest), so the pictures they are scored on may"
    return None


def remarks(grouping: Grouping, base: Group, axis: str | None, metric: str) -> Iterator[str]:
    """One sentence for each thing that limits what the averages mean.

    `base` is the group the others are held against, `axis` the setting the runs were made for,
    `metric` the series that decides.
    """
    groups = grouping.groups
    beyond = [path for path in (*grouping.by, *grouping.confounded) if path != axis]
    if grouping.by and axis in grouping.by and beyond:
        yield f"the groups differ not only in {axis} but in {', '.join(beyond)} too"
    elif grouping.confounded:
        yield (
            f"the groups differ in {', '.join(grouping.confounded)} too, which was not asked about"
        )
    if grouping.pooled:
        yield f"values of {', '.join(grouping.pooled)} are pooled: a unit is a seed with them"
    for group in groups:
        yield from _about(group)
        if group is not base:
            yield from _unpaired(group, base)
    yield from _steps(groups, metric)
    yield from _machines([run for group in groups for run in group.members.values()])


def _about(group: Group) -> Iterator[str]:
    lost = [one for one in group.left_out if one.reason.startswith(("failed", "crashed"))]
    if lost:
        yield (
            f"{group.name}: {len(lost)} of {len(group.members) + len(lost)} runs did not finish, "
            "so its average may flatter it"
        )


def _steps(groups: Sequence[Group], metric: str) -> Iterator[str]:
    """Say which steps the last values are of, where they are not all of one."""
    told, seen = [], set()
    for group in groups:
        steps = {
            run.metrics[metric].last_step for run in group.members.values() if metric in run.metrics
        }
        if steps:
            span = f"{min(steps):,} to {max(steps):,}" if len(steps) > 1 else f"{min(steps):,}"
            told.append(f"{group.name} {span}")
            seen |= steps
    if len(seen) > 1:
        yield f"the last {metric} is not of the same step everywhere: {_listed(told)}"


def _unpaired(group: Group, base: Group) -> Iterator[str]:
    ours, theirs = set(group.members), set(base.members)
    for one, only in ((base, theirs - ours), (group, ours - theirs)):
        if ours and theirs and only:
            units = [unit for unit in one.members if unit in only]
            other = group if one is base else base
            yield f"{one.name} has {_listed(units)}, {other.name} has not"


def _machines(runs: Sequence[RunRecord]) -> Iterator[str]:
    for fact in _MACHINE:
        seen = dict.fromkeys(str((run.machine or {}).get(fact)) for run in runs if run.machine)
        if len(seen) > 1:
            yield f"computed with different {fact}: {_listed(list(seen))}"
    hosts = dict.fromkeys(run.host for run in runs if run.host)
    if len(hosts) > 1:
        names = _listed(list(map(str, hosts)))
        yield f"run on {len(hosts)} hosts ({names}): their speeds are not to be compared"


def _listed(names: Sequence[str], most: int = 4) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
