"""What `tracker baseline` and `tracker check` share: the runs they are about, made or found."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from traceback import extract_tb
from typing import TYPE_CHECKING, Any

import click

from tracker.cli.options import overrides_option, seeds_option
from tracker.cli.settle import importing_libraries
from tracker.errors import NotComparable, TrackerError, Unavailable, UsageError, printable
from tracker.reading.gate.overlay import folder_of
from tracker.reading.selection import chosen
from tracker.spec.experiment import Experiment
from tracker.spec.load import load
from tracker.store.files import explain_os_error, write_atomic
from tracker.store.index import all_runs
from tracker.store.run import Run

if TYPE_CHECKING:  # SciPy and torch stay out until they are needed
    from tracker.reading.gate.drift import Drift
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


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The runs asked about; of a spec also what was measured beside them."""

    runs: Sequence[Observed]
    calibration: Calibration | None = None
    drift: Drift = field(default_factory=dict)


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


def require_folder(file: Path | None) -> None:
    """Raise Unavailable where the folder `file` is to be written into is not there.

    To be asked before anything is trained.
    """
    if file is not None and not file.parent.is_dir():
        folder, name = printable(str(file.parent)), printable(file.name)
        raise Unavailable(f"there is no folder {folder} to write {name} into; make it first")


def observed(
    root: Path,
    asked: Asked,
    steps: Collection[int],
    seeds: Sequence[int] | None = None,
    *,
    with_drift: bool = False,
) -> Seen:
    """The runs asked about.

    Of long curves the points at `steps` are kept. A spec is run with `seeds` unless others were
    asked for, under `root` if they are to be kept, else where nothing is left of them but the log
    of one that failed. Raises UsageError, NoSuchRun, Damaged, NotComparable (also for whatever the
    training code raises), and what running an experiment raises.
    """
    if not asked.refs:
        raise UsageError("name a SPEC or a RUN")
    if len(asked.refs) > 1 or not Path(asked.refs[0]).is_file():
        if asked.overrides or asked.seeds or asked.max_steps or asked.keep:
            raise UsageError("--set, --seeds, --max-steps and --keep are for one SPEC")
        from tracker.reading.gate.observed import observe

        return Seen(runs=[observe(each.run, steps) for each in chosen(root, asked.refs)])
    spec = Path(asked.refs[0])
    experiments = _experiments(spec, asked, asked.seeds or seeds)
    with _scratch(root) as scratch, _training_code():
        return _made(spec, experiments, root, scratch, asked, steps, with_drift)


def _made(
    spec: Path,
    experiments: Sequence[Experiment],
    root: Path,
    scratch: Path,
    asked: Asked,
    steps: Collection[int],
    with_drift: bool,
) -> Seen:
    with importing_libraries():
        from tracker.cli.progress import progress
        from tracker.launch.short import measure_drift, observe_short_runs

    with progress() as shown:
        runs, calibration = observe_short_runs(
            spec,
            experiments,
            root if asked.keep else scratch / "runs",
            scratch,
            keep=steps,
            argv=sys.argv,
            watch=shown.watch,
            say=shown.say,
        )
        if not with_drift:
            return Seen(runs=runs, calibration=calibration)
        shown.say("training again with noise, to see how far rounding carries it")
        drift = measure_drift(spec, experiments, runs, scratch, argv=sys.argv)
    return Seen(runs=runs, calibration=calibration, drift=drift)


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
def _training_code() -> Iterator[None]:
    """Make NotComparable of whatever else the code under test may raise, or end with.

    Neither its own exit code nor that of a bug of ours is an answer to what was asked.
    """
    try:
        yield
    except (OSError, MemoryError, KeyboardInterrupt):
        raise
    except BaseException as error:
        if isinstance(error, TrackerError) and type(error) is not TrackerError:
            raise
        last = extract_tb(error.__traceback__)[-1]
        words = f"training ended with {type(error).__name__}: {error}"
        place = f"{last.filename}, line {last.lineno}, in {last.name}"
        raise NotComparable(f"{printable(words)} ({printable(place)})") from error


@contextmanager
def _scratch(root: Path) -> Iterator[Path]:
    """A folder for runs that nobody is to see.

    The log of one that failed is copied to `<root>/check/`, and the error names that one.
    """
    with tempfile.TemporaryDirectory(prefix="tracker-check-") as folder:
        scratch = Path(folder)
        try:
            yield scratch
        except NotComparable as error:
            words = str(error)
            for run in (run for place in scratch.iterdir() for run in all_runs(place)):
                if run.log_file.exists() and run.state() != "finished":
                    words = _kept(run, root, words)
            raise NotComparable(words) from error


def _kept(run: Run, root: Path, words: str) -> str:
    file = folder_of(root, run.id) / run.log_file.name
    try:
        with explain_os_error("write", file):
            file.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(file, run.log_file.read_bytes())
    except Unavailable as refused:  # what failed is to be told all the same
        return f"{words}; its log is lost: {refused}"
    if str(run.log_file) in words:
        return words.replace(str(run.log_file), str(file))
    return f"{words}; its log is {printable(str(file))}"
