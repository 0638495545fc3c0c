"""`tracker compare --tensorboard`: groups as runs, beside the experiments and apart from them.

`<root>/compare/<experiments>/` holds a run "<group> mean" for each group and a run "summary". It
is a log directory of its own, since Custom Scalars complains of every run without the tags of a
chart, and a part of the root's, where the means are curves among the others. `tracker ls` takes
none of them for a run. Writing again adds an event file to each that begins by taking back what
was there, as both of TensorBoard's loaders understand while they run; the same numbers make the
same bytes, and then nothing is written.
"""

from __future__ import annotations

import contextlib
import re
import tempfile
import time
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count, pairwise
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary

from tracker.errors import NotComparable, printable
from tracker.events.reader import event_files
from tracker.events.writer import EventWriter
from tracker.reading.aggregates import picture, tensors
from tracker.reading.aggregates.curves import Clock, margin, meanings, series_of, write_curves
from tracker.reading.comparison.bands import Curves, read_curves
from tracker.reading.comparison.result import Comparison
from tracker.reading.comparison.tables import markdown
from tracker.reading.comparison.words import question
from tracker.reading.gallery import Gallery, gallery
from tracker.store.files import explain_os_error, sync_directory, write_new
from tracker.store.index import all_runs
from tracker.store.lock import Lock
from tracker.tags import Meaning

FOLDER = "compare"
SUMMARY = "summary"

_MEAN = " mean"
_TAG = "pictures/compared"
_NAME = re.compile(r"events\.out\.tfevents\.(\d{10})\.tracker")
_NAMED = 3  # experiments in a folder's name, at most
_LONGEST = 80  # characters of a group's name
_KEPT_SECONDS = 600.0  # by then every TensorBoard has gone on to the file that came after
_DRAFT = ".draft"
_COMPARISON = Meaning("comparison", "The question, the verdict and the numbers behind it.")
_COMPARED = Meaning(
    "the same pictures",
    "Rows: validation pictures. Columns: groups, by one run each. Green: right, red: wrong.",
)


@dataclass(frozen=True)
class Aggregates:
    """Where they are; the names of the runs there; which of them were written anew.

    `remarks` tell of runs that are in no mean, for their event files are damaged.
    """

    folder: Path
    runs: tuple[str, ...]
    changed: tuple[str, ...]
    remarks: tuple[str, ...]


