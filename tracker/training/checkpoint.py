"""What a run must keep to go on as if it had never stopped, and how it reaches the disk whole.

A checkpoint is written under a name of its own (`step-00000390.pt`; `step-00000390.2.pt` where that
step is saved already), then `manifest.json` is replaced: that one rename is the commit. Only then
are files no manifest names removed. Killed at any line, the directory holds the checkpoint before
or the one after, never half of one.
`last.pt` and `best.pt` are links into the same files, for people.
"""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import zip_longest
from typing import Any

import torch

from tracker.errors import Damaged, Unavailable, printable
from tracker.owned import own_folder
from tracker.store.files import (
    explain_os_error,
    link_atomic,
    write_atomic,
    write_json,
)
from tracker.store.manifest import Entry, Manifest
from tracker.store.run import Run

KEPT = 2  # the newest ones; the best is kept besides


class Saver:
    """Commits checkpoints in the background, one at a time and in the order they were asked for.

    The loop waits only while the state is copied, and for the save before if that is not done.
    A context manager: its end waits for the last save.
    """

    def __init__(self, run: Run, clock: Callable[[], float] = time.monotonic) -> None:
        self._run = run
        self._clock = clock
        self._saved_at = clock()
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="saver")
        self._pending: Future[Manifest] | None = None

    @property
    def age(self) -> float:
        """Seconds since the last save was asked for; at first, since the beginning."""
        return self._clock() - self._saved_at

    def save(self, state: dict[str, Any], step: int, *, best: bool) -> None:
        """Have `state` committed as `save` does it; returns once it is copied."""
        self.wait()
        self._saved_at = self._clock()
        self._pending = self._pool.submit(save, self._run, _copied(state), step, best=best)

    def wait(self) -> None:
        """Return when all is committed. Raises what went wrong, such as `Unavailable`."""
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.result()

    def __enter__(self) -> Saver:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._pool.shutdown(wait=True)
        if kind is None:  # else that error is the one to tell
            self.wait()


def save(run: Run, state: dict[str, Any], step: int, *, best: bool) -> Manifest:
    """Commit `state` (tensors, numbers, strings, lists, dicts) as the checkpoint of `step`.

    `state["events"]`, the lengths of the event files, is told in the manifest too. `best` says
    whether it is also the best so far. Raises `Unavailable` when the disk is full or
    read-only; the checkpoints already there are then untouched.
    """
    buffer = io.BytesIO()
    torch.save(state, buffer)
    data = buffer.getbuffer()
    digest, events = hashlib.sha256(data).hexdigest(), state.get("events", {})
    before = run.manifest()
    entry = Entry(before.file_name(step), step, digest, events)
    with explain_os_error("save a checkpoint", run.checkpoints):
        own_folder(run.checkpoints)
        write_atomic(run.checkpoints / entry.file, data)
        kept = (*(one for one in before.kept if one.step < step), entry)[-KEPT:]
        after = Manifest(kept, entry if best else before.best)
        write_json(run.manifest_file, after.to_document())
        link_atomic(run.last_checkpoint, entry.file)
        if best:
            link_atomic(run.best_checkpoint, entry.file)
        for file in run.checkpoints.glob("step-*.pt"):
            if file.name not in after.files:
                file.unlink()
    return after


def _copied(value: Any) -> Any:
    """Return `value` with every tensor in it copied to the CPU."""
    if isinstance(value, torch.Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, dict):
        return {key: _copied(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_copied(one) for one in value]
    return value


def newest(
    run: Run,
    say: Callable[[str], None],
    check: Callable[[dict[str, Any]], None] = lambda _: None,
) -> dict[str, Any] | None:
    """Return the newest state that can be trusted, or None where nothing was ever saved.

    One that is damaged, or that `check` raises `Damaged` at, is passed over for the one before it,
    the best one too, and `say` is told; where none is left, raises `Damaged`. One that cannot be
    read raises `Unavailable`: it may be sound, and going on without it would give it up.
    """
    entries = sorted(run.manifest().entries, key=lambda one: one.step, reverse=True)
    for entry, before in zip_longest(entries, entries[1:]):
        try:
            return _checked(run, entry, check)
        except Unavailable as error:
            way_out = f", or move it away to go on from step {before.step}" if before else ""
            raise Unavailable(f"{error}{way_out}") from error
        except Damaged as error:
            if not before:
                raise Damaged(
                    f"{error}; no other checkpoint is left: restore one from a copy, or start anew "
                    "with --again"
                ) from error
            say(f"{error}; going back to the checkpoint before it, of step {before.step}")
    return None


def _checked(run: Run, entry: Entry, check: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Load `entry`, if it is a state that this run saved."""
    state = load(run, entry)
    try:
        _check_told(state, entry)
        check(state)
    except Damaged as error:
        where = printable(str(run.checkpoints / entry.file))
        raise Damaged(f"{where}: not what this run saved ({error})") from error
    return state


def _check_told(state: dict[str, Any], entry: Entry) -> None:
    """Raise `Damaged` where the manifest tells another story."""
    if not _is_same(state.get("step"), entry.step):
        raise Damaged(f"step: not {entry.step}, as manifest.json has it")
    if not _is_same(state.get("events", {}), entry.events):
        raise Damaged("events: not as manifest.json has them")


def _is_same(found: Any, known: Any) -> bool:
    """Whether `found`, which may be anything, is the number or the dict of numbers `known`."""
    numbers = found.values() if type(found) is dict else [found]
    return all(type(one) is int for one in numbers) and bool(found == known)


def forget_after(run: Run, step: int) -> None:
    """Vouch no more for the checkpoints after `step`, from which the run goes on.

    Its event files are about to be cut back to that step, and would not fit them any more. To be
    called where newer checkpoints could not be read; else it changes nothing.
    """
    manifest = run.manifest()
    kept = tuple(one for one in manifest.kept if one.step <= step)
    best = manifest.best if manifest.best and manifest.best.step <= step else None
    if (kept, best) != (manifest.kept, manifest.best):
        write_json(run.manifest_file, Manifest(kept, best).to_document())


def load(run: Run, entry: Entry) -> dict[str, Any]:
    """Return the state saved as `entry`, tensors on the CPU.

    Raises `Damaged` when its bytes are not those that were saved, or hold no such thing.
    """
    path = run.checkpoints / entry.file
    where = printable(str(path))
    with explain_os_error("read a checkpoint", path):
        if not path.is_file():  # a pipe of that name would make us wait for ever
            raise Damaged(f"{where}: missing")
        data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != entry.sha256:
        raise Damaged(f"{where}: not the bytes that were saved (sha256 differs from manifest.json)")
    try:
        # weights_only is passed, not assumed: an environment variable can turn the default off.
        state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    # torch's unpickler raises whatever it trips over in a stranger's bytes.
    except Exception as error:
        raise Damaged(f"{where}: holds more than weights and numbers; not loaded") from error
    if type(state) is not dict:
        raise Damaged(f"{where}: holds no state of a run")
    return state
