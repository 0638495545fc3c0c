"""Which runs there are, and which one is meant: answered from directory names and small JSON files.

There is no database: the directories are the index, so a run copied in, moved or deleted by hand is
simply there or gone. Only `<root>/<experiment>/<variant>/s<seed>[.<n>]` is looked at; links are not
followed, hidden names are skipped.
"""

from __future__ import annotations

import contextlib
import difflib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from tracker.errors import Damaged, NoSuchRun, Unavailable, UsageError, printable
from tracker.store.collector import resting
from tracker.store.files import explain_os_error, read_json
from tracker.store.run import Run
from tracker.store.shape import COUNT, TEXT, Shape, fields
from tracker.store.status import RunState
from tracker.store.summary import DataFacts, Metric, Price

_RUN_NAME = re.compile(r"s(\d{1,20})(?:\.(\d{1,9}))?")
_CANDIDATES = 5  # named in a message, at most
_SHOWN = 100  # characters of what a person typed that are shown back
_ASKED: Shape = {
    "name": TEXT,
    "variant": TEXT,
    "seed": COUNT,
    "tags": (list,),
    "compare": (dict,),
}
_COMPARED: Shape = {"metric": TEXT}


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """A run in one line. What a damaged run can't tell is None, 0 or empty; `cause` says why.

    `started` is ISO 8601, UTC. `seconds` is from there to the end, or to the last sign of life.
    `attempt` is 1, or n for s<seed>.<n>. `metric` is the series that the experiment compares by,
    `tags` are the words it is to be found by, `machine` what it computes with, `asked` the whole
    of experiment.json as found: of its shape no more is known than that.
    """

    id: str
    run: Run
    experiment: str
    variant: str
    seed: int | None
    attempt: int
    state: RunState
    started: str | None = None
    seconds: float | None = None
    step: int = 0
    epoch: float = 0.0
    total_steps: int | None = None
    tags: tuple[str, ...] = ()
    metric: str | None = None
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    price: Price | None = None
    data: DataFacts | None = None
    machine: Mapping[str, Any] | None = None
    asked: Mapping[str, Any] = field(default_factory=dict, repr=False)
    cause: str | None = None
    pid: int | None = None
    host: str | None = None


def list_runs(root: Path) -> list[RunRecord]:
    """Every run under `root`, ordered by experiment, variant, seed and attempt.

    A damaged run is listed as such and never raises; what is no run is passed over. A root that
    does not exist has no runs; Unavailable where it may not be read.
    """
    with resting():
        return [record(run) for run in all_runs(root)]


def record(run: Run) -> RunRecord:
    """`run` in one line, from its status, summary and experiment files. Never raises for its state.

    A file that may not be read makes a run damaged, as one that cannot be understood does.
    """
    *_, experiment, variant, name = ("", "", *run.path.parts)
    match = _RUN_NAME.fullmatch(name)
    blank = RunRecord(
        id=run.id,
        run=run,
        experiment=experiment,
        variant=variant,
        seed=int(match[1]) if match else None,
        attempt=int(match[2] or 1) if match else 1,
        state="damaged",
    )
    try:
        status, state = run.look()
        summary = run.summary()
        where = printable(str(run.experiment_file))
        document = read_json(run.experiment_file)
        asked = fields(document, _ASKED, where)
        compared = fields(asked["compare"], _COMPARED, f"{where}: compare")
        tags = _tags(asked["tags"], where)
    except (Damaged, Unavailable) as error:
        return replace(blank, cause=str(error))
    last = datetime.fromisoformat(status.ended or status.updated)
    return replace(
        blank,
        seed=asked["seed"],
        state=state,
        started=status.started,
        seconds=max(0.0, (last - datetime.fromisoformat(status.started)).total_seconds()),
        step=status.step,
        epoch=status.epoch,
        total_steps=status.total_steps,
        tags=tags,
        metric=compared["metric"],
        metrics=summary.metrics,
        price=summary.price,
        data=summary.data,
        machine=summary.machine,
        asked=document,
        cause=status.cause,
        pid=status.pid,
        host=status.host,
    )


def _tags(found: list[object], where: str) -> tuple[str, ...]:
    tags = tuple(tag for tag in found if isinstance(tag, str))
    if len(tags) < len(found):
        raise Damaged(f"{where}: tags must be words")
    return tags


def find(root: Path, ref: str) -> Run:
    """The one run that `ref` means.

    In this order: `@last` (started last); `@best:METRIC` (by the metric's own goal); a run's whole
    name under `root`; the path of a run directory; whole last parts of just one name, such as
    "resnet50/s0"; any part of just one name. Raises NoSuchRun, with at most five candidates, when
    none or several fit, and UsageError where runs disagree about which way METRIC is better.
    """
    if ref.startswith("@"):
        return _special(root, ref).run
    runs = {run.id: run for run in all_runs(root)}
    wanted = ref.rstrip("/")
    if wanted in runs:
        return runs[wanted]
    path = _directory(ref)
    if path is not None and _is_run(path):
        return Run(path)
    if not runs:
        raise _no_runs(root)
    fitting = [name for name in runs if wanted and f"/{name}".endswith(f"/{wanted}")]
    fitting = fitting or [name for name in runs if wanted and wanted in name]
    if len(fitting) == 1:
        return runs[fitting[0]]
    shown = ascii(ref[:_SHOWN])
    if fitting:
        raise NoSuchRun(f"{len(fitting)} runs fit {shown}: {_some(fitting)}; give more of the name")
    near = _some(_nearest(wanted, list(runs)))
    hint = f"did you mean {near}?" if near else "`tracker ls` lists those there are"
    raise NoSuchRun(f"no run in {printable(str(root))} fits {shown}; {hint}")


