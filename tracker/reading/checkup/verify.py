"""Is a run still what was written? Every file that carries a proof is held to it.

JSON to its shape, checkpoints to the sha256 of the manifest, event files to the checksum of each
record and to the lengths that were committed. No checkpoint is opened, so nothing in one can act.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

from tracker.errors import Damaged, SpecError, printable
from tracker.events.reader import read_scalars
from tracker.events.record import Report
from tracker.reading.checkup.finding import Finding, damaged, fine, warning
from tracker.spec.load import load
from tracker.store import garbage
from tracker.store.files import explain_os_error
from tracker.store.imported import read_imported
from tracker.store.manifest import Entry, Manifest
from tracker.store.run import Run
from tracker.store.shape import TEXT, Shape, read_document
from tracker.store.status import RunState

_COPY = "restore it from a copy, or start anew (`--again`; `tracker import` after `tracker rm`)"
_CHUNK = 1 << 20
_PROVENANCE: Shape = {"time": TEXT, "command": (list,), "host": (dict,), "packages": (dict,)}


def check(run: Run, now: datetime) -> Iterator[Finding]:
    """Look at every file of `run`; at one that is being written, as far as it is committed.

    `log.txt` and `code.patch` carry no proof, and are passed over. Raises Unavailable where a file
    may not be read.
    """
    state = run.state()
    yield from _documents(run)
    yield from _strangers(run)
    manifest = Manifest()
    try:
        manifest = run.manifest()
        _check_saved(run)
    except Damaged as error:
        yield damaged(_name(run, run.manifest_file), str(error), _COPY)
    yield from _checkpoints(run, manifest, state)
    yield from _events(run, manifest, state)
    if state != "running":
        yield from _links(run, manifest)
        for one in garbage.in_run(run, now):
            yield warning(_name(run, one.path), one.kind, "`tracker gc` deletes it")


def _documents(run: Run) -> Iterator[Finding]:
    readers: dict[Path, Callable[[], object]] = {
        run.experiment_file: lambda: read_imported(run) or load(run.experiment_file),
        run.provenance_file: lambda: read_document(run.provenance_file, _PROVENANCE),
        run.status_file: run.status,
        run.summary_file: run.summary,
    }
    for path, read in readers.items():
        try:
            read()
        except (Damaged, SpecError) as error:
            yield damaged(_name(run, path), str(error).partition("\n")[0], _COPY)
        else:
            yield fine(_name(run, path), "as it should be")


def _strangers(run: Run) -> Iterator[Finding]:
    with explain_os_error("look into", run.path):
        strangers = run.strangers()
    for path, fault in strangers.items():
        words = f"{fault}: a run writes to its own files alone, so --resume refuses it"
        yield damaged(_name(run, path), words, "put what it leads to in its place, or delete it")


def _check_saved(run: Run) -> None:
    """Raise Damaged where checkpoints must have been committed, and the manifest names none."""
    with contextlib.suppress(SpecError):  # `_documents` says that
        if read_imported(run) is None:
            run.check_saved()
            [experiment] = load(run.experiment_file)
            # The one of before the last time it was due: the last may be on its way.
            due = 2 * experiment.checkpoint.every_epochs
            if not run.manifest().files and run.status().epoch > due:
                raise Damaged(f"is missing, though a checkpoint was due by epoch {due}")


def _checkpoints(run: Run, manifest: Manifest, state: RunState) -> Iterator[Finding]:
    for entry in manifest.entries:
        path = run.checkpoints / entry.file
        digest = _sha256(path)
        if digest == entry.sha256:
            yield fine(_name(run, path), f"step {entry.step}, sha256 as saved")
        elif digest is not None:
            words = "not the bytes that were saved (sha256 differs)"
            yield damaged(_name(run, path), words, _without(entry, manifest))
        # A run that is being written may have gone on to newer ones while we looked.
        elif state != "running" or entry.file in run.manifest().files:
            yield damaged(_name(run, path), "is missing", _without(entry, manifest))


def _without(entry: Entry, manifest: Manifest) -> str:
    """What to do where `entry` cannot be read."""
    others = [one.step for one in manifest.kept if one != entry]
    if entry in manifest.kept and others:
        return f"restore it from a copy, or let --resume go on from step {max(others)}"
    return _COPY


def _links(run: Run, manifest: Manifest) -> Iterator[Finding]:
    newest = manifest.kept[-1] if manifest.kept else None
    for link, entry in ((run.last_checkpoint, newest), (run.best_checkpoint, manifest.best)):
        if entry is not None and link.resolve().name != entry.file:
            target = f"checkpoints/{entry.file}"
            yield warning(_name(run, link), f"does not lead to {target}", f"use {target} itself")


def _sha256(path: Path) -> str | None:
    """The digest of a file's bytes, or None where there is no file."""
    if not path.is_file():
        return None
    digest = hashlib.sha256()
    with explain_os_error("read", path), path.open("rb") as file:
        for chunk in iter(lambda: file.read(_CHUNK), b""):
            digest.update(chunk)
    return digest.hexdigest()


def _events(run: Run, manifest: Manifest, state: RunState) -> Iterator[Finding]:
    committed = _committed(run, manifest)
    scalars = read_scalars(run.path)
    for name in committed.keys() - {report.path.name for report in scalars.reports}:
        yield damaged(_name(run, run.path / name), "is missing", _COPY)
    for report in scalars.reports:
        yield _event_file(run, report, committed.get(report.path.name), state)
    for tag in scalars.backwards:
        words = f"{printable(tag)}: its steps go back, so TensorBoard draws it wrong or in part"
        yield warning(run.id, words, "let one writer write each tag, with steps that grow")


def _committed(run: Run, manifest: Manifest) -> Mapping[str, int]:
    """How many bytes of each event file the run vouches for."""
    with contextlib.suppress(Damaged):  # `_documents` says that
        imported = read_imported(run)
        if imported is not None:
            return {one.name: one.size for one in imported.files}
    return manifest.kept[-1].events if manifest.kept else {}


def _event_file(run: Run, report: Report, committed: int | None, state: RunState) -> Finding:
    """What is true of one event file, of which so many bytes are `committed`, if it is."""
    name = _name(run, report.path)
    words = f"{report.records:,} records in {report.size:,} bytes"
    if report.damage:
        words += f", then at byte {report.damage.offset:,}: {report.damage.reason}"
    elif report.torn:
        words += f", then {report.torn:,} of a record that was never finished"
    if report.size < (committed or 0):
        return damaged(name, f"{words}; {committed:,} bytes were committed", _COPY)
    if state == "finished" and (report.damage or report.torn):
        return damaged(name, words, _COPY)
    if report.damage or (report.torn and state != "running"):
        return warning(name, words, "--resume cuts it back to what was committed")
    return fine(name, words)


def _name(run: Run, path: Path) -> str:
    return f"{run.id}/{path.relative_to(run.path)}"
