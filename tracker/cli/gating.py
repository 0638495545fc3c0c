"""What `tracker baseline` and `tracker check` share: the runs they are about, made or found."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tracker.cli.options import overrides_option, seeds_option
from tracker.cli.settle import settle_libraries
from tracker.errors import UsageError, printable
from tracker.reading.selection import chosen
from tracker.spec.experiment import Experiment
from tracker.spec.load import load

if TYPE_CHECKING:  # SciPy and torch stay out until they are needed
    from tracker.reading.gate.observed import Observed
    from tracker.reading.gate.resources import Calibration


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The runs a command is about: one spec to be run, with changes, or runs that are there."""

    refs: tuple[str, ...]
    overrides: tuple[str, ...]
    seeds: tuple[int, ...] | None
    max_steps: int | None
    keep: bool


_OPTIONS = (
    click.argument("refs", nargs=-1, metavar="SPEC|RUN…"),
    overrides_option,
    seeds_option,
    click.option("--max-steps", type=click.IntRange(min=1), metavar="N", help="End each run here."),
    click.option("--keep", is_flag=True, help="Keep the runs made, with those of --runs."),
)


def asked_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the arguments of `Asked`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def observed(
    root: Path, asked: Asked, steps: Collection[int], seeds: Sequence[int] | None = None
) -> tuple[list[Observed], Calibration | None]:
    """The runs asked about; of a spec also what the calibration kernel did beside them.

    Of long curves the points at `steps` are kept. A spec is run with `seeds` unless others were
    asked for, under `root` if they are to be kept, else where nothing is left of them. Raises
    UsageError, NoSuchRun, Damaged, NotComparable, and what running an experiment raises.
    """
    if not asked.refs:
        raise UsageError("name a SPEC or a RUN")
    if len(asked.refs) > 1 or not Path(asked.refs[0]).is_file():
        if asked.overrides or asked.seeds or asked.max_steps or asked.keep:
            raise UsageError("--set, --seeds, --max-steps and --keep are for one SPEC")
        from tracker.reading.gate.observed import observe

        return [observe(each.run, steps) for each in chosen(root, asked.refs)], None
    spec = Path(asked.refs[0])
    experiments = _experiments(spec, asked, asked.seeds or seeds)
    settle_libraries()
    from tracker.cli.progress import progress
    from tracker.launch.short import observe_short_runs

    with _place(root if asked.keep else None) as place, progress() as shown:
        return observe_short_runs(
            spec,
            experiments,
            place,
            keep=steps,
            argv=sys.argv,
            watch=shown.watch,
            say=shown.say,
        )


def _experiments(spec: Path, asked: Asked, seeds: Sequence[int] | None) -> list[Experiment]:
    members = load(spec, overrides=asked.overrides, seeds=seeds, max_steps=asked.max_steps)
    variants = list(dict.fromkeys(one.variant for one in members))
    if len(variants) > 1:
        raise UsageError(
            f"{printable(str(spec))} asks for {len(variants)} variants, and a baseline is of one: "
            "choose it with --set, as in --set model.backbone=resnet9"
        )
    return members


@contextmanager
def _place(root: Path | None) -> Iterator[Path]:
    if root is not None:
        yield root
        return
    with tempfile.TemporaryDirectory(prefix="tracker-check-") as place:
        yield Path(place)
