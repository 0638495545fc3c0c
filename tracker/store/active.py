"""The run that this process writes: its lock, its progress, and how it ends.

A run directory appears whole, under its lock, or not at all; from then on every file in it is
replaced at once or appended to, and status.json comes last. Killed at any line, it is plainly
unfinished.
"""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tracker.errors import Busy, Damaged, Stopped, TrackerError, Unavailable, printable
from tracker.owned import own, set_aside
from tracker.spec.convert import to_document
from tracker.spec.experiment import Experiment
from tracker.store.claim import claim
from tracker.store.files import (
    explain_os_error,
    is_disk_full,
    one_line,
    read_json,
    to_json,
    write_json,
    write_new,
)
from tracker.store.lock import Lock
from tracker.store.manifest import step_of
from tracker.store.run import Run
from tracker.store.status import first_status, stamp, utc_now
from tracker.store.summary import Summary

if TYPE_CHECKING:  # its importlib.metadata would cost every listing 15 ms
    from tracker.store.provenance import Provenance

CAUSE_LIMIT = 500  # characters


class ActiveRun:
    """A run this process is writing: it holds the lock until the run ends.

    As a context manager it ends the run with the block: finished; stopped, if Stopped or Ctrl-C
    came through; else failed, with the exception's one line as the cause. Ending it by hand first
    is as good. Not for several threads at once; in a forked child every write raises Busy.
    """

    def __init__(
        self,
        run: Run,
        lock: Lock,
        clock: Callable[[], datetime] = utc_now,
        *,
        is_taken_up: bool = False,
    ) -> None:
        """Go on from the run's status.json; `lock` is the run's, just taken.

        `is_taken_up` says that another process began the run.
        """
        self.run = run
        self.is_taken_up = is_taken_up
        self._lock = lock
        self._status = run.status()
        self._clock = clock
        self._ended = False

    @classmethod
    def create(
        cls,
        root: Path,
        experiment: Experiment,
        provenance: Provenance,
        *,
        again: bool = False,
        clock: Callable[[], datetime] = utc_now,
    ) -> ActiveRun:
        """Make the directory of a new run under `root`, locked by this process.

        `again` runs beside a run of the same name, as s0.2, s0.3, …; without it that is Busy, as is
        losing a race for the name. Raises Unavailable where the disk refuses, and then leaves
        nothing behind.
        """
        wanted = Run.of(root, experiment)

        def fill(path: Path, lock: Lock) -> None:
            run, status = Run(path), first_status(stamp(clock()), kernel_lock=lock.kernel)
            write_new(run.experiment_file, to_json(to_document(experiment)))
            write_new(run.provenance_file, to_json(provenance.to_document()))
            if provenance.patch:
                write_new(run.patch_file, provenance.patch)
            write_new(run.status_file, to_json(status.to_document()))

        claimed = claim(wanted.path, fill, again=again)
        if claimed is None:
            raise _exists(wanted)
        path, lock = claimed
        return cls(Run(path), lock, clock)

    @classmethod
    def reopen(
        cls, run: Run, provenance: Provenance, *, clock: Callable[[], datetime] = utc_now
    ) -> ActiveRun:
        """Take up a `run` that did not finish; what differs from its first start is added to it.

        What a kill left half written is removed. Raises Busy while another process writes it,
        Damaged or Unavailable where its files can't be read, are links, or name no checkpoint while
        there are some, and changes nothing then.
        """
        lock = Lock(run.lock_file)
        try:
            before, now = run.status(), first_status(stamp(clock()), kernel_lock=lock.kernel)
            circumstances = _circumstances(run)
            _check_takeable(run)
            with explain_os_error("clear", run.path):
                for path in run.half_written():
                    path.unlink()
            again = provenance.to_document()
            resumed = {key: again[key] for key in again if again[key] != circumstances.get(key)}
            circumstances["resumed"] = [*circumstances["resumed"], resumed]
            write_json(run.provenance_file, circumstances)
            progress = {key: getattr(before, key) for key in ("step", "epoch", "total_steps")}
            status = replace(now, started=before.started, **progress)
            write_json(run.status_file, status.to_document())
        except BaseException:
            lock.release()
            raise
        return cls(run, lock, clock, is_taken_up=True)

    def clear_checkpoints(self) -> list[Path]:
        """Rid a run taken up of the checkpoints that its manifest does not name.

        Those older than the newest it names were given up by a commit, and are deleted. Others may
        be wanted: they are set aside, and returned as where they are now. Raises Damaged,
        Unavailable.
        """
        run, manifest = self.run, self.run.manifest()
        newest = manifest.kept[-1].step if manifest.kept else -1
        aside = []
        with explain_os_error("clear", run.checkpoints):
            for path in run.unvouched(manifest):
                if step_of(path) < newest:
                    path.unlink()
                else:
                    aside.append(set_aside(path, run.lost, path.name))
        return aside

    def plan(self, total_steps: int) -> None:
        """Say how many optimizer steps the run will have taken when it finishes."""
        self._write(total_steps=total_steps)

    def update(self, step: int, epoch: float, summary: Summary) -> None:
        """Say how far the run is and what is known; both files are replaced, whole.

        Raises Unavailable where the disk refuses, Busy where another process took the lock over.
        """
        self._confirm()
        write_json(self.run.summary_file, summary.to_document(step, epoch))
        self._write(step=step, epoch=epoch)

    def log(self, text: str) -> None:
        """Add to log.txt, each line with the time before it and control characters escaped.

        Raises Unavailable where the disk refuses, Damaged where that is a link or no file.
        """
        now = stamp(self._clock())
        lines = "".join(f"{now} {printable(line)}\n" for line in text.split("\n"))
        path = self.run.log_file
        with explain_os_error("write", path), open(path, "ab", opener=own) as file:
            file.write(lines.encode())

    def finish(self) -> None:
        """All that was asked has been done. Gives up the lock, as every end does."""
        self._end(state="finished")

    def fail(self, cause: str) -> None:
        """The run cannot go on; `cause` is kept as one line of at most 500 characters."""
        self._end(state="failed", cause=one_line(cause, CAUSE_LIMIT))

    def stop(self, signum: int) -> None:
        """A signal asked the run to stop, and what it had is saved."""
        self._end(state="stopped", signal=signum, cause=signal.strsignal(signum))

    def __enter__(self) -> ActiveRun:
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if self._ended:
            return
        if error is None:
            self.finish()
            return
        try:
            if isinstance(error, Stopped | KeyboardInterrupt):
                self.stop(getattr(error, "signum", signal.SIGINT))
            else:
                self.fail(_what(error))
        except (Busy, Unavailable) as unsaid:
            # The first error is the one to tell; the run reads as crashed, and so it did.
            error.__context__ = error.__context__ or unsaid

    def _end(self, **changes: Any) -> None:
        now = stamp(self._clock())
        changes |= {"ended": now, "updated": now}
        try:
            try:
                self._write(**changes)
            except Unavailable as error:
                if not is_disk_full(error):
                    raise
                self._lock.free_reserve()
                self._write(**changes)
            self._lock.free_reserve()
        finally:
            self._ended = True
            self._lock.release()

    def _write(self, **changes: Any) -> None:
        self._confirm()
        status = replace(self._status, **{"updated": stamp(self._clock()), **changes})
        write_json(self.run.status_file, status.to_document())
        self._status = status

    def _confirm(self) -> None:
        if self._ended:
            raise TrackerError(f"{self.run.id} has ended ({self._status.state})")
        if not os.path.lexists(self.run.status_file):
            raise Unavailable(f"{printable(str(self.run.path))} was removed while it was written")
        self._lock.confirm()


