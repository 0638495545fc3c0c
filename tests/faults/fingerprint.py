"""What two runs of one experiment have in common, bit for bit, however often one was killed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import zip_longest
from typing import Any, TypeAlias

import numpy as np
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.event_pb2 import Event

from tracker import tags
from tracker.events.reader import Scalars, event_files, read_scalars
from tracker.events.record import Scan
from tracker.store import index
from tracker.store.manifest import Entry
from tracker.store.run import Run
from tracker.training import checkpoint

# part of a run -> name -> what it is, as text
Fingerprint: TypeAlias = dict[str, dict[str, str]]

# Where and with which files a run happened to be, and how fast.
_INCIDENTAL = ("events.", "machine.", "meter.", f"scores.{tags.IMAGES_PER_SECOND}.")
_TIMED = re.compile(r"scores\..*\.improvements\.\d+\.1")  # after how many seconds
_METERED = ("meter.losses", "meter.logits", "meter.labels")  # what else a meter has, is time
_PARTS = {"model": "weights", "average": "weights", "optimizer": "optimizer"}


def fingerprint(run: Run) -> Fingerprint:
    """Everything of a finished `run` that resuming may not change. Raises what reading raises."""
    found: Fingerprint = {part: {} for part in ("weights", "optimizer", "state", "pictures")}
    manifest = run.manifest()
    newest_first = zip_longest(("last", "one before"), manifest.kept[::-1])
    for label, entry in (*newest_first, ("best", manifest.best)):
        _add_checkpoint(found, run, label, entry)
    scalars = read_scalars(run.path)
    found["scalars"] = _series(scalars)
    found["event files"] = _complaints(run, scalars)
    for name, value in _pages(run):
        if found["pictures"].setdefault(name, value) != value:
            found["event files"][name] = "written twice"
    found["record"] = _record(run)
    found["files"] = dict.fromkeys(_files(run), "")
    return found


def differences(right: Fingerprint, other: Fingerprint) -> dict[str, str]:
    """The parts that differ, and in each the first name that does, with both values."""
    told = {}
    for part, values in right.items():
        for name in sorted({*values, *other[part]}):
            wanted, got = values.get(name, "absent"), other[part].get(name, "absent")
            if wanted != got:
                told[part] = f"{name}: {wanted[:60] or 'there'} became {got[:60] or 'there'}"
                break
    return told


def _add_checkpoint(found: Fingerprint, run: Run, label: str, entry: Entry | None) -> None:
    if entry is None:
        found["state"][f"{label}.step"] = "none"
        return
    for name, leaf in _leaves(checkpoint.load(run, entry)):
        if _TIMED.fullmatch(name):
            continue
        if name.startswith(_METERED) or not f"{name}.".startswith(_INCIDENTAL):
            part = _PARTS.get(name.partition(".")[0], "state")
            found[part][f"{label}.{name}"] = _text(leaf)


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from _leaves(one, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list | tuple):
        for number, one in enumerate(value):
            yield from _leaves(one, f"{name}.{number}")
    else:
        yield name, value


def _text(leaf: Any) -> str:
    if isinstance(leaf, torch.Tensor):
        array = leaf.contiguous().numpy()
        return f"{array.dtype}{array.shape}{_digest(array.tobytes())}"
    return repr(leaf)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def _series(scalars: Scalars) -> dict[str, str]:
    return {
        tag: f"steps {series.steps.tolist()} values {_digest(series.values.tobytes())}"
        for tag, series in scalars.series.items()
        if tag not in tags.INCIDENTAL  # not said in a process's first interval
    }


def _complaints(run: Run, scalars: Scalars) -> dict[str, str]:
    """What readers have against the event files; nothing if all is well."""
    told = dict.fromkeys(scalars.backwards, "steps go back")
    for report in scalars.reports:
        if report.torn or report.damage:
            told["our reader"] = f"torn {report.torn}, damage {report.damage}"
    events = EventAccumulator(str(run.path), size_guidance={"scalars": 0, "tensors": 0}).Reload()
    shown = {
        tag: ([point.step for point in events.Scalars(tag)], [p.value for p in events.Scalars(tag)])
        for tag in events.Tags()["scalars"]
    }
    if shown.keys() != scalars.series.keys() or not all(
        shown[tag][0] == series.steps.tolist()
        and np.array_equal(shown[tag][1], series.values, equal_nan=True)
        for tag, series in scalars.series.items()
    ):
        told["EventAccumulator"] = "shows other scalars than our reader"
    return told


def _pages(run: Run) -> Iterator[tuple[str, str]]:
    """Pictures, texts and all else that is no scalar, each with what it holds."""
    for file in event_files(run.path):
        for _, payload in Scan(file):
            event = Event.FromString(payload)
            for value in event.summary.value:
                if value.WhichOneof("value") != "simple_value" and value.tag != tags.ENVIRONMENT:
                    yield f"{value.tag} at {event.step}", _digest(_content(value))


def _content(value: Any) -> bytes:
    if value.tag.startswith("_hparams_"):  # holds the time
        return b""
    content: bytes = value.tensor.SerializeToString()
    return content


def _record(run: Run) -> dict[str, str]:
    record = index.record(run)
    said = {
        name: repr(getattr(record, name))
        for name in ("state", "step", "epoch", "total_steps", "metric", "cause")
    }
    metrics = {tag: one for tag, one in record.metrics.items() if tag not in tags.INCIDENTAL}
    for tag, metric in metrics.items():
        timeless = tuple(each._replace(seconds=0.0) for each in metric.improvements)
        said[f"metrics.{tag}"] = repr(replace(metric, improvements=timeless))
    return said | {"parameters": repr(record.price and record.price.parameters)}


def _files(run: Run) -> Iterator[str]:
    for path in sorted(run.path.rglob("*")):
        name = str(path.relative_to(run.path))
        if not name.startswith(("lost", "events.out.")):
            yield name
