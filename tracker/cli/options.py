"""Options that several commands share, so that one word means one thing everywhere."""

from __future__ import annotations

import click

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")

overrides_option = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="PATH=VALUE",
    help="Override one field, as in --set training.epochs=2; may be given again.",
)


def _seeds(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[int, ...] | None:
    """ "0,1,2" as numbers, in the order given. Raises BadParameter."""
    if value is None:
        return None
    parts = value.split(",")
    if not all(part.isascii() and part.isdecimal() and len(part) <= 10 for part in parts):
        raise click.BadParameter(f"{value!a} is no list of whole numbers such as 0,1,2", ctx, param)
    seeds = tuple(map(int, parts))
    if len(set(seeds)) < len(seeds):
        raise click.BadParameter(f"{value} names a seed twice", ctx, param)
    return seeds


seeds_option = click.option(
    "--seeds", callback=_seeds, metavar="0,1,2", help="Run these seeds instead of the file's."
)
