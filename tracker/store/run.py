"""A Run is what happened: one directory, whose every path is named here, and what state it is in.

Who writes a run, and how it appears, changes and ends, is in `active`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from tracker.errors import Damaged, printable
from tracker.events.record import INFIX
from tracker.owned import strange
from tracker.spec.experiment import Experiment
from tracker.store.claim import LOCK_NAME
from tracker.store.files import explain_os_error, half_written, safe_join
from tracker.store.manifest import CHECKPOINT, Manifest, read_manifest
from tracker.store.status import RunState, Status, is_written, read_status
from tracker.store.summary import Summary, read_summary


@dataclass(frozen=True)
class Run:
    """A handle on a run directory, `<root>/<experiment>/<variant>/s<seed>[.<n>]`.

    Any process may make one, for a run of its own or of another; making one reads nothing.
    """

    path: Path

    @property
    def id(self) -> str:
        """The run's name under the root, such as "cifar10-backbones/resnet50/s0"."""
        return "/".join(self.path.parts[-3:])

    @property
    def experiment_file(self) -> Path:
        """What was asked, every default filled in."""
        return self.path / "experiment.json"

    @property
    def provenance_file(self) -> Path:
        """Under which circumstances: code, packages, machine, command."""
        return self.path / "provenance.json"

    @property
    def patch_file(self) -> Path:
        """What the code had that its commit has not; absent when nothing."""
        return self.path / "code.patch"

    @property
    def status_file(self) -> Path:
        """How far it is; not to be believed alone: see `state`."""
        return self.path / "status.json"

    @property
    def summary_file(self) -> Path:
        """The metrics and the price so far; absent before the first evaluation."""
        return self.path / "summary.json"

    @property
    def log_file(self) -> Path:
        """What was said along the way; absent when nothing."""
        return self.path / "log.txt"

    @property
    def checkpoints(self) -> Path:
        """The folder of saved weights; made by whoever saves first."""
        return self.path / "checkpoints"

    @property
    def manifest_file(self) -> Path:
        """Which checkpoints are good, with their sha256."""
        return self.checkpoints / "manifest.json"

    @property
    def last_checkpoint(self) -> Path:
        """The newest checkpoint."""
        return self.checkpoints / "last.pt"

    @property
    def best_checkpoint(self) -> Path:
        """The checkpoint best by the experiment's own metric."""
        return self.checkpoints / "best.pt"

    @property
    def lost(self) -> Path:
        """What a resumed run set aside: event files written after its last checkpoint."""
        return self.path / "lost"

    @property
    def lock_file(self) -> Path:
        """The file whose kernel lock the writing process holds."""
        return self.path / LOCK_NAME

    def status(self) -> Status:
        """What the run last said of itself. Raises Damaged or Unavailable."""
        return read_status(self.status_file)

    def summary(self) -> Summary:
        """The numbers so far. Raises Damaged or Unavailable."""
        return read_summary(self.summary_file)

    def manifest(self) -> Manifest:
        """Which checkpoints are good. Raises Damaged or Unavailable."""
        return read_manifest(self.manifest_file)

    def leftovers(self, manifest: Manifest) -> list[Path]:
        """What killed processes left behind: files half written, and checkpoints not in `manifest`.

        With an empty manifest every checkpoint may be wanted: the real one may have been lost. For
        a run that nobody writes; raises OSError.
        """
        unvouched = self.unvouched(manifest) if manifest.files else []
        return sorted([*self.half_written(), *unvouched])

    def half_written(self) -> list[Path]:
        """Files that killed processes did not finish writing. Raises OSError."""
        return [*half_written(self.path), *half_written(self.checkpoints)]

    def unvouched(self, manifest: Manifest) -> list[Path]:
        """The checkpoints that `manifest` does not name, in order. Raises OSError."""
        if self.checkpoints.is_symlink() or not self.checkpoints.is_dir():
            return []
        return sorted(
            path
            for path in self.checkpoints.iterdir()
            if CHECKPOINT.fullmatch(path.name) and path.name not in manifest.files
        )

    def strangers(self) -> dict[Path, str]:
        """Links, pipes and the like in the places that a run writes to, with what each is.

        Raises OSError.
        """
        files = [self.lock_file, self.log_file]
        files += sorted(path for path in self.path.iterdir() if INFIX in path.name)
        faults = {path: strange(path) for path in files}
        for folder in (self.checkpoints, self.lost):
            faults[folder] = strange(folder, folder=True)
        return {path: fault for path, fault in faults.items() if fault}

    def check_saved(self) -> None:
        """Raise Damaged where there were checkpoints, and nothing vouches for any of them now.

        A first checkpoint that a kill kept from being committed lies alone, without a link to it.
        Raises Unavailable too.
        """
        if self.manifest().files:
            return
        where = printable(str(self.manifest_file))
        with explain_os_error("look into", self.path):
            found = self.unvouched(Manifest())
        links = (self.last_checkpoint, self.best_checkpoint)
        if len(found) > 1 or any(map(os.path.lexists, links)):
            raise Damaged(
                f"{where} names none of the checkpoints that were saved ({len(found)} are beside "
                "it), so nobody can say whether they are whole"
            )
        status = self.status()
        if status.state == "finished" and status.step and not found:
            raise Damaged(f"{where} is missing: of a run that finished, no checkpoint is left")

    def state(self) -> RunState:
        """What is true now. Raises Unavailable where the run may not be read."""
        try:
            return self.look()[1]
        except Damaged:
            return "damaged"

    def look(self) -> tuple[Status, RunState]:
        """What the run last said, and what is true: derived from the lock, not from that alone.

        Raises Damaged or Unavailable.
        """
        status = self.status()
        if status.state == "running" and not is_written(status, self.lock_file):
            # It may have ended between the two looks: the end is told before the lock is given up.
            status = self.status()
            return status, "crashed" if status.state == "running" else status.state
        return status, status.state

    @classmethod
    def of(cls, root: Path, experiment: Experiment) -> Run:
        """The run that `experiment` makes under `root`, whether it is there yet or not.

        Raises UsageError where its names can't name folders, Damaged where a link leads out of
        `root`.
        """
        return cls.named(root, experiment.name, experiment.variant, experiment.seed)

    @classmethod
    def named(cls, root: Path, experiment: str, variant: str, seed: int) -> Run:
        """The run of these names under `root`, whether it is there yet or not. Raises as `of`."""
        return cls(safe_join(root, experiment, variant, f"s{seed}"))