def _check_takeable(run: Run) -> None:
    """Raise Damaged where going on would write to what is not the run's own, or lose its work."""
    with explain_os_error("look into", run.path):
        strangers = run.strangers()
    for path, fault in strangers.items():
        raise Damaged(f"{printable(str(path))} {fault}, and a run writes to its own files alone")
    run.check_saved()


def _circumstances(run: Run) -> dict[str, Any]:
    """What provenance.json holds; "resumed" is a list there, if an empty one. Raises Damaged."""
    document = read_json(run.provenance_file)
    if not isinstance(document, dict) or not isinstance(document.setdefault("resumed", []), list):
        raise Damaged(f"{printable(str(run.provenance_file))} is not what tracker wrote")
    return document


def _exists(run: Run) -> Busy:
    state = run.state()
    how = f"exists ({state})"
    if state == "running":
        status = run.status()
        how = f"is running as process {status.pid} on {status.host} since {status.started}"
        return Busy(f"{printable(f'{run.path} {how}')}; wait for it, or stop it with Ctrl-C there")
    remedy = "--again runs beside it, --skip-finished passes over what is finished"
    return Busy(f"{printable(f'{run.path} {how}')}; {remedy}")


def _what(error: BaseException) -> str:
    """An error in words: our own messages stand alone, others need their type before them."""
    if isinstance(error, TrackerError):
        return str(error)
    return "".join(traceback.format_exception_only(error))
