"""What an honest reader must be told before believing an average, or is not given at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from tracker.reading.comparison import circumstances
from tracker.reading.comparison.groups import Group, Grouping, LeftOut
from tracker.reading.comparison.pairing import is_paired, may_pair
from tracker.store.index import RunRecord

# Settings of `data` that change what is learned from, but not the pictures that are scored.
_TRAINING_ALONE = frozenset(
    f"data.{name}" for name in ("train_size", "augment", "crop_padding", "cutout_size")
)


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
    everywhere = Counter(
        run.data.digest for group in groups for run in group.members.values() if run.data
    )
    cleaned = []
    for group in groups:
        digests = {unit: run.data.digest for unit, run in group.members.items() if run.data}
        if len(set(digests.values())) < 2:
            cleaned.append(group)
            continue
        here = Counter(digests.values())
        usual = max(here, key=lambda digest: (here[digest], everywhere[digest]))
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


def remarks(
    grouping: Grouping, base: Group, axis: str | None, metric: str, value: str
) -> Iterator[str]:
    """One sentence for each thing that limits what the averages mean.

    `base` is the group the others are held against, `axis` the setting the runs were made for,
    `metric` the series that decides, by its last or best `value`.
    """
    groups = grouping.groups
    runs = [run for group in groups for run in group.members.values()]
    beyond = [path for path in (*grouping.by, *grouping.confounded) if path != axis]
    if grouping.by and axis in grouping.by and beyond:
        yield f"the groups differ not only in {axis} but in {_listed(beyond)} too"
    elif grouping.confounded:
        yield f"the groups differ in {_listed(grouping.confounded)} too, which was not asked about"
    if grouping.pooled:
        yield f"each seed stands for the mean of its runs with different {_listed(grouping.pooled)}"
    for group in groups:
        yield from _about(group, metric)
        if group is not base:
            yield from _unpaired(group, base)
    yield from _steps(groups, metric)
    if value == "best":
        yield from _evaluations(runs)
    yield from _unknown_data(groups)
    yield from circumstances.remarks(runs)


def _about(group: Group, metric: str) -> Iterator[str]:
    """Say how many runs of a group never came to a number, and were not run again."""
    lost = [
        one
        for one in group.left_out
        if one.reason.startswith(("failed", "crashed")) and one.unit not in group.members
    ]
    scored = [run.metrics[metric] for run in group.members.values() if metric in run.metrics]
    count = len(lost) + sum(each.last is None for each in scored)
    if count:
        yield (
            f"{group.name}: {count} of {len(group.members) + len(lost)} runs came to no number, "
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


def _evaluations(runs: Sequence[RunRecord]) -> Iterator[str]:
    often = {run.asked.get("logging", {}).get("eval_every") for run in runs} - {None}
    if len(often) > 1:
        yield (
            f"evaluated every {_listed(sorted(map(str, often)))} epochs: the best of more "
            "evaluations is better by chance alone"
        )


def _unpaired(group: Group, base: Group) -> Iterator[str]:
    """Say which seeds are in no pair, where there are pairs."""
    ours, theirs = set(group.members), set(base.members)
    if not (may_pair(group, base) and is_paired(theirs, ours)):
        return
    for one, only in ((base, theirs - ours), (group, ours - theirs)):
        if only:
            units = [unit for unit in one.members if unit in only]
            other = group if one is base else base
            yield f"{_listed(units)} of {one.name} in no pair: {other.name} has no such run"


def _unknown_data(groups: Sequence[Group]) -> Iterator[str]:
    unknown = [
        group.name
        for group in groups
        if group.members and not any(run.data for run in group.members.values())
    ]
    if unknown and len(groups) > 1:
        yield (
            f"nothing is known of the pictures that {_listed(unknown)} was scored on: whether they "
            "are the same for all is for you to know"
        )


def _listed(names: Sequence[str], most: int = 4) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
