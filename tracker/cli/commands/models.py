"""`tracker models`: which networks an experiment can name, what each costs, and its weights."""

from __future__ import annotations

from dataclasses import asdict
from fnmatch import fnmatchcase

import click

from tracker.cli.options import json_option
from tracker.cli.render import show_json, show_table
from tracker.cli.terminal import out
from tracker.errors import UsageError
from tracker.models.catalog import Channels, Entry, Weights, entries
from tracker.reading.table import NOTHING, Table, count
from tracker.spec.words import nearest


@click.command()
@click.argument("pattern", default="*")
@json_option
def models(pattern: str, *, as_json: bool) -> None:
    """List the models an experiment can name.

    PATTERN is a part of a name, or has wildcards: 'se_*'. Parameters and FLOPs are for 10 classes
    and a picture of the size under "at"; FLOPs count a forward pass, a multiply and an add as two.
    No picture may be smaller than "smallest". "ImageNet" is the share of its validation pictures
    that the default weights get right. Of a model named in full, its weights are listed too. With
    timm installed, every model of timm's can be named as well: timm:NAME.
    """
    wildcard = pattern if any(sign in pattern for sign in "*?[") else f"*{pattern}*"
    known = entries()
    found = [entry for entry in known if fnmatchcase(entry.backbone, wildcard)]
    if not found:
        near = nearest(pattern, [entry.backbone for entry in known])
        hint = f"did you mean {near}?" if near else "`tracker models` lists them all"
        raise UsageError(f"no model fits {pattern!a}; {hint}")
    if as_json:
        show_json(models=[asdict(entry) for entry in found])
        return
    show_table(Table(_TITLES, [_row(entry) for entry in found], tail=1))
    named = next((entry for entry in found if entry.backbone == pattern), None)
    if named and named.weights:
        out("")
        rows = [_weights_row(one) for one in named.weights]
        show_table(Table(_WEIGHTS_TITLES, rows))


_TITLES = ("model", "params", "flops", "at", "smallest", "ImageNet", "what it is")
_WEIGHTS_TITLES = ("weights", "right", "in 5", "side", "resized to", "mean", "std")


def _row(entry: Entry) -> tuple[str, ...]:
    default = entry.named_weights("DEFAULT")
    return (
        entry.backbone,
        count(entry.parameters),
        count(entry.flops),
        _square(entry.image_size),
        _square(entry.smallest_image),
        _share(default.accuracy) if default else NOTHING,
        entry.description,
    )


def _weights_row(one: Weights) -> tuple[str, ...]:
    return (
        one.name + (" = DEFAULT" if one.default else ""),
        _share(one.accuracy),
        _share(one.accuracy_top5),
        str(one.image_size),
        str(one.resize),
        _channels(one.mean),
        _channels(one.std),
    )


def _square(side: int) -> str:
    return f"{side}×{side}"


def _share(accuracy: float | None) -> str:
    return NOTHING if accuracy is None else f"{100 * accuracy:.1f}%"


def _channels(values: Channels) -> str:
    return " ".join(f"{value:g}" for value in values)