def write_aggregates(
    root: Path, comparison: Comparison, *, clock: Callable[[], float] = time.time
) -> Aggregates:
    """Write the groups of `comparison` as runs under `root`.

    Those of a part of its experiments have a folder apart. What an earlier call for the same runs
    left of other groups is removed. Killed at any instant, the runs are as they were or as they
    will be. Raises NotComparable where no group has a curve, Busy while another process writes the
    same, Unavailable where the disk refuses.
    """
    folder = root / FOLDER / _name(root, comparison)
    with explain_os_error("make means for", folder):
        wanted = series_of(comparison)
        groups = [each.group for each in comparison.groups]
        curves = read_curves(groups, wanted, comparison.step)
        remarks = (*comparison.remarks, *curves.remarks)
        files = _files(replace(comparison, remarks=remarks), curves, wanted)
    with explain_os_error("write", folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = Lock(folder / ".lock", reserve=False)
        try:
            _remove_others(folder, files)
            changed = [name for name, data in files.items() if _add(folder, name, data, clock())]
        finally:
            lock.release()
    return Aggregates(folder, tuple(files), tuple(changed), curves.remarks)


def _files(comparison: Comparison, curves: Curves, wanted: list[str]) -> dict[str, bytes]:
    """The event file that each run is to have."""
    drawn = [
        (group, found) for group, found in zip(curves.groups, curves.bands, strict=True) if found
    ]
    if not drawn:
        why = "".join(f"\n{printable(remark)}" for remark in curves.remarks)
        raise NotComparable(f"there is no curve to draw: no group has runs that share a step{why}")
    clocks = [Clock(next(iter(group.members.values()))) for group, _ in drawn]
    names = _names([group.name for group, _ in drawn])
    files = {
        names[group.name]: _encoded(clock, meanings(wanted), partial(write_curves, bands=found))
        for clock, (group, found) in zip(clocks, drawn, strict=True)
    }
    shown = {tag for _, found in drawn for tag in found}
    charts = {tag: (tag, *margin(tag)) for tag in wanted if tag in shown}
    files[SUMMARY] = _encoded(
        clocks[0],
        {},
        partial(
            _write_summary,
            layout=tensors.bands(question(comparison), charts),
            text=tensors.text("comparison", markdown(comparison), _COMPARISON),
            shown=gallery(curves.groups),
        ),
    )
    return files


def _write_summary(
    writer: EventWriter, clock: Clock, layout: Summary, text: Summary, shown: Gallery | None
) -> None:
    for summary in (layout, text):
        writer.event(Event(wall_time=clock(), step=0, summary=summary))
    if shown is None or len(shown.runs) < 2:
        return
    for step in shown.steps:
        clock.turn(step)
        image = picture.draw(shown, step)
        file = picture.png(image)
        summary = tensors.picture(_TAG, *image.size, file, _COMPARED)
        writer.event(Event(wall_time=clock(), step=step, summary=summary))


def _encoded(
    clock: Clock, describe: Mapping[str, Meaning], fill: Callable[[EventWriter, Clock], None]
) -> bytes:
    """An event file that takes back all that its run had before, and then holds what `fill` writes.

    Made elsewhere, so that no reader sees it grow.
    """
    with (
        tempfile.TemporaryDirectory() as place,
        EventWriter(Path(place), clock=clock, describe=describe) as writer,
    ):
        start = SessionLog(status=SessionLog.START)
        writer.event(Event(wall_time=clock(), step=0, session_log=start))
        fill(writer, clock)
        return writer.path.read_bytes()


def _add(folder: Path, name: str, data: bytes, now: float) -> bool:
    """Give a run of ours its new event file; False where the last one holds the same."""
    place = folder / name
    place.mkdir(exist_ok=True)
    before = event_files(place)
    if before and before[-1].read_bytes() == data:
        return False
    draft = folder / _DRAFT  # no name of an event file: TensorBoard does not look into it
    draft.unlink(missing_ok=True)
    write_new(draft, data)
    draft.rename(place / _next_name(before, now))
    sync_directory(place)
    for old, newer in pairwise(before):
        if now - newer.stat().st_mtime > _KEPT_SECONDS:
            old.unlink()
    return True


def _next_name(before: Sequence[Path], now: float) -> str:
    """A name that sorts after those before it: TensorBoard reads files in that order."""
    seconds = int(now)
    if before and (match := _NAME.fullmatch(before[-1].name)):
        seconds = max(seconds, int(match[1]) + 1)
    return f"events.out.tfevents.{seconds:010d}.tracker"


def _remove_others(folder: Path, wanted: Collection[str]) -> None:
    """Remove the means of groups that there are no more, and nothing that is not ours."""
    for place in folder.iterdir():
        if place.name.endswith(_MEAN) and place.name not in wanted and not place.is_symlink():
            for path in event_files(place):
                path.unlink()
            with contextlib.suppress(OSError):  # not empty: somebody put something there
                place.rmdir()


def _name(root: Path, comparison: Comparison) -> str:
    """The experiments compared, as a folder's name; of some of their runs, or as of a step, another
    one, lest their means replace those of the whole."""
    members = [run for each in comparison.groups for run in each.group.members.values()]
    names = sorted({run.experiment for run in members})
    more = [f"{len(names) - _NAMED} more"] if len(names) > _NAMED else []
    name = "+".join([*names[:_NAMED], *more])
    meant = {run.id for run in members} | {one.run for one in comparison.left_out}
    whole = {run.id for run in all_runs(root) if run.id.partition("/")[0] in names}
    if whole - meant:
        selection = zlib.crc32("\n".join(sorted(meant)).encode("utf-8", "surrogateescape"))
        name += f"-{len(members)}-runs-{selection:08x}"
    return name if comparison.step is None else f"{name}-step-{comparison.step}"


def _names(groups: Sequence[str]) -> dict[str, str]:
    """The runs' names by group, each fit for a folder and its own."""
    names: dict[str, str] = {}
    for group in groups:
        plain = re.sub(r"[^\w .,=+()-]", "_", group).strip(" .")[:_LONGEST] or "group"
        spare = (f"{plain} ({number}){_MEAN}" for number in count(2))
        first = f"{plain}{_MEAN}"
        names[group] = (
            first
            if first not in names.values()
            else next(name for name in spare if name not in names.values())
        )
    return names
