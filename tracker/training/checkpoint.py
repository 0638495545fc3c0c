"""What a run must keep to go on as if it had never stopped, and how it reaches the disk whole.

A checkpoint is written under a name of its own (`step-00000390.pt`), then `manifest.json` is
replaced: that one rename is the commit. Only then are files no manifest names removed. Killed at
any line, the directory holds the checkpoint before or the one after, never half of one.
`last.pt` and `best.pt` are links into the same files, for people.
"""

from __future__ import annotations

import hashlib
import io
import pickle
from collections.abc import Callable
from typing import Any

import torch

from tracker.errors import Damaged, Unavailable
from tracker.store.files import (
    explain_os_error,
    link_atomic,
    write_atomic,
    write_json,
)
from tracker.store.manifest import Entry, Manifest
from tracker.store.run import Run

KEPT = 2  # the newest ones; the best is kept besides


def save(run: Run, state: dict[str, Any], step: int, *, best: bool) -> Manifest:
    """Commit `state` (tensors, numbers, strings, lists, dicts) as the checkpoint of `step`.

    `state["events"]`, the lengths of the event files, is told in the manifest too. `best` says
    whether it is also the best so far. Raises `Unavailable` when the disk is full or
    read-only; the checkpoints already there are then untouched.
    """
    buffer = io.BytesIO()
    torch.save(state, buffer)
    data = buffer.getvalue()
    digest, events = hashlib.sha256(data).hexdigest(), state.get("events", {})
    entry = Entry(f"step-{step:08d}.pt", step, digest, events)
    with explain_os_error("save a checkpoint", run.checkpoints):
        run.checkpoints.mkdir(exist_ok=True)
        write_atomic(run.checkpoints / entry.file, data)
        before = run.manifest()
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


def newest(run: Run, say: Callable[[str], None]) -> dict[str, Any] | None:
    """Return the newest state that can be trusted, or None where nothing was ever saved.

    A damaged one is passed over for the one before it, and `say` is told. Raises `Damaged` when
    none is left.
    """
    kept = run.manifest().kept
    for entry in reversed(kept):
        try:
            return load(run, entry)
        except (Damaged, Unavailable) as error:
            say(f"{error}; going back to the checkpoint before it")
    if kept:
        raise Damaged(f"{run.checkpoints}: no checkpoint can be read; --again starts a new run")
    return None


def load(run: Run, entry: Entry) -> dict[str, Any]:
    """Return the state saved as `entry`, tensors on the CPU.

    Raises `Damaged` when its bytes are not those that were saved.
    """
    path = run.checkpoints / entry.file
    with explain_os_error("read a checkpoint", path):
        data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != entry.sha256:
        raise Damaged(f"{path}: not the bytes that were saved (sha256 differs from manifest.json)")
    try:
        # weights_only is passed, not assumed: an environment variable can turn the default off.
        state: dict[str, Any] = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError) as error:
        raise Damaged(f"{path}: holds more than weights and numbers; not loaded") from error
    return state
