"""The recorded curves and today's as two runs of TensorBoard, one over the other."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tracker.events.reader import event_files
from tracker.events.writer import EventWriter
from tracker.reading.gate.curve import Curve
from tracker.reading.gate.verdict import Check
from tracker.store.files import explain_os_error

FOLDER = "check"
_THEN, _NOW = "baseline", "now"


def folder_of(root: Path, name: str) -> Path:
    """Where what a check leaves behind of the run `name` lies."""
    return root / FOLDER / name.replace("/", " ")


def write_overlay(root: Path, check: Check) -> Path:
    """Write both into `<root>/check/<run>`, in place of what was there; return that folder.

    `tracker ls` takes none of it for a run. Raises Unavailable where the disk refuses.
    """
    folder = folder_of(root, check.name)
    with explain_os_error("write", folder):
        for side, name in enumerate((_THEN, _NOW)):
            place = folder / name
            place.mkdir(parents=True, exist_ok=True)
            for path in event_files(place):
                path.unlink()
            _write(place, {tag: curves[side] for tag, curves in check.curves.items()})
    return folder


def _write(place: Path, curves: Mapping[str, Curve]) -> None:
    by_step: dict[int, dict[str, float]] = {}
    for tag, curve in curves.items():
        for step, value in zip(curve.steps, curve.values, strict=True):
            by_step.setdefault(step, {})[tag] = value
    with EventWriter(place) as writer:
        for step in sorted(by_step):
            writer.scalars(step, by_step[step])
