"""Removing a run is moving it, so that it can come back: `<root>/.tracker/trash/<when>/<its name>`.

It stays under the root because only there a rename is sure to work: one step, that a kill leaves
done or not done, and that needs next to no room on the disk. But TensorBoard walks hidden folders
too, so its event files get names there that TensorBoard passes over, and their own ones when they
return.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import TracebackType
from typing import NoReturn

from tracker.errors import Busy, NoSuchRun, UsageError, printable
from tracker.events.record import INFIX
from tracker.store.claim import LOCK_NAME, rename_free
from tracker.store.files import explain_os_error, safe_join, sync_directory
from tracker.store.index import all_runs, find_all, folders
from tracker.store.lock import Lock
from tracker.store.run import Run
from tracker.store.status import utc_now

FOLDER = Path(".tracker", "trash")
DOOMED = ".deleting-"  # how the name begins of what is past return
_HIDDEN = "tf~trash"  # as long as INFIX, so that no name grows too long
_WHEN = "%Y%m%dT%H%M%S.%fZ"


@dataclass(frozen=True)
class Trashed:
    """A run in the trash: where it lies now, with its whole name at the end, and since when."""

    run: Run
    removed: datetime


@dataclass(frozen=True)
class Bag:
    """What one removal put into the trash, together: a folder, and when that was (UTC)."""

    path: Path
    removed: datetime

    @property
    def runs(self) -> list[Run]:
        """The runs in it."""
        return all_runs(self.path)


def bags(root: Path) -> list[Bag]:
    """What is in the trash of `root`, the newest first. Anything else lying there is left out."""
    found = []
    for path in folders(root / FOLDER):
        with contextlib.suppress(ValueError):
            moment = datetime.strptime(path.name, _WHEN).replace(tzinfo=timezone.utc)
            found.append(Bag(path, moment))
    return sorted(found, key=lambda bag: bag.removed, reverse=True)


def trashed(root: Path) -> list[Trashed]:
    """Every run in the trash of `root`, the newest first."""
    return [Trashed(run, bag.removed) for bag in bags(root) for run in bag.runs]


def removable(root: Path, refs: Sequence[str]) -> list[Run]:
    """The runs under `root` that `refs` mean, as `find_all` has it, each once.

    Raises what it raises, UsageError for a run that is elsewhere, Busy if one is live.
    """
    runs = list(dict.fromkeys(run for ref in refs for run in find_all(root, ref)))
    for run in runs:
        if run.path.resolve() != root.joinpath(run.id).resolve():
            raise UsageError(
                f"{printable(str(run.path))} is not in {printable(str(root))}: "
                "name its folder with --runs"
            )
        with unwritten(run):
            pass
    return runs


def choose(root: Path, ref: str) -> list[Trashed]:
    """What `ref` means in the trash: a run, or all of an experiment or a variant.

    A run may be named by its last parts, such as "resnet50/s0"; of several of one name it is the
    one removed last. Raises NoSuchRun.
    """
    newest = {one.run.id: one for one in reversed(trashed(root))}
    wanted, shown = ref.rstrip("/"), ascii(ref[:100])
    fitting = [name for name in newest if wanted and f"/{name}".endswith(f"/{wanted}")]
    if len(fitting) > 1:
        names = ", ".join(map(printable, fitting[:5]))
        raise NoSuchRun(f"{len(fitting)} runs in the trash fit {shown}: {names}; give more")
    fitting = fitting or [name for name in newest if name.startswith(f"{wanted}/")]
    if not fitting:
        raise NoSuchRun(
            f"no run in the trash of {printable(str(root))} fits {shown}; "
            "`tracker restore --list` lists what there is"
        )
    return [newest[name] for name in fitting]


class Trash:
    """The trash of `root`, opened for changes: a context manager, for one process at a time.

    Each change is made whole by the next one if a kill cut it short.
    """

    def __init__(self, root: Path, clock: Callable[[], datetime] = utc_now) -> None:
        """Raises Busy while another process changes it, Unavailable where the disk refuses."""
        self._root = root
        self._folder = root / FOLDER
        with explain_os_error("open the trash in", self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
        self._lock = Lock(self._folder / LOCK_NAME, reserve=False)
        try:
            with explain_os_error("tidy the trash in", self._folder):
                self._settle()
            self._bag = self._new_bag(clock())
        except BaseException:
            self._lock.release()
            raise

    def __enter__(self) -> Trash:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lock.release()

    def put(self, run: Run) -> Path:
        """Move `run` here and return its place. Raises Busy, and moves nothing, if it is live."""
        place = safe_join(self._bag, *run.path.parts[-3:])
        with unwritten(run), explain_os_error("move to the trash", run.path):
            place.parent.mkdir(parents=True, exist_ok=True)
            run.path.rename(place)
            _rename_files(place, INFIX, _HIDDEN)
            sync_directory(place.parent)
            sync_directory(run.path.parent)
        _remove_empty(run.path.parent, run.path.parent.parent)
        return place

    def give_back(self, one: Trashed) -> Run:
        """Move a run back to where it was. Raises Busy where something else has its name now."""
        run, parts = one.run, one.run.path.parts[-3:]
        home = Run(safe_join(self._root, *parts))
        with unwritten(run), explain_os_error("restore", home.path):
            home.path.parent.mkdir(parents=True, exist_ok=True)
            # Before the move: cut short, it is still in the trash, where the next one tidies up.
            _rename_files(run.path, _HIDDEN, INFIX)
            if os.path.lexists(home.path) or not rename_free(run.path, home.path):
                _rename_files(run.path, INFIX, _HIDDEN)
                raise Busy(
                    f"{printable(str(home.path))} exists ({home.state()}); `tracker rm` it first, "
                    "or rename it"
                )
            sync_directory(home.path.parent)
        self._tidy()
        return home

    def delete(self, bag: Bag) -> None:
        """Delete what one removal put here, for good. Raises Busy if a run in it is live."""
        with contextlib.ExitStack() as held:
            for run in bag.runs:
                held.enter_context(unwritten(run))
            doomed = bag.path.with_name(f"{DOOMED}{bag.path.name}")
            with explain_os_error("delete", bag.path):
                bag.path.rename(doomed)
        self.finish_deleting(doomed)

    def finish_deleting(self, doomed: Path) -> None:
        """Delete what a deletion cut short left behind. Raises Unavailable."""
        with explain_os_error("delete", doomed):
            shutil.rmtree(doomed)

    def _settle(self) -> None:
        """Do what was left undone by a process killed here."""
        _rename_files(self._folder, INFIX, _HIDDEN)
        self._tidy()

    def _tidy(self) -> None:
        for bag in bags(self._root):
            for experiment in folders(bag.path):
                _remove_empty(*folders(experiment), experiment)
            _remove_empty(bag.path)

    def _new_bag(self, moment: datetime) -> Path:
        while (path := self._folder / moment.strftime(_WHEN)).exists():
            moment += timedelta(microseconds=1)
        return path


def leftovers(root: Path) -> list[Path]:
    """What deletions cut short left in the trash of `root`."""
    return sorted((root / FOLDER).glob(f"{DOOMED}*"))


@contextlib.contextmanager
def unwritten(run: Run) -> Iterator[None]:
    """Keep everyone from writing `run` during the block. Raises Busy if somebody is at it."""
    if run.state() == "running":
        status = run.status()
        raise Busy(
            f"{printable(run.id)} is running as process {status.pid} on {printable(status.host)} "
            f"since {status.started}; stop it first (Ctrl-C there)"
        )
    lock = Lock(run.lock_file, reserve=False)
    try:
        yield
    finally:
        lock.release()


def _rename_files(folder: Path, old: str, new: str) -> None:
    """Put `new` for `old` into the names of all files in `folder`, however deep."""
    for where, _, names in os.walk(folder, onerror=_raise):
        for name in names:
            if old in name:
                Path(where, name).rename(Path(where, name.replace(old, new)))


def _raise(error: OSError) -> NoReturn:
    raise error


def _remove_empty(*paths: Path) -> None:
    for path in paths:
        with contextlib.suppress(OSError):  # what isn't empty stays, and an empty folder is no harm
            path.rmdir()