def find_all(root: Path, ref: str) -> list[Run]:
    """All runs of the experiment or the variant (as "experiment/variant") of that whole name.

    Where there is none, the one run that `find` finds. Raises what `find` raises.
    """
    group = ref.rstrip("/") + "/"
    depth = group.count("/")
    members = [run for run in all_runs(root) if depth < 3 and run.id.startswith(group)]
    return members or [find(root, ref)]


def _directory(ref: str) -> Path | None:
    """The real path of `ref`, so that "." too has a name; None where it can be none."""
    try:
        return Path(os.path.realpath(ref)) if ref else None
    except ValueError:  # a NUL, or half of a surrogate pair
        return None


def _special(root: Path, ref: str) -> RunRecord:
    kind, _, metric = ref[1:].partition(":")
    if not (ref == "@last" or (kind == "best" and metric)):
        raise NoSuchRun(f"{ref[:_SHOWN]!a} means no run; there are @last and @best:METRIC")
    records = [one for one in list_runs(root) if one.started is not None]
    if not records:
        raise _no_runs(root)
    return _best(records, metric) if metric else max(records, key=_start)


def _best(records: list[RunRecord], tag: str) -> RunRecord:
    """The earliest of the runs whose best value of `tag` no other betters."""
    scored = [one for one in records if tag in one.metrics and one.metrics[tag].best is not None]
    if not scored:
        known = sorted({known for one in records for known in one.metrics})
        hint = f"; there are {_some(_nearest(tag, known) or known)}" if known else ""
        raise NoSuchRun(f"no run has a value of {tag[:_SHOWN]!a}{hint}")
    goals = {one.metrics[tag].goal for one in scored}
    if len(goals) > 1:
        raise UsageError(
            f"some runs want {printable(tag)} high and some low, so none is the best; name the run"
        )
    sign = 1 if goals == {"max"} else -1
    earliest_first = sorted(scored, key=_start)
    return max(earliest_first, key=lambda one: sign * (one.metrics[tag].best or 0.0))


def _start(one: RunRecord) -> tuple[str, str]:
    return one.started or "", one.id


def all_runs(root: Path) -> list[Run]:
    """Every run under `root`, in order. Reads no file. Unavailable where `root` can't be read."""
    if not os.path.lexists(root):
        return []
    with explain_os_error("list the runs in", root), os.scandir(root):
        pass  # the root itself must be readable; below it, what isn't is passed over
    found = []
    for experiment in folders(root):
        for variant in folders(experiment):
            for path in folders(variant):
                match = _RUN_NAME.fullmatch(path.name)
                if match and _is_run(path):
                    key = (experiment.name, variant.name, int(match[1]), int(match[2] or 1))
                    found.append((key, Run(path)))
    return [run for _, run in sorted(found, key=lambda pair: pair[0])]


def folders(path: Path) -> Iterator[Path]:
    """The folders in `path`, without hidden ones and links; none if it went or is locked away."""
    with contextlib.suppress(FileNotFoundError, PermissionError), os.scandir(path) as entries:
        for entry in entries:
            if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False):
                yield path / entry.name


def _is_run(path: Path) -> bool:
    """Whether a folder of such a name is a run, as one is that may not be looked into."""
    run = Run(path)
    try:
        return any(_is_there(file) for file in (run.status_file, run.experiment_file))
    except PermissionError:
        return True


def _is_there(path: Path) -> bool:
    """As os.path.lexists, which calls absent what it may not look at. Raises PermissionError."""
    try:
        path.lstat()
    except PermissionError:
        raise
    except (OSError, ValueError):
        return False
    return True


def _no_runs(root: Path) -> NoSuchRun:
    return NoSuchRun(f"there are no runs in {printable(str(root))}; --runs names another folder")


def _nearest(wanted: str, names: list[str]) -> list[str]:
    """The names most like `wanted`, each compared by as many last parts as `wanted` has."""
    depth = wanted.count("/") + 1
    tails: dict[str, str] = {}
    for name in names:
        tails.setdefault("/".join(name.split("/")[-depth:]), name)
    return [tails[t] for t in difflib.get_close_matches(wanted[:_SHOWN], tails, _CANDIDATES)]


def _some(names: list[str]) -> str:
    more = ", …" if len(names) > _CANDIDATES else ""
    return ", ".join(map(printable, names[:_CANDIDATES])) + more
