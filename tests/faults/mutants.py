"""The protocol with one protection taken away each: what a storm that is any good must notice.

Where a protection only matters for an instant, the mutant lingers there for `LINGER` seconds, so
that few kills are enough to meet it.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from tracker import runner
from tracker.data.batches import TrainBatches
from tracker.events import writer
from tracker.store import active, claim, files
from tracker.store.lock import Lock
from tracker.store.run import Run
from tracker.training import checkpoint
from tracker.training.state import State

LINGER = 0.03


def _without_cut() -> None:
    """Event files are left as the kill left them, and gone on with in a new one."""
    _swap(runner, rewind=lambda *_: [])


def _events_buffered() -> None:
    """Events wait in memory, as in a buffered file, and a commit does not send them off."""
    create = writer._create

    def buffered(directory: Path, now: float) -> tuple[Path, Any]:
        path, file = create(directory, now)
        return path, _Unflushed(file)

    _swap(writer, _create=buffered)


class _Unflushed(io.BufferedWriter):
    def __init__(self, raw: io.FileIO) -> None:
        super().__init__(raw, 1 << 20)

    def write(self, data: Any) -> int:
        super().write(data)
        return len(data)


def _one_file_in_place() -> None:
    """What most programs do: go on from one file, over which torch.save writes every time."""
    save = checkpoint.save

    def save_twice(run: Run, state: dict[str, Any], step: int, *, best: bool) -> Any:
        buffer = io.BytesIO()
        torch.save(state, buffer)
        run.lost.mkdir(exist_ok=True)
        _write_in_place(run.lost / "last.pt", buffer.getvalue())
        return save(run, state, step, best=best)

    def newest(run: Run, *_: Any) -> Any:
        path = run.lost / "last.pt"
        return torch.load(path, weights_only=True) if path.exists() else None

    _swap(checkpoint, save=save_twice, newest=newest)


def _json_in_place() -> None:
    """JSON files are written over, not beside and renamed."""

    def write(path: Path, document: Any) -> None:
        _write_in_place(path, files.to_json(document))

    _swap(checkpoint, write_json=write)
    _swap(active, write_json=write)


def _manifest_first() -> None:
    """The manifest names a checkpoint that is not there yet."""
    held: list[tuple[Path, bytes]] = []

    def hold(path: Path, data: Any) -> None:
        held.append((path, bytes(data)))

    def write_both(path: Path, document: Any) -> None:
        files.write_json(path, document)
        time.sleep(LINGER)
        files.write_atomic(*held.pop())

    _swap(checkpoint, write_atomic=hold, write_json=write_both)


def _run_in_place() -> None:
    """A run's directory is filled where it stands, for all to see."""

    def claimed(wanted: Path, fill: Any, *, again: bool) -> Any:
        if wanted.exists():
            return None
        wanted.mkdir(parents=True)
        lock = Lock(wanted / claim.LOCK_NAME)
        time.sleep(LINGER)
        fill(wanted, lock)
        return wanted, lock

    def write_new(path: Path, data: bytes) -> None:
        files.write_new(path, data)
        time.sleep(LINGER)

    _swap(active, claim=claimed, write_new=write_new)


def _epoch_from_its_start() -> None:
    """A run stopped in mid-epoch begins that epoch anew."""
    epoch = TrainBatches.epoch

    def from_start(self: TrainBatches, number: int, start: int = 0) -> Iterator[Any]:
        return epoch(self, number)

    _swap(TrainBatches, epoch=from_start)


def _forgets(what: str) -> Callable[[], None]:
    """Return what makes a resumed run begin with a fresh `what`."""

    def install() -> None:
        take_up = State.load_state_dict

        def forgetful(self: State, saved: dict[str, Any]) -> None:
            take_up(self, saved | {what: self.state_dict()[what]})

        _swap(State, load_state_dict=forgetful)

    return install


def _write_in_place(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data[: len(data) // 2])
        file.flush()
        time.sleep(LINGER)
        file.write(data[len(data) // 2 :])


def _swap(owner: Any, **others: Any) -> None:
    """Put others in the place of what `owner` has by these names."""
    for name, other in others.items():
        getattr(owner, name)  # a mutant of what is no longer there would be no mutant
        setattr(owner, name, other)


MUTANTS: dict[str, Callable[[], None]] = {
    "events not cut back": _without_cut,
    "events not sent off before the commit": _events_buffered,
    "one checkpoint, saved in place": _one_file_in_place,
    "JSON written in place": _json_in_place,
    "manifest before checkpoint": _manifest_first,
    "run filled in place": _run_in_place,
    "epoch begun anew": _epoch_from_its_start,
    **{
        f"{what} not taken up": _forgets(what)
        for what in ("optimizer", "average", "rng", "meter", "scores", "patience", "evaluated")
    },
}
