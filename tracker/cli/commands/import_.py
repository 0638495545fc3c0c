"""`tracker import`: event files that others wrote become runs like ours."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import click

from tracker.cli.adoptions import document, table
from tracker.cli.options import json_option
from tracker.cli.render import show_json, show_table
from tracker.cli.terminal import say
from tracker.cli.typed import typed
from tracker.errors import Damaged, Unavailable
from tracker.reading.adopting.adopt import Adoption, carry_out, plan
from tracker.reading.adopting.grouping import group, safe
from tracker.reading.adopting.logdir import Skipped, find
from tracker.tags import Goal

_GROUPS = {"experiment", "variant", "seed"}
_WORDS = {"new": "imported", "grown": "brought up to date", "same": "up to date already"}


def _pattern(
    ctx: click.Context, param: click.Parameter, value: str | None
) -> re.Pattern[str] | None:
    """The regular expression of --map. Raises BadParameter."""
    if value is None:
        return None
    try:
        pattern = re.compile(value)
    except re.error as error:
        raise click.BadParameter(
            f"{value!a} is no regular expression: {error}", ctx, param
        ) from error
    if not pattern.groupindex or set(pattern.groupindex) - _GROUPS:
        wanted = "name groups (?P<variant>…), (?P<seed>…), (?P<experiment>…), and no others"
        raise click.BadParameter(wanted, ctx, param)
    return pattern


def _goals(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> dict[str, Goal]:
    """TAG=min and TAG=max by tag; a tag may hold a "=" itself. Raises BadParameter."""
    goals: dict[str, Goal] = {}
    for value in values:
        tag, _, goal = value.rpartition("=")
        if not tag or goal not in ("min", "max"):
            raise click.BadParameter(f"{value!a} is not TAG=min or TAG=max", ctx, param)
        goals[tag] = "min" if goal == "min" else "max"
    return goals


@click.command("import")
@click.argument(
    "directory", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="DIR"
)
@click.option("--name", metavar="EXPERIMENT", help="Import into this experiment, not DIR's name.")
@click.option(
    "--map",
    "pattern",
    callback=_pattern,
    metavar="REGEX",
    help="Tell (?P<variant>…) and (?P<seed>…) from a run's path below DIR.",
)
@click.option("--metric", metavar="TAG", help="Compare the runs by this series.")
@click.option(
    "--goal",
    "goals",
    multiple=True,
    callback=_goals,
    metavar="TAG=min|max",
    help="Say which way of a series is better; may be given again.",
)
@click.option("--dry-run", is_flag=True, help="List the runs this would make; make none.")
@json_option
@click.pass_obj
def import_(
    root: Path,
    directory: Path,
    name: str | None,
    pattern: re.Pattern[str] | None,
    metric: str | None,
    goals: dict[str, Goal],
    dry_run: bool,
    as_json: bool,
) -> None:
    """Make runs of event files others wrote.

    Every folder below DIR that holds event files, of torch, tensorboardX, Lightning, TensorFlow or
    any other writer, becomes a run named after the folder; Keras' train and validation, and what
    add_scalars and add_hparams put aside, go into one. DIR stays as it is. The same command later
    adds what was written meanwhile.
    """
    folders, skipped = find(directory)
    experiment = safe(name or directory.resolve().name)
    groups, unfit = group(folders, experiment, pattern)
    skipped += unfit
    _say_skipped(skipped)
    damaged = [one.place for one in skipped if one.is_damaged]
    adoptions = plan(root, directory, groups, metric=metric, goals=goals, damaged=damaged)
    if not groups and damaged:
        raise Damaged(f"nothing below {directory} can be read: its event files are damaged")
    if not groups:
        raise Unavailable(f"there are no event files (*tfevents*) to import below {directory}")
    actions = [one.action if dry_run else carry_out(one) for one in adoptions]
    _say_notes(adoptions)
    if as_json:
        rows = zip(adoptions, actions, strict=True)
        show_json(
            runs=[document(one, action) for one, action in rows],
            skipped=[one._asdict() for one in skipped],
        )
        return
    show_table(table(adoptions, actions))
    if not dry_run:
        words = Counter(_WORDS[action] for action in actions)
        experiments = dict.fromkeys(one.group.experiment for one in adoptions)
        say(f"\n{', '.join(f'{count} {word}' for word, count in words.items())}")
        say(f"{typed('ls', *experiments)}\n{typed('tensorboard', *experiments)}")


def _say_skipped(skipped: list[Skipped]) -> None:
    for one in skipped:
        say(f"left out: {one.place}: {one.reason}")


def _say_notes(adoptions: list[Adoption]) -> None:
    for one in adoptions:
        for note in one.group.notes:
            say(f"{one.run.id}: {note}")
