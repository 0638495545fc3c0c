"""`tracker data`: what a run would learn from, seen before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tracker.cli.options import json_option, overrides_option
from tracker.cli.previews import View, class_table, document, facts, title
from tracker.cli.render import show_facts, show_json, show_table
from tracker.cli.settle import importing_libraries
from tracker.cli.terminal import out, say
from tracker.errors import UsageError
from tracker.models.expected import check
from tracker.spec.experiment import Experiment
from tracker.spec.load import load
from tracker.spec.words import listed, nearest
from tracker.store.files import explain_os_error, write_atomic

if TYPE_CHECKING:  # torch stays out of `--help`
    from tracker.launch.preview import Preview

_COUNT = 40  # pictures


@click.command()
@click.argument("spec", type=click.Path(path_type=Path), metavar="SPEC")
@overrides_option
@click.option("--seed", type=click.IntRange(min=0), metavar="N", help="Of the run with this seed.")
@click.option("--variant", metavar="NAME", help="Of this variant of the matrix alone.")
@click.option(
    "--grid",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.png",
    help="Draw the first training batch there, as the network will see it.",
)
@click.option("--plain", is_flag=True, help="With --grid: the same pictures, not augmented.")
@click.option("--val", is_flag=True, help="With --grid: validation pictures, as evaluated.")
@click.option(
    "--count",
    type=click.IntRange(1, 1000),
    metavar="N",
    help=f"With --grid: how many pictures at most. [default: {_COUNT}]",
)
@json_option
@click.pass_obj
def data(
    root: Path,
    spec: Path,
    overrides: tuple[str, ...],
    seed: int | None,
    variant: str | None,
    grid: Path | None,
    *,
    plain: bool,
    val: bool,
    count: int | None,
    as_json: bool,
) -> None:
    """Show what a run would learn from.

    Tells, before any training, how many pictures of which classes there are, how large they are,
    and what is done to them on their way into the network. --grid draws them with their names:
    those of the very first step, in the order and augmented in the way that the run of this seed
    will be given them.

    Where the runs of a matrix differ in this, each kind is told of, and has a grid of its own,
    named after the first variant: FILE-VARIANT.png.
    """
    view = _view(plain=plain, val=val)
    if grid is None and (view != "training" or count is not None):
        raise click.UsageError("--plain, --val and --count go with --grid")
    if grid is not None and grid.suffix.lower() != ".png":
        raise click.UsageError("--grid: the file's name must end in .png")
    seeds = None if seed is None else (seed,)
    experiments = _chosen(load(spec, overrides=overrides, seeds=seeds), variant)
    for each in experiments:
        check(each)
    with importing_libraries():
        from tracker.launch.preview import previews

    found = previews(experiments, root, say)
    alone = len(found) == 1
    files = [_drawn(one, grid, view, count or _COUNT, alone=alone) for one in found if grid]
    if as_json:
        show_json(data=[document(one) for one in found], files=[str(file) for file in files])
    elif files:
        out("\n".join(map(str, files)))
    else:
        _print(found)


def _view(*, plain: bool, val: bool) -> View:
    if plain and val:
        raise click.UsageError("--plain and --val exclude each other: what is evaluated is plain")
    return "plain" if plain else "validation" if val else "training"


def _chosen(experiments: Sequence[Experiment], variant: str | None) -> list[Experiment]:
    """Those of one variant, or all. Raises UsageError, naming the nearest, where there are none."""
    names = list(dict.fromkeys(one.variant for one in experiments))
    if variant is not None and variant not in names:
        near = nearest(variant, names)
        hint = f"did you mean {near}?" if near else f"there is {listed(names[:10])}"
        raise UsageError(f"no variant is called {variant!a}; {hint}")
    return [one for one in experiments if variant in (None, one.variant)]


def _drawn(one: Preview, grid: Path, view: View, count: int, *, alone: bool) -> Path:
    """Draw at most `count` pictures of it; return where: `grid` itself, if there is no other."""
    from tracker.data.augment import denormalise
    from tracker.record.sheet import sheet

    if view == "validation":
        batch = one.evaluated(count)
    else:
        batch = one.first_batch() if view == "training" else one.first_unchanged()
    images = denormalise(batch.images[:count], one.dataset.mean, one.dataset.std)
    names = [one.dataset.classes[label] for label in batch.labels[:count].tolist()]
    file = grid if alone else grid.with_name(f"{grid.stem}-{one.variants[0]}{grid.suffix}")
    with explain_os_error("make", file.parent):
        file.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(file, sheet(images, names, title(one, view, len(images))))
    return file


def _print(found: Sequence[Preview]) -> None:
    for number, one in enumerate(found):
        if number:
            out("")
        show_facts(facts(one, alone=len(found) == 1))
        out("")
        show_table(class_table(one))
